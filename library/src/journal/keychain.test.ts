import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { scratchFolder } from '../../../test/journal/scratch-database.ts'
import type { Keychain } from './keychain.ts'
import { createKeychain } from './keychain.ts'
import { openSeal } from './seal.ts'

// The tools of three systems, played by scripts that speak as they do: their arguments, prompts,
// exits and error texts. Each writes what it was called with to `calls`.

let scratch: ReturnType<typeof scratchFolder>
beforeEach(() => {
  scratch = scratchFolder()
  mkdirSync(join(scratch.folder, 'bin'))
  mkdirSync(join(scratch.folder, 'store'))
})
afterEach(() => scratch.remove())

const key = Uint8Array.from({ length: 32 }, (_, i) => 255 - i)
const keyText = Buffer.from(key).toString('base64')

const prelude = `
echo "$0 $*" >> "$TMPDIR/calls"
env >> "$TMPDIR/calls"
store="$TMPDIR/store"
`

/** macOS: `security -i` prompts, and reads commands; 44 is errSecItemNotFound. */
const security = `${prelude}
add() {
  account= ; password=
  while [ $# -gt 0 ]; do
    case "$1" in
      -a) account="$2"; shift ;;
      -w) password="$2"; shift ;;
      -s|-l) shift ;;
    esac
    shift
  done
  if [ -e "$store/$account" ]; then
    echo "security: SecKeychainItemCreateFromContent (<default>): The specified item already exists in the keychain." >&2
    return 45
  fi
  printf %s "$password" > "$store/$account"
}
case "$1" in
  -i)
    printf 'security> '
    while read -r line; do
      eval "set -- $line"
      [ "$1" = add-generic-password ] && shift && add "$@"
      printf 'security> '
    done ;;
  find-generic-password)
    if [ -e "$TMPDIR/locked" ]; then
      echo "security: SecKeychainItemCopyContent: User interaction is not allowed." >&2
      exit 36
    fi
    if [ ! -e "$store/$5" ]; then
      echo "security: SecKeychainSearchCopyNext: The specified item could not be found in the keychain." >&2
      exit 44
    fi
    cat "$store/$5"; echo ;;
  delete-generic-password)
    rm "$store/$5" 2>/dev/null || exit 44 ;;
  *) exit 2 ;;
esac
`

/** Linux: reads the whole input; a miss is exit 1 in silence, a failure exit 1 with a message. */
const secretTool = `${prelude}
if [ -e "$TMPDIR/locked" ]; then
  echo "secret-tool: Cannot get secret of a locked object" >&2
  exit 1
fi
case "$1" in
  store) [ "$2" = "--label=Satway journal" ] || exit 2; cat > "$store/$6" ;;
  lookup) [ -e "$store/$5" ] || exit 1; cat "$store/$5" ;;
  clear) rm -f "$store/$5" ;;
  *) exit 2 ;;
esac
`

/** Windows: "protects" by reversing the text of its input line. */
const powershell = `${prelude}
[ "$1 $2 $3" = "-NoProfile -NonInteractive -Command" ] || exit 64
if [ -e "$TMPDIR/locked" ]; then
  echo "Key not valid for use in specified state." >&2
  exit 1
fi
read -r line
case "$4" in
  *::Protect*) printf %s "$line" | base64 -w 0 ;;
  *::Unprotect*) printf %s "$line" | base64 -d ;;
  *) exit 1 ;;
esac
`

type System = {
  readonly platform: NodeJS.Platform
  readonly kind: string
  readonly file: string
  readonly script: string
  /** Whether it keeps anything itself. */
  readonly keeps: boolean
}

const systems: readonly System[] = [
  { platform: 'darwin', kind: 'security', file: 'bin/security', script: security, keeps: true },
  {
    platform: 'linux',
    kind: 'secret-tool',
    file: 'bin/secret-tool',
    script: secretTool,
    keeps: true,
  },
  {
    platform: 'win32',
    kind: 'dpapi',
    file: 'System32/WindowsPowerShell/v1.0/powershell.exe',
    script: powershell,
    keeps: false,
  },
]

