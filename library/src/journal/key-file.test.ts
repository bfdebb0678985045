import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { scratchFolder } from '../../../test/journal/scratch-database.ts'
import { skipPart } from '../../../test/parts.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'

let scratch: ReturnType<typeof scratchFolder>
let file = ''
beforeEach(() => {
  scratch = scratchFolder()
  file = join(scratch.folder, 'journal.key')
})
afterEach(() => scratch.remove())

const text = `${Buffer.alloc(32, 0xfb).toString('base64')}\n`

describe('R-SEAL-4 a key file', () => {
  test('has 32 random bytes as one line of base64, and belongs to its owner alone', () => {
    const key = createKeyFile(file)
    expect(key).toHaveLength(32)
    expect(readFileSync(file, 'utf8')).toBe(`${Buffer.from(key).toString('base64')}\n`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readKeyFile(file)).toEqual(key)
    expect(createKeyFile(join(scratch.folder, 'other.key'))).not.toEqual(key)
  })

  test('is made with its folder, which is its owner’s alone as well', () => {
    createKeyFile(join(scratch.folder, 'a', 'b', 'journal.key'))
    expect(statSync(join(scratch.folder, 'a', 'b')).mode & 0o777).toBe(0o700)
  })

  test('is not there: nothing is read and nothing made', () => {
    expect(readKeyFile(file)).toBeUndefined()
    expect(readKeyFile(join(scratch.folder, 'no', 'folder'))).toBeUndefined()
    expect(readdirSync(scratch.folder)).toEqual([])
  })

  test('is never made over another', () => {
    const key = createKeyFile(file)
    expect(createKeyFile(file)).toEqual(key)
    expect(readdirSync(scratch.folder), 'no drafts are left').toEqual(['journal.key'])
  })

  test('whatever the umask, has mode 0600', () => {
    const script = `process.umask(0o277); const { createKeyFile } = await import('./key-file.ts'); createKeyFile(process.argv[1])`
    execFileSync(process.execPath, ['--input-type=module', '-e', script, file], {
      cwd: import.meta.dirname,
    })
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('that several processes make at once is one, and all get its key', async () => {
    const script = `
      const { createKeyFile, readKeyFile } = await import('./key-file.ts')
      process.stdout.write('ready')
      process.stdin.once('data', () => {
        let key
        while (key === undefined) key = readKeyFile(process.argv[1]) ?? createKeyFile(process.argv[1])
        process.stdout.write(Buffer.from(key).toString('hex'))
        process.exit(0)
      })`
    const makers = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', script, file], {
        cwd: import.meta.dirname,
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    )
    const outputs = makers.map(async (maker) => {
      let output = ''
      for await (const chunk of maker.stdout) {
        output += chunk
        if (output === 'ready') ready()
      }
      return output.slice('ready'.length)
    })
    let waiting = makers.length
    function ready(): void {
      waiting -= 1
      if (waiting === 0) for (const { stdin } of makers) stdin.write('go')
    }
    const keys = new Set(await Promise.all(outputs))
    expect(keys).toEqual(new Set([Buffer.from(readKeyFile(file)!).toString('hex')]))
    expect(readdirSync(scratch.folder)).toEqual(['journal.key'])
  })
})

describe('R-SEAL-5 a key file is refused', () => {
  for (const mode of [0o640, 0o604, 0o660, 0o666, 0o644, 0o610, 0o601, 0o620, 0o602]) {
    test(`with mode ${mode.toString(8)}`, () => {
      writeFileSync(file, text, { mode: 0o600 })
      chmodSync(file, mode)
      expect(() => readKeyFile(file)).toThrow(refused(`chmod 600 ${file}`))
    })
  }

  for (const [what, content] of [
    ['empty', ''],
    ['a short key', `${Buffer.alloc(31).toString('base64')}\n`],
    ['a long key', `${Buffer.alloc(33).toString('base64')}\n`],
    ['a line too many', `${text}\n`],
    ['a blank before it', ` ${text}`],
    ['the other alphabet', text.replaceAll('+', '-').replaceAll('/', '_')],
    ['no padding', text.replace('=', '')],
    ['bits that no byte has', `${'A'.repeat(42)}B=\n`],
    ['hexadecimal', `${'ab'.repeat(32)}\n`],
    ['a carriage return alone', text.replace('\n', '\r')],
    ['nul bytes', '\0'.repeat(45)],
    ['a mebibyte', 'A'.repeat(1 << 20)],
  ] as const) {
    test(`with ${what} in it`, () => {
      writeFileSync(file, content, { mode: 0o600 })
      expect(() => readKeyFile(file)).toThrow(refused('restore it from your backup'))
      expect(readFileSync(file, 'utf8')).toBe(content)
    })
  }

  for (const [what, content] of [
    ['no line break', text.trim()],
    ['a line break of Windows', text.replace('\n', '\r\n')],
  ] as const) {
    test(`but not with ${what}`, () => {
      writeFileSync(file, content, { mode: 0o600 })
      expect(readKeyFile(file)).toEqual(new Uint8Array(32).fill(0xfb))
    })
  }

  test('that is a symbolic link', () => {
    writeFileSync(`${file}.real`, text, { mode: 0o600 })
    symlinkSync(`${file}.real`, file)
    expect(() => readKeyFile(file)).toThrow(refused('symbolic link'))
    symlinkSync('/nowhere/at/all', `${file}.dangling`)
    expect(() => readKeyFile(`${file}.dangling`)).toThrow(refused('symbolic link'))
  })

  test('that is a folder or a pipe, without waiting for it', () => {
    mkdirSync(`${file}.folder`, { mode: 0o700 })
    expect(() => readKeyFile(`${file}.folder`)).toThrow(refused('not an ordinary file'))
    execFileSync('mkfifo', ['-m', '600', `${file}.pipe`])
    expect(() => readKeyFile(`${file}.pipe`)).toThrow(refused('not an ordinary file'))
  })

  const isRoot = process.getuid?.() === 0
  const lacksRoot = skipPart('root', isRoot ? undefined : 'the tests do not run as root')
  test.skipIf(lacksRoot)('that belongs to somebody else', () => {
    writeFileSync(file, text, { mode: 0o600 })
    chownSync(file, 12345, 12345)
    expect(() => readKeyFile(file)).toThrow(refused('belongs to another user'))
  })

  test('and no error says anything of the key', () => {
    writeFileSync(file, text, { mode: 0o644 })
    chmodSync(file, 0o644)
    try {
      readKeyFile(file)
      expect.unreachable()
    } catch (error) {
      expect(`${error} ${(error as Error).stack}`).not.toContain(text.slice(0, 16))
    }
  })
})

function refused(hint: string): unknown {
  return expect.objectContaining({
    code: 'JOURNAL_UNUSABLE',
    details: expect.objectContaining({
      reason: 'key-file',
      hint: expect.stringContaining(hint),
    }),
  })
}
