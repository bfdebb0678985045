import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseKeyRing } from 'satway/server'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keysCommands } from '../../program/src/cli/keys.ts'
import { defaultKeyFile } from '../../program/src/keys/default-file.ts'
import { withFileLock } from '../../program/src/keys/file-lock.ts'
import { removeKey, rotateKeyFile, viewKeyFile } from '../../program/src/keys/index.ts'
import { runCommand } from './run-command.ts'

const hex = (byte: number): string => byte.toString(16).padStart(2, '0').repeat(32)

let folder = ''
let file = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satway-keys-'))
  file = join(folder, 'satway.keys')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(text: string, mode = 0o600): void {
  writeFileSync(file, text)
  chmodSync(file, mode)
}

const content = (): string => readFileSync(file, 'utf8')
const modeOf = (path: string): number => statSync(path).mode & 0o777
const keys = (...args: string[]) => runCommand(keysCommands, ['keys', ...args])

/** The identifier of a token that was minted under a kid. */
function identifier(kid: number): Uint8Array {
  const bytes = new Uint8Array(66)
  bytes[34] = kid
  return bytes
}

describe('satway keys rotate', () => {
  test('R-KEY-2 adds a key at the end, and sold tokens go on', async () => {
    write(`1:${hex(1)},2:${hex(2)}\n`)
    const before = parseKeyRing(content().trim())
    const { code, stdout } = await keys('rotate', '--file', file)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ file, kid: 3, kids: [1, 2, 3], mints: 3 })
    const after = parseKeyRing(content().trim())
    expect(after.newestKid).toBe(3)
    for (const kid of [1, 2]) {
      expect(after.rootKey(identifier(kid))).toEqual(before.rootKey(identifier(kid)))
    }
    expect(after.rootKey(identifier(3))).toBeDefined()
  })

  test('R-KEY-1 R-KEY-3 keeps the form that parseKeyRing takes, on one line, and mode 0600', async () => {
    write(`7:${hex(1).toUpperCase()}`)
    await rotateKeyFile(file)
    expect(content()).toMatch(/^7:[\dA-F]{64},8:[\da-f]{64}\n$/)
    expect(modeOf(file)).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['satway.keys'])
  })

  test('R-KEY-3 whatever the umask says, and through a symbolic link', async () => {
    const link = join(folder, 'link.keys')
    write(`1:${hex(1)}\n`)
    symlinkSync(file, link)
    const before = process.umask(0)
    try {
      await rotateKeyFile(link)
    } finally {
      process.umask(before)
    }
    expect((await viewKeyFile(file)).kids).toEqual([1, 2])
    expect(modeOf(file)).toBe(0o600)
    expect(readFileSync(link, 'utf8')).toBe(content())
  })

  for (const [what, kids, next] of [
    ['the number after the newest', [1, 5], 6],
    ['not the lowest free one', [200, 3], 4],
    ['after 255 the lowest that is free', [0, 1, 255], 2],
    ['past those that are taken', [4, 5, 3], 6],
  ] as const) {
    test(`R-KEY-2 takes ${what}: ${kids.join(', ')} then ${next}`, async () => {
      write(kids.map((kid) => `${kid}:${hex(kid + 1 > 255 ? 7 : kid + 1)}`).join(','))
      expect((await rotateKeyFile(file)).kid).toBe(next)
    })
  }

  test('R-KEY-2 refuses a full ring, and changes nothing', async () => {
    const full = Array.from({ length: 256 }, (_, kid) => `${kid}:${hex(0xaa)}`).join(',')
    write(full)
    await expect(rotateKeyFile(file)).rejects.toThrow('All 256 numbers')
    expect(content()).toBe(full)
  })

  test('R-KEY-2 makes a first key only with --create', async () => {
    const refused = await keys('rotate', '--file', file)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('rotate --create')
    expect(existsSync(file)).toBe(false)
    const made = await keys('rotate', '--create', '--file', file)
    expect(made.code).toBe(0)
    expect((await viewKeyFile(file)).kids).toEqual([1])
    expect(modeOf(file)).toBe(0o600)
  })

  test('R-KEY-2 tells a person how the gateway gets to know it', async () => {
    write(`1:${hex(1)}`)
    const { stdout } = await runCommand(keysCommands, ['keys', 'rotate', '--file', file], {
      terminal: true,
    })
    expect(stdout.replace(/\s+/g, ' ')).toContain('Tokens that were sold before (key 1) go on')
    expect(stdout).toContain('satway admin reload')
    expect(stdout).toContain('SIGHUP')
  })

  test('R-KEY-4 many at once lose nothing', async () => {
    write(`1:${hex(1)}`)
    const added = await Promise.all(Array.from({ length: 12 }, () => rotateKeyFile(file)))
    expect(new Set(added.map(({ kid }) => kid)).size).toBe(12)
    expect((await viewKeyFile(file)).kids).toEqual(Array.from({ length: 13 }, (_, i) => i + 1))
    expect(readdirSync(folder)).toEqual(['satway.keys'])
  })

  test('R-KEY-3 R-KEY-4 of several processes neither, and a reader sees whole rings only', async () => {
    write(`1:${hex(1)}`)
    const door = pathToFileURL(resolve('program/src/keys/index.ts')).href
    const script = `const { rotateKeyFile } = await import(${JSON.stringify(door)})
      for (let i = 0; i < 4; i++) await rotateKeyFile(${JSON.stringify(file)})`
    let sizes: readonly number[] = [1]
    let isOver = false
    const reading = (async () => {
      while (!isOver) {
        sizes = [...sizes, (await viewKeyFile(file)).kids.length]
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    })()
    const codes = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
          stdio: ['ignore', 'ignore', 'inherit'],
        })
        await once(child, 'close')
        return child.exitCode
      }),
    )
    isOver = true
    await reading
    expect(codes).toEqual([0, 0, 0])
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b))
    expect((await viewKeyFile(file)).kids).toEqual(Array.from({ length: 13 }, (_, i) => i + 1))
  })

  test('R-KEY-4 takes over the lock of a process that was killed', async () => {
    write(`1:${hex(1)}`)
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      stdio: 'ignore',
    })
    child.kill('SIGKILL')
    await once(child, 'close')
    writeFileSync(`${file}.lock`, `${child.pid}\n`)
    await Promise.all([rotateKeyFile(file), rotateKeyFile(file), rotateKeyFile(file)])
    expect((await viewKeyFile(file)).kids).toEqual([1, 2, 3, 4])
    expect(readdirSync(folder)).toEqual(['satway.keys'])
  })

  test('R-KEY-4 waits for a living one, and says who it is', async () => {
    writeFileSync(`${file}.lock`, `${process.pid}\n`)
    const act = withFileLock(file, () => 'mine', 60)
    await expect(act).rejects.toThrow(`Process ${process.pid} is changing`)
    const later = withFileLock(file, () => 'mine', 60_000)
    rmSync(`${file}.lock`)
    expect(await later).toBe('mine')
  })
})

