import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isL402Error, maxMsat, parseAmount } from 'satway'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { policyView } from '../schema/index.ts'
import { homeOf } from './home.ts'
import type { PolicyBook } from './policy-book.ts'
import { openPolicyBook } from './policy-file.ts'
import { readerFor } from './settings-file.ts'

let folder: string
let elapsed: number

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satway-policy-'))
  chmodSync(folder, 0o700)
  elapsed = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const least = 'version: 1\nper_payment: 10 sat\ntotal: 100 sat\n'
const inFolder = (name: string): string => join(folder, name)
const write = (text: string, name = 'policy.yaml'): void => {
  writeFileSync(inFolder(name), text, { mode: 0o600 })
}
const open = (environment: Readonly<Record<string, string>> = {}): Promise<PolicyBook> => {
  return openPolicyBook(homeOf(folder, environment), {}, () => elapsed)
}
/** With a parser that is loaded once `loaded` says so. */
const openLoading = (loaded: () => Promise<void> | void): Promise<PolicyBook> =>
  openPolicyBook(
    homeOf(folder, {}),
    {},
    () => elapsed,
    async (file) => {
      await loaded()
      return await readerFor(file)
    },
  )
/** For what takes as long as this machine takes. */
const patient = { timeout: 20_000 }
/** As much time as must pass before the file is looked at again. */
const later = (): void => {
  elapsed += 200
}

/** What is wrong, as an error says it. */
function mistakesOf(book: PolicyBook): Readonly<Record<string, unknown>> {
  try {
    book.current()
  } catch (error) {
    if (isL402Error(error, 'CONFIG_INVALID')) return error.details
    throw error
  }
  throw new Error('expected the policy to be broken')
}

describe('without a file', () => {
  test('R-POL-1 what is built in is in force', async () => {
    const book = await open()
    expect(book.current()).toEqual({
      maxPaymentMsat: parseAmount('1000 sat'),
      perHourMsat: parseAmount('5000 sat'),
      perDayMsat: parseAmount('20000 sat'),
      maxTotalMsat: parseAmount('100000 sat'),
      allowInvoices: false,
    })
    expect(book.view()).toMatchObject({ file: null, inForce: true, autoUpToMsat: null })
  })
})

describe('a file', () => {
  test('R-POL-2 says everything that a policy can say', async () => {
    const key = `02${'ab'.repeat(32)}`
    write(`${least}max_fee: 1.5 sat
per_hour: 20 sats
per_day: 30000 msat
per_host: 0.0000005 BTC
auto_up_to: 1 sat
new_hosts: deny
hosts: { allow: [api.example, "*.example.org"], deny: ["localhost:80"] }
payees: { allow: [${key.toUpperCase()}], deny: [${key}] }
networks: [bitcoin, regtest]
allow_http: [plain.example]
allow_private: [10.0.0.1]
opaque_tokens: false
invoices: true
max_undelivered: 7
`)
    const book = await open()
    expect(book.current()).toEqual({
      maxPaymentMsat: 10_000n,
      maxTotalMsat: 100_000n,
      maxFeeMsat: 1500n,
      perHourMsat: 20_000n,
      perDayMsat: 30_000n,
      perHostMsat: 50_000n,
      askAboveMsat: 1000n,
      newHosts: 'deny',
      allowHosts: ['api.example', '*.example.org'],
      denyHosts: ['localhost:80'],
      payees: [key],
      denyPayees: [key],
      networks: ['bitcoin', 'regtest'],
      allowHttp: ['plain.example'],
      allowPrivateHosts: ['10.0.0.1'],
      allowOpaqueTokens: false,
      allowInvoices: true,
      maxUndelivered: 7,
    })
    expect(policyView.parse(book.view())).toMatchObject({
      file: inFolder('policy.yaml'),
      inForce: true,
      perHostMsat: '50000',
      newHosts: 'deny',
      allowPayees: [key],
    })
  })

  test('R-POL-2 may be JSON', async () => {
    write('{"version":1,"per_payment":"10 sat","total":"100 sat"}', 'policy.json')
    expect((await open()).current()).toEqual({ maxPaymentMsat: 10_000n, maxTotalMsat: 100_000n })
  })

  test('R-POL-4 without auto_up_to nothing is asked for its price, whoever is new', async () => {
    write(`${least}new_hosts: ask\n`)
    const book = await open()
    expect(book.current().askAboveMsat).toBe(maxMsat)
    expect(book.view().autoUpToMsat).toBeNull()
    write(`${least}auto_up_to: 0 sat\n`)
    later()
    expect(book.current()).toMatchObject({ askAboveMsat: 0n })
  })

  test('R-POL-7 gives the same value as long as it says the same', async () => {
    write(least)
    utimesSync(inFolder('policy.yaml'), 1_700_000_000, 1_700_000_000)
    const book = await open()
    const first = book.current()
    later()
    expect(book.current()).toBe(first)
  })
})

