import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Failure, UsageMistake } from '../cli/failure.ts'
import { editConfig, readConfigName, readConfigValue } from './config-edit.ts'
import { readAgentConfig } from './config-file.ts'
import type { Home } from './home.ts'
import { homeOf } from './home.ts'

let folder: string
let home: Home
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'satway-config-')), 'home')
  home = homeOf(folder, {})
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

const text = (): string => readFileSync(home.configFile, 'utf8')
const put = (content: string): void => writeFileSync(home.configFile, content, { mode: 0o600 })

describe('R-AGT-5 the settings', () => {
  test('are none without a file, and none in an empty one', async () => {
    expect(await readAgentConfig(home)).toEqual({})
    await editConfig(home, 'key', 'file')
    put('# nothing yet\n')
    expect(await readAgentConfig(home)).toEqual({})
  })

  test('are read as they are', async () => {
    await editConfig(home, 'key', 'file')
    put('wallet: none\nkey: keychain\ndownloads: ~/got\napproval_wait_seconds: 5\n')
    const all = { wallet: 'none', key: 'keychain', downloads: '~/got', approval_wait_seconds: 5 }
    expect(await readAgentConfig(home)).toEqual(all)
  })

  for (const [what, content, message] of [
    ['an unknown name', 'walet: none\n', /1:1 walet is not known here; did you mean wallet\?/],
    ['a wallet that is none', 'wallet: lnd\n', /1:9 wallet expected a wallet URI/],
    [
      'a secret in a wallet',
      'wallet: "https://w.example/pay?token=hunter2"\n',
      /\?token: expected file:\/path or env:NAME/,
    ],
    ['a wallet somewhere', 'wallet: devnet:wallet.json\n', /names a file without its place/],
    ['downloads somewhere', 'downloads: got\n', /1:12 downloads expected a path/],
    ['another key', 'key: secret\n', /1:6 key expected auto, keychain, file/],
    ['no room', 'downloads_max_mib: 0\n', /from 1 to 1048576/],
    ['a long wait', 'approval_wait_seconds: 3601\n', /from 0 to 3600/],
    ['several', 'key: 1\nwallet: 2\n', /1:6 key .* \(and 1 more\)$/],
    ['no YAML', 'a: b: c\n', /YAML/],
  ] as const) {
    test(`with ${what} are refused, in words that repeat no secret`, async () => {
      await editConfig(home, 'key', 'file')
      put(content)
      const failed = await readAgentConfig(home).catch((error: unknown) => error)
      expect(failed).toBeInstanceOf(Failure)
      expect((failed as Failure).message).toMatch(message)
      expect(`${(failed as Failure).message}${(failed as Failure).advice}`).not.toContain('hunter2')
    })
  }

  test('that others can change are refused', async () => {
    await editConfig(home, 'key', 'file')
    chmodSync(home.configFile, 0o666)
    await expect(readAgentConfig(home)).rejects.toThrow(/can be changed by others/)
    await expect(editConfig(home, 'key', 'auto')).rejects.toThrow(/can be changed by others/)
  })
})

describe('R-AGT-6 a setting is changed by itself', () => {
  test('in a file that is made for it, 0600, in a folder of 0700', async () => {
    expect(await editConfig(home, 'wallet', 'none')).toBe(true)
    expect(text()).toMatch(/^#.*\n\n?wallet: none\n$/)
    expect(statSync(home.configFile).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(readdirSync(folder)).toEqual(['config.yaml'])
  })

  test('and comments, order and the other settings stay', async () => {
    await editConfig(home, 'key', 'file')
    put('# top\nwallet: none # for now\n\n# where the key is\nkey: file\n')
    expect(await editConfig(home, 'wallet', 'devnet:/a/b.json')).toBe(true)
    expect(text()).toBe(
      '# top\nwallet: devnet:/a/b.json # for now\n\n# where the key is\nkey: file\n',
    )
    expect(await editConfig(home, 'approval_wait_seconds', 7)).toBe(true)
    expect(readConfigValue('downloads_max_mib', '500')).toBe(500)
    expect(readConfigValue('downloads_max_mib', '1 GiB')).toBe('1 GiB')
    expect(await editConfig(home, 'wallet', undefined)).toBe(true)
    expect(text()).toContain('# where the key is\nkey: file\n')
    expect(await readAgentConfig(home)).toEqual({ key: 'file', approval_wait_seconds: 7 })
  })

  test('and what is so already is not written again', async () => {
    await editConfig(home, 'key', 'file')
    const { ino } = statSync(home.configFile)
    expect(await editConfig(home, 'key', 'file')).toBe(false)
    expect(await editConfig(home, 'wallet', undefined)).toBe(false)
    expect(statSync(home.configFile).ino).toBe(ino)
  })

  test('and of many at once each is kept', async () => {
    await Promise.all([
      editConfig(home, 'key', 'file'),
      editConfig(home, 'wallet', 'none'),
      editConfig(home, 'downloads', '/tmp/x'),
      editConfig(home, 'approval_wait_seconds', 3),
    ])
    expect(Object.keys(await readAgentConfig(home))).toHaveLength(4)
  })

  test('a mistake in the file can be taken out by its name', async () => {
    await editConfig(home, 'key', 'file')
    put('key: nonsense\nwallet: none\n')
    expect(await editConfig(home, 'key', undefined)).toBe(true)
    expect(text()).toBe('wallet: none\n')
  })
})

describe('R-AGT-7 what is wrong changes nothing', () => {
  for (const [name, value, message] of [
    ['wallet', 'https://w.example/pay?token=hunter2', /^wallet: \?token: expected/],
    ['wallet', 'devnet:here.json', /names a file without its place/],
    ['wallet', 'http://w.example/pay', /not encrypted/],
    ['key', 'hunter2', /^key: expected auto/],
    ['downloads', 'x', /^downloads: expected a path/],
    ['approval_wait_seconds', 'soon', /^approval_wait_seconds: expected a whole number/],
  ] as const) {
    test(`${name} ${value}`, async () => {
      await editConfig(home, 'wallet', 'none')
      const before = text()
      const failed = await editConfig(home, name, readConfigValue(name, value)).catch(
        (e: unknown) => e,
      )
      expect(failed).toBeInstanceOf(UsageMistake)
      expect((failed as Error).message).toMatch(message)
      expect((failed as Error).message).not.toContain('hunter2')
      expect(text()).toBe(before)
      expect(readdirSync(folder)).toEqual(['config.yaml'])
    })
  }

  test('a file that has another mistake is left as it is', async () => {
    await editConfig(home, 'key', 'file')
    put('walet: none\n')
    await expect(editConfig(home, 'key', 'auto')).rejects.toThrow(/walet is not known here/)
    put('a: b: c\n')
    await expect(editConfig(home, 'key', 'auto')).rejects.toThrow(/YAML/)
    expect(text()).toBe('a: b: c\n')
  })

  test('a name that is none', () => {
    expect(readConfigName('wallet')).toBe('wallet')
    expect(() => readConfigName('walet')).toThrow('"walet" is not known here; did you mean wallet?')
    expect(() => readConfigName('toString')).toThrow(UsageMistake)
  })
})
