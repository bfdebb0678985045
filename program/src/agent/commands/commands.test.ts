import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openJournal } from 'satway/journal'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { agentConfigCommands } from '../../cli/agent-config.ts'
import { readCommandLine } from '../../cli/command.ts'
import { doctor } from '../../cli/doctor.ts'
import { Failure, UsageMistake } from '../../cli/failure.ts'
import { policyCommands } from '../../cli/policy.ts'
import type { Screen } from '../../cli/screen.ts'
import type { Desk } from '../../desk/index.ts'
import { policyView, spendingView } from '../../schema/index.ts'
import {
  runConfigGet,
  runConfigPath,
  runConfigSet,
  runConfigShow,
  runConfigUnset,
  runPolicyCheck,
  runPolicyInit,
  runPolicySchema,
  runPolicyShow,
  runPolicySpending,
} from './index.ts'

let folder: string
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'satway-commands-')), 'home')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

const runs = {
  'policy show': runPolicyShow,
  'policy check': runPolicyCheck,
  'policy init': runPolicyInit,
  'policy spending': runPolicySpending,
  'policy schema': runPolicySchema,
  'config show': runConfigShow,
  'config path': runConfigPath,
  'config get': runConfigGet,
  'config set': runConfigSet,
  'config unset': runConfigUnset,
}

type Ran = { readonly code: number; readonly out: string; readonly notes: string }

/** Runs a command as its command line would, at a terminal unless told otherwise. */
async function run(
  name: keyof typeof runs,
  args: readonly string[] = [],
  more: { readonly interactive?: boolean; readonly environment?: Record<string, string> } = {},
): Promise<Ran> {
  const entry = [...policyCommands, ...agentConfigCommands].find((one) => one.name === name)
  if (entry === undefined) throw new Error(`no ${name}`)
  const given = readCommandLine(await entry.load(), args)
  const out: string[] = []
  const notes: string[] = []
  const desk: Desk = {
    screen: screenTo(out, more.interactive ?? true),
    notes: screenTo(notes, true),
    environment: { SATWAY_HOME: folder, ...more.environment },
    now: () => 1_900_000_000,
    confirm: async () => undefined,
  }
  const code = await runs[name](given, desk)
  return { code, out: out.join(''), notes: notes.join('') }
}

function screenTo(lines: string[], interactive: boolean): Screen {
  const plain = (text: string): string => text
  return {
    interactive,
    width: 120,
    rows: undefined,
    bold: plain,
    dim: plain,
    good: plain,
    bad: plain,
    warn: plain,
    name: plain,
    write: (text) => {
      lines.push(text)
    },
  }
}

function write(name: string, text: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, name), text, { mode: 0o600 })
  return join(folder, name)
}

const sound = 'version: 1\nper_payment: 10 sat\ntotal: 100 sat\n'

describe('R-POL-14 satway policy', () => {
  test('show says what is built in, and what a file says', async () => {
    const builtIn = await run('policy show')
    expect(builtIn.code).toBe(0)
    expect(builtIn.out).toMatch(/^What is built in.*one payment +1000 sat.*satway policy init/s)

    const file = write(
      'policy.yaml',
      `${sound}auto_up_to: 0 sat\nhosts: { allow: [a.example], deny: [b.a.example] }\n`,
    )
    const { code, out } = await run('policy show')
    expect(code).toBe(0)
    expect(out).toContain(file)
    expect(out).toMatch(/asked about +everything/)
    expect(out).toMatch(/hosts +only a\.example, and not b\.a\.example/)
  })

  test('show lists the mistakes of a broken one, in JSON too, and fails', async () => {
    write('policy.yaml', `${sound}per_huor: 1 sat\nmax_fee: 5\n`)
    const { code, out } = await run('policy show')
    expect(code).toBe(1)
    expect(out).toMatch(/per_huor: 4:1 .*per_hour\?.*max_fee: 5:10 .*write 5 sat.*Nothing is paid/s)
    const json = await run('policy show', [], { interactive: false })
    expect(json.code).toBe(1)
    const view = policyView.parse(JSON.parse(json.out))
    expect(view).toMatchObject({ inForce: false, perPaymentMsat: null })
    expect(view.mistakes.map(({ path }) => path)).toEqual(['per_huor', 'max_fee'])
  })

  test('check looks at a file that is not in force', async () => {
    const file = write('next.yaml', sound)
    expect((await run('policy check', [file])).out).toMatch(/^No mistakes\. .*one payment +10 sat/s)
    const bad = write('bad.yaml', 'version: 1\nper_payment: 10\n')
    const { code, out, notes } = await run('policy check', [bad])
    expect(code).toBe(1)
    expect(out).toBe('')
    expect(notes).toBe(
      `${bad}:2:14 per_payment expected an amount with its unit, such as 100 sat, 1500 msat, 0.0001 BTC; write 10 sat\n${bad}: total is missing\n`,
    )
    const json = await run('policy check', [bad, '--json'])
    expect(policyView.parse(JSON.parse(json.out))).toMatchObject({ file: bad, inForce: false })
    await expect(run('policy check', [join(folder, 'none.yaml')])).rejects.toThrow(
      /There is no file/,
    )
  })

  test('check without a name looks at the one in force', async () => {
    write('policy.yaml', sound)
    expect((await run('policy check')).code).toBe(0)
  })

  test('schema writes JSON Schema', async () => {
    const { out } = await run('policy schema')
    expect(JSON.parse(out)).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      required: ['version', 'per_payment', 'total'],
    })
  })
})