describe('R-POL-2 R-POL-11 every mistake has its path and its place', () => {
  for (const [what, text, mistakes] of [
    [
      'a number without a unit',
      least.replace('10 sat', '10'),
      {
        per_payment:
          '2:14 expected an amount with its unit, such as 100 sat, 1500 msat, 0.0001 BTC; write 10 sat',
      },
    ],
    [
      'an amount that is none',
      least.replace('10 sat', '"10 satoshi"'),
      {
        per_payment:
          '2:14 expected an amount with its unit, such as 100 sat, 1500 msat, 0.0001 BTC',
      },
    ],
    ['nothing', '', { policy: /^expected names with values/ }],
    ['a list', '- 1\n', { policy: /expected names with values/ }],
    ['what is missing', 'version: 1\n', { per_payment: 'is missing', total: 'is missing' }],
    ['another version', least.replace('version: 1', 'version: 2'), { version: '1:10 expected 1' }],
    [
      'a name with a slip',
      `${least}per_huor: 5 sat\n`,
      { per_huor: /^4:1 .* did you mean per_hour\?$/ },
    ],
    [
      'a name in other letters',
      `${least}maxFee: 5 sat\n`,
      { maxFee: /^4:1 .* did you mean max_fee\?$/ },
    ],
    [
      'a name from nowhere',
      `${least}wallet: none\n`,
      { wallet: /^4:1 is not known here; there are version, / },
    ],
    [
      'an empty value',
      `${least}per_hour:\n`,
      { per_hour: '4:1 is empty; give it a value or take it out' },
    ],
    [
      'a word with a slip',
      `${least}new_hosts: dney\n`,
      { new_hosts: '4:12 expected allow, ask, deny; did you mean deny?' },
    ],
    [
      'a host that is none',
      `${least}hosts: { deny: [a b] }\n`,
      { 'hosts.deny[0]': /^4:17 expected a host/ },
    ],
    [
      'an address that is none',
      `${least}allow_http: ["300.1.1.1"]\n`,
      { 'allow_http[0]': /^4:14 expected a host/ },
    ],
    [
      'a URL for a host',
      `${least}hosts: { allow: ["https://a.example"] }\n`,
      { 'hosts.allow[0]': /expected a host/ },
    ],
    [
      'text for a list',
      `${least}hosts: { allow: a.example }\n`,
      { 'hosts.allow': '4:17 expected a list, such as [a, b]' },
    ],
    [
      'a key that is none',
      `${least}payees: { allow: ["04aa"] }\n`,
      { 'payees.allow[0]': /^4:19 expected the public key/ },
    ],
    [
      'a network that is none',
      `${least}networks: [mainnet]\n`,
      { 'networks[0]': /^4:12 expected bitcoin/ },
    ],
    ['no network at all', `${least}networks: []\n`, { networks: /^4:11 is an empty list/ }],
    ['yes for true', `${least}invoices: yes\n`, { invoices: '4:11 expected true or false' }],
    [
      'half a host',
      `${least}max_undelivered: 1.5\n`,
      { max_undelivered: '4:18 expected a whole number from 1 to 100' },
    ],
    [
      'too many',
      `${least}max_undelivered: 101\n`,
      { max_undelivered: '4:18 expected a whole number from 1 to 100' },
    ],
    [
      'a name of objects',
      `${least}__proto__: { invoices: true }\n`,
      { ['__proto__']: /is not known here/ },
    ],
  ] as const) {
    test(what, async () => {
      write(text)
      const details = mistakesOf(await open())
      const said = Object.fromEntries(Object.entries(details).filter(([path]) => path !== 'file'))
      expect(Object.keys(said).sort()).toEqual(Object.getOwnPropertyNames(mistakes).sort())
      for (const [path, message] of Object.entries(mistakes)) {
        if (typeof message === 'string') expect(said[path]).toBe(message)
        else expect(said[path]).toMatch(message)
      }
      expect(details['file']).toBe(inFolder('policy.yaml'))
    })
  }
})