describe('satway keys list', () => {
  test('R-KEY-5 shows numbers, which mints, and the mode', async () => {
    write(`3:${hex(1)},9:${hex(2)}`)
    const { stdout } = await keys('list', '--file', file)
    expect(JSON.parse(stdout)).toEqual({
      file,
      mode: '0600',
      private: true,
      keys: [
        { kid: 3, mints: false },
        { kid: 9, mints: true },
      ],
    })
    const people = await runCommand(keysCommands, ['keys', 'list', '--file', file], {
      terminal: true,
    })
    expect(people.stdout).toBe(
      `${file}  mode 0600\n  key 3  verifies\n  key 9  mints and verifies\n`,
    )
  })

  test('R-KEY-5 no command shows a key', async () => {
    write(`1:${hex(0xab)},2:${hex(0xcd)},3:${hex(0xef)}`)
    let seen = ''
    for (const args of [
      ['list'],
      ['rotate'],
      ['revoke', '1'],
      ['revoke', '1', '--yes'],
      ['revoke', '99', '--yes'],
      ['list'],
    ]) {
      for (const terminal of [false, true]) {
        const run = await runCommand(keysCommands, ['keys', ...args, '--file', file], { terminal })
        seen += run.stdout + run.stderr
      }
    }
    expect(seen).not.toMatch(/[\da-f]{16}/i)
    expect(content().length).toBeGreaterThan(3 * 64)
  })

  test('R-KEY-5 warns of a file that others can read', async () => {
    write(`1:${hex(1)}`, 0o644)
    const { code, stdout } = await runCommand(keysCommands, ['keys', 'list', '--file', file], {
      terminal: true,
    })
    expect(code).toBe(0)
    expect(stdout).toContain('mode 0644')
    expect(stdout).toContain('chmod 600')
  })
})