function environment(): NodeJS.ProcessEnv {
  return {
    HOME: scratch.folder,
    TMPDIR: scratch.folder,
    SystemRoot: scratch.folder,
    DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere',
    SATWAY_WALLET: 'a secret that is none of its business',
  }
}

const standIns = (): readonly string[] => [join(scratch.folder, 'bin')]

function install(file: string, script: string): void {
  const whole = join(scratch.folder, file)
  mkdirSync(join(whole, '..'), { recursive: true })
  writeFileSync(whole, `#!/bin/sh\n${script}`, { mode: 0o755 })
}

function keychainOf(system: System, timeoutMs = 30_000): Keychain {
  install(system.file, system.script)
  const { platform } = system
  return createKeychain({
    platform,
    environment: environment(),
    folders: standIns(),
    timeoutMs,
  })!
}

const calls = (): string => readFileSync(join(scratch.folder, 'calls'), 'utf8')

for (const system of systems) {
  describe(`R-SEAL-6 the keychain of ${system.platform}`, () => {
    test('gives back what it was given', async () => {
      const keychain = keychainOf(system)
      expect(keychain.kind).toBe(system.kind)
      const reference = await keychain.store(key)
      expect(await keychain.load(reference!)).toEqual({ status: 'found', key })
      const other = await keychain.store(key.map((byte) => byte ^ 1))
      expect(await keychain.load(reference!)).toEqual({ status: 'found', key })
      expect(other).not.toBe(reference)
    })

    test('is told the key on no command line and in no environment', async () => {
      const keychain = keychainOf(system)
      const reference = await keychain.store(key)
      await keychain.load(reference!)
      expect(calls()).not.toContain(keyText)
      expect(calls()).not.toContain(Buffer.from(key).toString('hex'))
      expect(calls()).not.toContain('SATWAY_WALLET')
      expect(reference).not.toContain(keyText)
    })

    test('is asked for the key that the journal was made with', async () => {
      const keychain = keychainOf(system)
      const values = new Map<string, string>()
      const options = {
        folder: scratch.folder,
        choice: 'auto',
        meta: async <T>(
          work: (meta: {
            get(name: string): string | undefined
            set(name: string, value: string): void
          }) => T,
        ) =>
          work({
            get: (name) => values.get(name),
            set: (name, value) => void values.set(name, value),
          }),
        keychain,
      } as const
      const first = await openSeal(options)
      expect(first.place).toBe(`keychain (${system.kind})`)
      expect(existsSync(join(scratch.folder, 'journal.key'))).toBe(false)
      const again = await openSeal(options)
      expect(again.seal.open(first.seal.seal('a', 'b'), 'b')).toBe('a')

      writeFileSync(join(scratch.folder, 'locked'), '')
      await expect(openSeal(options)).rejects.toThrow(/unlock the keychain/)
      rmSync(join(scratch.folder, 'locked'))
      expect((await openSeal(options)).place).toBe(first.place)
    })

    test('says when it is locked', async () => {
      const keychain = keychainOf(system)
      const reference = await keychain.store(key)
      writeFileSync(join(scratch.folder, 'locked'), '')
      expect(await keychain.load(reference!)).toEqual({ status: 'locked' })
    })

    if (system.keeps) {
      test('says when it has no such key', async () => {
        const keychain = keychainOf(system)
        const reference = await keychain.store(key)
        await keychain.forget(reference!)
        expect(await keychain.load(reference!)).toEqual({ status: 'missing' })
        await keychain.forget(reference!)
      })
    }

    test('that has something else under the name has no such key', async () => {
      const keychain = keychainOf(system)
      const reference = await keychain.store(key)
      for (const other of ['', 'short', 'x'.repeat(44), `${keyText}${keyText}`]) {
        install(system.file, `printf %s '${other}'`)
        const found = await keychain.load(reference!)
        expect(found.status).toBe('missing')
      }
    })

    test('is not asked for what is no reference', async () => {
      const keychain = keychainOf(system)
      for (const reference of ['', '-h', '$(id)', 'a b', '../x', '"; rm']) {
        expect(await keychain.load(reference)).toEqual({ status: 'missing' })
      }
      expect(existsSync(join(scratch.folder, 'calls'))).toBe(false)
    })

    for (const [what, script] of [
      ['fails', 'exit 1'],
      ['fails with a message', 'echo "no such interface" >&2; exit 1'],
      ['is killed', 'kill -9 $$'],
      ['does not read its input', 'exec 0<&-; exit 3'],
      ['says more than can be', 'head -c 200000 /dev/zero'],
      ['cannot be started', undefined],
    ] as const) {
      test(`that ${what} is not used`, async () => {
        const keychain = keychainOf(system)
        if (script === undefined) rmSync(join(scratch.folder, system.file))
        else install(system.file, script)
        const reference = await keychain.store(key)
        const found = reference === undefined ? undefined : await keychain.load(reference)
        expect(found?.status).not.toBe('found')
      })
    }

    test('is given up when it does not answer, and does not stay behind', async () => {
      install(system.file, `echo $$ > "$TMPDIR/pid"; exec sleep 1000`)
      const { platform } = system
      const keychain = createKeychain({
        platform,
        environment: environment(),
        folders: standIns(),
        timeoutMs: 400,
      })!
      const begun = performance.now()
      expect(await keychain.store(key)).toBeUndefined()
      expect(performance.now() - begun).toBeLessThan(20_000)
      const pidFile = join(scratch.folder, 'pid')
      if (!existsSync(pidFile)) return // it was not even begun in that time
      const pid = Number(readFileSync(pidFile, 'utf8'))
      await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false)
    })
  })
}