describe('R-POL-3 only plain data is read', () => {
  for (const [what, name, text, message] of [
    ['a name that is there twice', 'policy.yaml', `${least}total: 5 sat\n`, '4:1 is there twice'],
    ['an anchor', 'policy.yaml', least.replace('10 sat', '&a 10 sat'), /2:\d+ has an anchor/],
    [
      'an alias',
      'policy.yaml',
      `${least.replace('10 sat', '&a 10 sat')}per_day: *a\n`,
      /has an anchor/,
    ],
    ['a tag', 'policy.yaml', least.replace('10 sat', '!!str 10 sat'), /has a tag/],
    ['a tag of its own', 'policy.yaml', least.replace('10 sat', '!env LIMIT'), /tag/i],
    ['a merge', 'policy.yaml', `${least}<<: { invoices: true }\n`, /merges are not read/],
    ['a second document', 'policy.yaml', `${least}---\n${least}`, /one document only/],
    ['another YAML', 'policy.yaml', `%YAML 1.1\n---\n${least}`, /take the %YAML line out/],
    ['a tab', 'policy.yaml', `${least}hosts:\n\tallow: []\n`, /a tab does not indent/],
    ['depth', 'policy.yaml', `a: ${'['.repeat(30)}${']'.repeat(30)}\n`, /nested too deeply/],
    ['much depth', 'policy.yaml', '['.repeat(60_000), /YAML|nested too deeply/],
    [
      'a name that is there twice',
      'policy.json',
      '{"version":1,"total":"1 sat",\n "total":"2 sat"}',
      '2:2 is there twice',
    ],
    [
      'the same under another spelling',
      'policy.json',
      '{"total":"1 sat","to\\u0074al":"2 sat"}',
      '1:18 is there twice',
    ],
    [
      'a name that is there twice, deeper',
      'policy.json',
      '{"hosts":{"deny":[],"deny":[]}}',
      '1:21 is there twice',
    ],
    ['a comment', 'policy.json', '{} // mine', 'is not well-formed JSON'],
    ['much depth', 'policy.json', '['.repeat(30_000), 'is not well-formed JSON'],
  ] as const) {
    test(`${what} is refused in ${name}`, async () => {
      write(text, name)
      const said = Object.entries(mistakesOf(await open())).find(([path]) => path !== 'file')?.[1]
      if (typeof message === 'string') expect(said).toBe(message)
      else expect(said).toMatch(message)
    })
  }

  test('the same name in two places is no repetition', async () => {
    write(
      '{"version":1,"per_payment":"1 sat","total":"1 sat","hosts":{"allow":["{"],"deny":[]},"payees":{"allow":[],"deny":[]}}',
      'policy.json',
    )
    expect((await open()).current()).toMatchObject({ allowHosts: ['{'], payees: [] })
  })
})