describe('R-KEY-9 the file that is meant where none is named', () => {
  for (const [what, config, expected] of [
    ['without a configuration', undefined, 'satway.keys'],
    ['a file beside it', 'keys: file:satway.keys', 'satway.keys'],
    ['a file elsewhere', 'keys: file:secrets/ring.txt\nservices: []', 'secrets/ring.txt'],
    ['an absolute one', 'keys: "file:/etc/satway/ring"', '/etc/satway/ring'],
    ['none, on the embedded network', 'wallet: devnet', 'satway.db.keys'],
    ['none, with a state elsewhere', 'state: data/state.db', 'data/state.db.keys'],
  ] as const) {
    test(`${what}: ${expected}`, async () => {
      if (config !== undefined) writeFileSync(join(folder, 'satway.yaml'), config)
      expect(await defaultKeyFile(folder)).toBe(resolve(folder, expected))
    })
  }

  for (const [what, config, message] of [
    ['keys of the environment', `keys: \${L402_KEYS}`, '`keys` in '],
    ['a path of the environment', `keys: file:\${WHERE}/ring`, '`keys` in '],
    ['a state of the environment', `state: \${WHERE}/state.db`, '`state` in '],
    ['keys in the file itself', 'keys: 1:00', '`keys` in '],
    ['no YAML', 'keys: [', 'satway config check'],
    ['a list', '- keys', 'satway config check'],
    ['nothing', '', 'satway config check'],
    [
      'a bomb',
      `a: &a [${'1,'.repeat(20)}1]\nb: &b [${'*a,'.repeat(20)}*a]\nc: [${'*b,'.repeat(20)}*b]\n`,
      'satway config check',
    ],
  ] as const) {
    test(`${what}: none is guessed`, async () => {
      writeFileSync(join(folder, 'satway.yaml'), config)
      const failure = defaultKeyFile(folder)
      await expect(failure).rejects.toThrow(message)
      await expect(failure).rejects.toMatchObject({ advice: 'Name the key file: --file FILE' })
    })
  }
})