describe('R-SEAL-6 where there is no keychain', () => {
  test('there is none without its tool, and nothing is started', () => {
    for (const platform of ['darwin', 'linux', 'freebsd'] as const) {
      const found = createKeychain({
        platform,
        environment: environment(),
        folders: standIns(),
      })
      expect(found).toBeUndefined()
    }
    expect(createKeychain({ platform: 'win32', environment: {} })).toBeUndefined()
  })

  test('there is none on Linux without a session bus', async () => {
    install('bin/secret-tool', secretTool)
    const { DBUS_SESSION_BUS_ADDRESS: _, ...bare } = environment()
    const linux = (more: NodeJS.ProcessEnv): Keychain | undefined =>
      createKeychain({
        platform: 'linux',
        environment: { ...bare, ...more },
        folders: standIns(),
      })
    expect(linux({})).toBeUndefined()
    expect(linux({ DBUS_SESSION_BUS_ADDRESS: '' })).toBeUndefined()
    expect(linux({ XDG_RUNTIME_DIR: scratch.folder })).toBeUndefined()
    writeFileSync(join(scratch.folder, 'bus'), '')
    expect(linux({ XDG_RUNTIME_DIR: scratch.folder })).toBeUndefined()
    rmSync(join(scratch.folder, 'bus'))
    const bus = createServer().listen(join(scratch.folder, 'bus'))
    await new Promise((ready) => bus.once('listening', ready))
    expect(linux({ XDG_RUNTIME_DIR: scratch.folder })?.kind).toBe('secret-tool')
    bus.close()
  })

  test('no tool is taken from where the environment says', () => {
    install('bin/security', security)
    for (const path of [join(scratch.folder, 'bin'), '/proc/self/cwd/bin', '', '.', 'bin', ':']) {
      const given = { ...environment(), PATH: path }
      expect(createKeychain({ platform: 'darwin', environment: given })).toBeUndefined()
    }
  })
})

test('R-SEAL-6 what the stand-in keeps is the key, and nothing more', async () => {
  const keychain = keychainOf(systems[1]!)
  const reference = await keychain.store(key)
  const kept = readFileSync(join(scratch.folder, 'store', reference!))
  expect(createHash('sha256').update(kept).digest('hex')).toBe(
    createHash('sha256').update(keyText).digest('hex'),
  )
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