describe('R-POL-6 R-POL-8 a file that cannot be trusted is not read', () => {
  for (const [what, make, message] of [
    ['too long', () => write(`${least}${'#'.repeat(65_536)}\n`), 'is longer than 65536 bytes'],
    [
      'not text',
      () =>
        writeFileSync(inFolder('policy.yaml'), Buffer.from([0xff, 0xfe, 0x00]), { mode: 0o600 }),
      'is not UTF-8 text',
    ],
    ['a folder', () => mkdirSync(inFolder('policy.yaml')), 'is no ordinary file'],
    [
      'writable by the group',
      () => {
        write(least)
        chmodSync(inFolder('policy.yaml'), 0o620)
      },
      /^can be changed by others; .* chmod go-w /,
    ],
    [
      'writable by all',
      () => {
        write(least)
        chmodSync(inFolder('policy.yaml'), 0o606)
      },
      /^can be changed by others; .* chmod go-w /,
    ],
    [
      'in a folder that others can write',
      () => {
        write(least)
        chmodSync(folder, 0o777)
      },
      /^lies in a folder that others can change: chmod go-w /,
    ],
  ] as const) {
    test(what, async () => {
      make()
      const { policy } = mistakesOf(await open())
      if (typeof message === 'string') expect(policy).toBe(message)
      else expect(policy).toMatch(message)
    })
  }

  test('that others can read it is no harm, nor a sticky folder', async () => {
    write(least)
    chmodSync(inFolder('policy.yaml'), 0o644)
    chmodSync(folder, 0o1777)
    expect((await open()).current().maxPaymentMsat).toBe(10_000n)
  })
})

describe('R-POL-7 an edit counts at once', () => {
  test('at the next look, and that is at most 200 ms later', async () => {
    write(least)
    const book = await open()
    book.current()
    write(least.replace('10 sat', '11 sat'))
    elapsed += 199
    expect(book.current().maxPaymentMsat).toBe(10_000n)
    elapsed += 1
    expect(book.current().maxPaymentMsat).toBe(11_000n)
  })

  test('although size and times are those of before', async () => {
    write(least)
    utimesSync(inFolder('policy.yaml'), 1_700_000_000, 1_700_000_000)
    const book = await open()
    book.current()
    write(least.replace('10 sat', '20 sat'), 'new.yaml')
    utimesSync(inFolder('new.yaml'), 1_700_000_000, 1_700_000_000)
    renameSync(inFolder('new.yaml'), inFolder('policy.yaml'))
    later()
    expect(book.current().maxPaymentMsat).toBe(20_000n)
  })

  test('a mistake stops payment until it is mended', async () => {
    write(least)
    const book = await open()
    book.current()
    write(`${least}oops: 1\n`)
    later()
    expect(mistakesOf(book)).toHaveProperty('oops')
    expect(book.view()).toMatchObject({ inForce: false, perPaymentMsat: null, newHosts: null })
    policyView.parse(book.view())
    write(least.replace('100 sat', '50 sat'))
    later()
    expect(book.current().maxTotalMsat).toBe(50_000n)
  })

  test('a file that is gone is a broken one, and not what is built in', async () => {
    write(least)
    const book = await open()
    book.current()
    rmSync(inFolder('policy.yaml'))
    later()
    expect(mistakesOf(book)).toEqual({
      policy:
        'is not there any more; put it back, or write one to begin with again: satway policy init',
      file: inFolder('policy.yaml'),
    })
    write(least)
    later()
    expect(book.current().maxPaymentMsat).toBe(10_000n)
  })

  test('a file that others may write from now on is refused', async () => {
    write(least)
    const book = await open()
    book.current()
    chmodSync(inFolder('policy.yaml'), 0o666)
    later()
    expect(mistakesOf(book)['policy']).toMatch(/can be changed by others/)
  })

  test('a first file counts at once where it is plain', async () => {
    const book = await open()
    expect(book.current().maxPaymentMsat).toBe(1_000_000n)
    write(least)
    later()
    expect(book.current().maxPaymentMsat).toBe(10_000n)
  })

  test('and as soon as its parser is there where it is not', async () => {
    const load = Promise.withResolvers<void>()
    const book = await openLoading(() => load.promise)
    expect(book.current().maxPaymentMsat).toBe(1_000_000n)
    write(`${least}networks: [bitcoin]\n`)
    later()
    expect(mistakesOf(book)['policy']).toBe('is new, and is being read; try again')
    load.resolve()
    await expect.poll(() => tried(book), patient).toBe(10_000n)
  })

  test('and a parser that could not be loaded is loaded at the next look', async () => {
    let loads = 0
    write(`${least}networks: [bitcoin]\n`)
    const book = await openLoading(() => {
      loads += 1
      if (loads < 3) throw new Error('too many open files')
    })
    expect(loads).toBe(1)
    expect(mistakesOf(book)['policy']).toBe('is new, and is being read; try again')
    expect(loads).toBe(1)
    await expect.poll(() => tried(book), patient).toBe(10_000n)
    expect(loads).toBe(3)
  })

  test('behind a symbolic link as well', async () => {
    write(least, 'a.yaml')
    write(least.replace('10 sat', '30 sat'), 'b.yaml')
    symlinkSync(inFolder('a.yaml'), inFolder('policy.yaml'))
    const book = await open()
    expect(book.current().maxPaymentMsat).toBe(10_000n)
    symlinkSync(inFolder('b.yaml'), inFolder('next'))
    renameSync(inFolder('next'), inFolder('policy.yaml'))
    later()
    expect(book.current().maxPaymentMsat).toBe(30_000n)
  })
})