describe('R-POL-12 satway policy init', () => {
  test('writes a file of 0600 that is in force, and never over another', async () => {
    const { code, out } = await run('policy init')
    const file = join(folder, 'policy.yaml')
    expect(code).toBe(0)
    expect(out).toContain('in force from now on')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect((await run('policy show')).out).toContain(file)

    const before = readFileSync(file, 'utf8')
    await expect(run('policy init')).rejects.toThrow(/is there already/)
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  test('writes one elsewhere, in YAML or JSON', async () => {
    for (const name of ['strict.yaml', 'strict.json']) {
      const file = join(folder, '..', name)
      expect((await run('policy init', [file])).out).toContain('not in force')
      expect((await run('policy check', [file])).code).toBe(0)
    }
  })

  test('is not for agents', async () => {
    const environment = { SATWAY_AGENT: '1' }
    await expect(run('policy init', [], { environment })).rejects.toMatchObject({ exitCode: 3 })
  })
})

describe('R-POL-13 satway policy spending', () => {
  test('says what was spent, and makes no journal to say nothing', async () => {
    const { code, out } = await run('policy spending')
    expect(code).toBe(0)
    expect(out).toMatch(/in the last hour +0 sat of 5000 sat/)
    expect(() => statSync(folder)).toThrow()
    const json = await run('policy spending', [], { interactive: false })
    expect(spendingView.parse(JSON.parse(json.out))).toMatchObject({ heldMsat: '0', byHost: [] })
  })

  test('from the journal', async () => {
    write('policy.yaml', sound)
    const journal = await openJournal({ path: join(folder, 'journal.db'), key: 'file' })
    await journal.close()
    expect((await run('policy spending')).out).toMatch(/in the last hour +0 sat, no limit/)
  })
})

describe('R-AGT-6 satway config', () => {
  test('sets, gets, shows and unsets', async () => {
    expect((await run('config path')).out).toBe(`${join(folder, 'config.yaml')}\n`)
    expect(await run('config get', ['wallet'])).toMatchObject({ code: 1, out: '' })
    expect((await run('config set', ['wallet', 'none'])).notes).toMatch(/^wallet is set in /)
    expect((await run('config set', ['wallet', 'none'])).notes).toMatch(/so already/)
    expect(await run('config get', ['wallet'])).toMatchObject({ code: 0, out: 'none\n' })
    expect((await run('config show')).out).toMatch(/wallet +none\n.*key +auto/s)
    const json = await run('config show', ['--json'])
    expect(JSON.parse(json.out)).toEqual({
      file: join(folder, 'config.yaml'),
      settings: {
        wallet: 'none',
        key: null,
        downloads: null,
        downloads_max_mib: null,
        approval_wait_seconds: null,
      },
    })
    expect((await run('config unset', ['wallet'])).notes).toBe('wallet is no longer set.\n')
    expect((await run('config unset', ['wallet'])).notes).toBe('wallet was not set.\n')
  })

  test('says what is missing, and what there is', async () => {
    await expect(run('config set', ['wallet'])).rejects.toThrow(UsageMistake)
    await expect(run('config get', ['wallets'])).rejects.toThrow(/did you mean wallet\?/)
  })

  test('does not let agents set anything', async () => {
    const environment = { SATWAY_AGENT: 'yes' }
    for (const [name, args] of [
      ['config set', ['wallet', 'none']],
      ['config unset', ['wallet']],
    ] as const) {
      await expect(run(name, args, { environment })).rejects.toBeInstanceOf(Failure)
    }
    expect(() => statSync(folder)).toThrow()
  })
})

test('the commands are described: a name, a usage and at least one example', async () => {
  for (const { name, usage, about, load } of [...policyCommands, ...agentConfigCommands]) {
    const command = await load()
    expect(command).toMatchObject({ name, usage })
    expect(about).toMatch(/\.$/)
    expect(command.examples[0]).toContain(`satway ${name}`)
  }
  expect(doctor.name).toBe('doctor')
})
