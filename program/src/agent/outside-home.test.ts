import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { readCommandLine } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { get } from '../cli/get.ts'
import { receiptsExport } from '../cli/receipts-commands.ts'
import { resume } from '../cli/resume.ts'
import { requireOutsideHome } from './outside-home.ts'

let base: string
let home: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'satway-outside-home-'))
  home = join(base, 'home')
  mkdirSync(join(home, 'downloads'), { recursive: true, mode: 0o700 })
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(base, { recursive: true, force: true })
})

function problemOf(...args: readonly string[]): string | undefined {
  return problemAt('https://shop.example/x/policy.yaml', ...args)
}

function problemAt(url: string, ...args: readonly string[]): string | undefined {
  try {
    requireOutsideHome(readCommandLine(get, [...args, url]), { SATWAY_HOME: home })
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(Failure)
    expect(error).toMatchObject({ exitCode: exitCodes.refused })
    return (error as Failure).message
  }
}

const noWriting = 'is what this program goes by: nothing else may write it.'
const noSending = 'is kept for this program alone: it is sent nowhere.'

describe('R-AGT-50 what the program goes by', () => {
  test('is not written: policy, settings, wallet, journal, whatever is private, by any path', () => {
    const policy = join(home, 'policy.yaml')
    symlinkSync(home, join(base, 'folder-link'))
    writeFileSync(join(home, 'config.yaml'), 'wallet: none\n')
    symlinkSync(join(home, 'config.yaml'), join(base, 'file-link'))
    writeFileSync(join(home, 'wallet.uri'), 'hunter2', { mode: 0o600 })
    for (const path of [
      policy,
      relative(process.cwd(), policy),
      join(base, 'folder-link', 'policy.json'),
      `${home}/downloads/../policy.yaml`,
      join(base, 'file-link'),
      join(home, 'wallet.uri'),
      join(home, 'tls.cert'),
      join(home, 'devnet.json'),
      join(home, 'receipts.jsonl'),
      join(home, 'cache', 'part.js'),
    ]) {
      for (const flag of ['--output', '--credential']) {
        expect(problemOf(flag, path)).toBe(`${path} ${noWriting}`)
      }
    }
  })

  test('is not written by the name that the URL ends in', () => {
    vi.spyOn(process, 'cwd').mockReturnValue(home)
    expect(problemOf('--remote-name')).toContain(noWriting)
    expect(problemAt('https://shop.example/pol\ticy.yaml?x', '--remote-name')).toContain(noWriting)
    expect(problemAt('https://shop.example/report.pdf', '--remote-name')).toBeUndefined()
  })

  test('is not sent, nor is anything private beside it', () => {
    symlinkSync(home, join(base, 'folder-link'))
    writeFileSync(join(home, 'wallet.uri'), 'hunter2', { mode: 0o600 })
    for (const path of [join(home, 'journal.key'), join(base, 'folder-link', 'wallet.uri')]) {
      for (const flag of ['--data', '--header']) {
        expect(problemOf(flag, `@${path}`)).toBe(`${path} ${noSending}`)
      }
      expect(problemOf('--data', path)).toBeUndefined()
    }
    expect(problemOf('--header', 'A: b', '--header', `@${home}/mcp.token`)).toContain(noSending)
  })

  test('is safe where --params says so', async () => {
    vi.stubEnv('SATWAY_HOME', home)
    const output = join(home, 'policy.yaml')
    const params = JSON.stringify({ url: 'http://127.0.0.1:9/policy.yaml', output })
    const given = readCommandLine(get, ['--params', params])
    await expect(get.run(given)).rejects.toMatchObject({ exitCode: exitCodes.refused })
    expect(existsSync(output)).toBe(false)
  })

  test('leaves downloads, files elsewhere, others in the home, and standard streams free', () => {
    writeFileSync(join(home, 'body.json'), '{}', { mode: 0o644 })
    writeFileSync(join(home, 'downloads', 'x'), 'x', { mode: 0o600 })
    mkdirSync(join(home, 'demo-7'))
    writeFileSync(join(home, 'demo-7', 'invoice.txt'), 'lnbcrt', { mode: 0o600 })
    for (const path of [
      join(home, 'downloads', 'x'),
      join(home, 'demo-7', 'invoice.txt'),
      join(home, 'report.pdf'),
      join(home, 'body.json'),
      join(base, 'policy.yaml'),
      join(base, 'home-of-mine', 'policy.yaml'),
    ]) {
      expect(problemOf('--output', path)).toBeUndefined()
      expect(problemOf('--data', `@${path}`)).toBeUndefined()
    }
    expect(problemOf('--output', '-', '--data', '@-')).toBeUndefined()
    expect(problemOf('--remote-name')).toBeUndefined()
    expect(problemOf()).toBeUndefined()
  })

  test('is refused by get, resume and receipts export before anything else', async () => {
    vi.stubEnv('SATWAY_HOME', home)
    const file = join(home, 'policy.yaml')
    for (const [command, operands] of [
      [get, ['http://127.0.0.1:9/policy.yaml']],
      [resume, ['ab'.repeat(32)]],
      [receiptsExport, []],
    ] as const) {
      const given = readCommandLine(command, ['--output', file, ...operands])
      await expect(command.run(given)).rejects.toMatchObject({ exitCode: exitCodes.refused })
    }
    expect(existsSync(file)).toBe(false)
    expect(existsSync(join(home, 'journal.db'))).toBe(false)
  })
})
