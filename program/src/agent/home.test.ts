import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { homeOf, makeHome, requireOwnHome } from './home.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satway-home-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('R-AGT-1 where things are', () => {
  for (const [what, given, environment, place] of [
    ['by default', undefined, { HOME: '/home/me' }, '/home/me/.satway'],
    ['without anything', undefined, {}, join(homedir(), '.satway')],
    ['with SATWAY_HOME', undefined, { HOME: '/home/me', SATWAY_HOME: '/srv/agent' }, '/srv/agent'],
    ['with an empty one', undefined, { HOME: '/home/me', SATWAY_HOME: '' }, '/home/me/.satway'],
    ['as it was called', '/a/b', { SATWAY_HOME: '/srv/agent' }, '/a/b'],
    ['below the user’s folder', '~/x', {}, join(homedir(), 'x')],
  ] as const) {
    test(what, () => {
      expect(homeOf(given, environment)).toEqual({
        folder: place,
        journalFile: join(place, 'journal.db'),
        receiptsFile: join(place, 'receipts.jsonl'),
        policyFile: join(place, 'policy.yaml'),
        configFile: join(place, 'config.yaml'),
        downloadFolder: join(place, 'downloads'),
      })
    })
  }

  test('nothing is looked for in the working directory', () => {
    for (const name of ['SATWAY_HOME', 'SATWAY_POLICY']) {
      for (const path of ['.', 'here', './policy.yaml', '../x']) {
        expect(() => homeOf(undefined, { [name]: path })).toThrow(
          `${name}: expected a path that begins with / or ~/`,
        )
      }
    }
  })

  test('nor is a path taken that leads there', () => {
    for (const name of ['SATWAY_HOME', 'SATWAY_POLICY', 'HOME']) {
      for (const path of [
        '/proc/self/cwd',
        '/tmp/../proc/self/cwd/x',
        '//proc/1/cwd',
        '/dev/fd/3',
      ]) {
        expect(() => homeOf(undefined, { [name]: path })).toThrow(
          `${name}: expected a place of its own, and none below /proc or /dev`,
        )
      }
    }
    expect(() => homeOf(undefined, { HOME: 'here' })).toThrow('HOME: expected a path')
    expect(homeOf(undefined, { SATWAY_HOME: '/devices/x' }).folder).toBe('/devices/x')
  })

  test('an agent cannot choose its policy', () => {
    const chosen = { SATWAY_POLICY: '/etc/satway/agent.yaml', SATWAY_AGENT: '1' }
    expect(() => homeOf(folder, chosen)).toThrow(
      expect.objectContaining({
        message: 'SATWAY_POLICY does not count where SATWAY_AGENT is set.',
        exitCode: 3,
      }),
    )
    expect(homeOf(folder, { ...chosen, SATWAY_AGENT: '0' }).policyFile).toBe(chosen.SATWAY_POLICY)
  })

  test('the policy may be JSON, or elsewhere', () => {
    writeFileSync(join(folder, 'policy.json'), '{}')
    expect(homeOf(folder, {}).policyFile).toBe(join(folder, 'policy.json'))
    writeFileSync(join(folder, 'policy.yaml'), '')
    expect(homeOf(folder, {}).policyFile).toBe(join(folder, 'policy.yaml'))
    const elsewhere = { SATWAY_POLICY: '/etc/satway/agent.yaml' }
    expect(homeOf(folder, elsewhere).policyFile).toBe('/etc/satway/agent.yaml')
  })
})

describe('R-AGT-2 a home is its owner’s alone', () => {
  test('it is made so', () => {
    const home = { folder: join(folder, 'a', 'b') }
    requireOwnHome(home)
    expect(existsSync(home.folder)).toBe(false)
    makeHome(home)
    expect(statSync(home.folder).mode & 0o777).toBe(0o700)
  })

  for (const mode of [0o777, 0o770, 0o720, 0o702]) {
    test(`one that others can write to is refused: ${mode.toString(8)}`, () => {
      chmodSync(folder, mode)
      for (const look of [requireOwnHome, makeHome]) {
        expect(() => look({ folder })).toThrow(
          expect.objectContaining({
            message: `${folder} can be changed by others.`,
            advice: `Nothing was done. Make it yours alone: chmod 700 ${folder}`,
          }),
        )
      }
    })
  }

  test('one that others can only look into is not', () => {
    chmodSync(folder, 0o755)
    expect(() => requireOwnHome({ folder })).not.toThrow()
  })

  test('a file in its place is no home', () => {
    mkdirSync(join(folder, 'x'))
    writeFileSync(join(folder, 'x', 'file'), '')
    expect(() => requireOwnHome({ folder: join(folder, 'x', 'file') })).toThrow(/is no folder/)
    expect(() => makeHome({ folder: join(folder, 'x', 'file', 'home') })).toThrow(/cannot be made/)
  })
})