describe('satway keys revoke', () => {
  test('R-KEY-6 says what it would do, and does it with --yes', async () => {
    write(`1:${hex(1)},2:${hex(2)},3:${hex(3)}`)
    const before = content()
    const asked = await keys('revoke', '2', '--file', file)
    expect(asked.code).toBe(2)
    expect(asked.stderr).toContain('Every token that was sold under key 2 stops working')
    expect(asked.stderr).toContain('--yes')
    expect(content()).toBe(before)

    const done = await keys('revoke', '2', '--yes', '--file', file)
    expect(done.code).toBe(0)
    expect(JSON.parse(done.stdout)).toEqual({ file, removed: 2, kids: [1, 3], mints: 3 })
    const ring = parseKeyRing(content().trim())
    expect(ring.rootKey(identifier(2))).toBeUndefined()
    expect(ring.rootKey(identifier(1))).toBeDefined()
    expect(modeOf(file)).toBe(0o600)
  })

  for (const [what, ring, kid, message] of [
    ['the key that mints', `1:${hex(1)},2:${hex(2)}`, 2, 'is the one that mints'],
    ['the only key', `1:${hex(1)}`, 1, 'is the only one'],
    ['a key that is not there', `1:${hex(1)},2:${hex(2)}`, 5, 'has no key 5; it has 1, 2'],
  ] as const) {
    test(`R-KEY-7 refuses ${what}, with --yes too`, async () => {
      write(ring)
      for (const args of [['--yes'], []]) {
        const { code, stderr } = await keys('revoke', String(kid), '--file', file, ...args)
        expect(code).toBe(1)
        expect(stderr).toContain(message)
      }
      expect(content()).toBe(ring)
    })
  }

  for (const kid of ['', '-1', '01', '256', '1.0', 'one', '1,2']) {
    test(`takes no KID like "${kid}"`, async () => {
      write(`1:${hex(1)},2:${hex(2)}`)
      const { code } = await keys('revoke', '--yes', '--file', file, '--', kid)
      expect(code).toBe(2)
    })
  }

  test('R-KEY-4 of two that remove the same key, one is told that it is gone', async () => {
    write(`1:${hex(1)},2:${hex(2)},3:${hex(3)}`)
    const ends = await Promise.allSettled([removeKey(file, 1), removeKey(file, 1)])
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect((await viewKeyFile(file)).kids).toEqual([2, 3])
  })
})

describe('R-KEY-8 a file that cannot be a key file', () => {
  const secret = hex(0xcc)
  for (const [what, text] of [
    ['empty', ''],
    ['a word', 'hello'],
    ['two lines', `1:${secret}\n2:${secret}\n`],
    ['spaces', `1:${secret}, 2:${secret}`],
    ['a kid twice', `1:${secret},1:${secret}`],
    ['a short key', `1:${secret.slice(2)}`],
    ['zeros', `1:${'0'.repeat(64)}`],
    ['a comma at the end', `1:${secret},`],
    ['bytes', `1:${secret}\0`],
    ['too long', `1:${secret},`.repeat(400)],
  ] as const) {
    test(`${what}: an error, nothing changed, nothing repeated`, async () => {
      write(text)
      for (const args of [['list'], ['rotate'], ['revoke', '1', '--yes']]) {
        const run = await keys(...args, '--file', file)
        expect(run.code).toBe(1)
        expect(run.stderr).toContain(file)
        expect(run.stdout + run.stderr).not.toContain(secret.slice(0, 16))
      }
      expect(content()).toBe(text)
      expect(readdirSync(folder)).toEqual(['satway.keys'])
    })
  }

  for (const mode of [0o640, 0o604, 0o620, 0o666]) {
    test(`of mode 0${mode.toString(8)} is not changed`, async () => {
      const text = `1:${secret},2:${secret}`
      write(text, mode)
      for (const args of [['rotate'], ['revoke', '1', '--yes']]) {
        const run = await keys(...args, '--file', file)
        expect(run.code).toBe(1)
        expect(run.stderr).toContain(`chmod 600 ${file}`)
      }
      expect(content()).toBe(text)
    })
  }

  test('a folder', async () => {
    const run = await keys('rotate', '--file', folder)
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('is not an ordinary file')
  })

  test.runIf(process.platform !== 'win32')('a named pipe, which nobody writes into', async () => {
    const pipe = join(folder, 'pipe.keys')
    execFileSync('mkfifo', ['-m', '600', pipe])
    const run = await keys('list', '--file', pipe)
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('is not an ordinary file')
  })

  test('in a folder that is not there', async () => {
    const run = await keys('list', '--file', join(folder, 'none', 'satway.keys'))
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('There is no key file')
  })
})