describe('R-POL-9 there is one policy', () => {
  for (const [one, other] of [
    ['policy.yaml', 'policy.json'],
    ['policy.json', 'policy.yml'],
    ['policy.yaml', 'policy.yml'],
  ] as const) {
    test(`${other} beside ${one} is a mistake, and not ignored`, async () => {
      write(
        one.endsWith('json') ? '{"version":1,"per_payment":"1 sat","total":"1 sat"}' : least,
        one,
      )
      const book = await open()
      book.current()
      write(least, other)
      later()
      expect(mistakesOf(book)['policy']).toBe(
        `is not the only one: there is ${other} too; keep one`,
      )
    })
  }

  test('policy.yml by itself is a mistake too', async () => {
    write(least, 'policy.yml')
    expect(mistakesOf(await open())['policy']).toMatch(/there is policy.yml too/)
  })

  test('SATWAY_POLICY names another, which has to be there', async () => {
    write(least.replace('10 sat', '9 sat'), 'mine.yaml')
    expect((await open({ SATWAY_POLICY: inFolder('mine.yaml') })).current()).toMatchObject({
      maxPaymentMsat: 9000n,
    })
    const missing = await open({ SATWAY_POLICY: inFolder('none.yaml') })
    expect(mistakesOf(missing)['policy']).toBe('is not there')
  })

  test('SATWAY_POLICY takes the place of no policy in the home, also of one that appears', async () => {
    write(least.replace('10 sat', '900 sat'), 'mine.yaml')
    const book = await open({ SATWAY_POLICY: inFolder('mine.yaml') })
    book.current()
    write(least)
    later()
    expect(mistakesOf(book)['policy']).toBe(
      `is not the only one: there is ${inFolder('policy.yaml')} too; keep one`,
    )
    rmSync(inFolder('policy.yaml'))
    later()
    expect(book.current().maxPaymentMsat).toBe(900_000n)
  })
})

function tried(book: PolicyBook): unknown {
  later()
  try {
    return book.current().maxPaymentMsat
  } catch {
    return undefined
  }
}
