import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { policyTemplate } from './commands/policy-template.ts'
import { readJsonSource } from './json-source.ts'
import { readPolicyText } from './policy-file.ts'
import { builtInPolicy, policyRule } from './policy-rules.ts'
import { policySchema } from './policy-schema.ts'
import { readBy } from './settings-rules.ts'
import { readYamlSource } from './yaml-source.ts'

const schema = z.fromJSONSchema(policySchema as Parameters<typeof z.fromJSONSchema>[0])

function agreed(document: unknown): boolean {
  const text = JSON.stringify(document)
  const reading = readPolicyText(text, readJsonSource)
  const isSound = 'value' in reading
  expect({ text, bySchema: schema.safeParse(document).success }).toEqual({
    text,
    bySchema: isSound,
  })
  return isSound
}

const goodAmounts = ['0 sat', '10 sat', '1.5sats', '1500 msat', '0.0001 BTC', '999999999999999 sat']
const badAmounts = [
  '10',
  '10 satoshi',
  '1.2345 sat',
  '1000000000000000 sat',
  '10000000 BTC',
  ' 1 sat',
  '1 SAT',
  '-1 sat',
  '',
]
const goodHosts = ['a.example', '*.a.example', 'localhost:8080', '[::1]:1', 'müller.example']
const badHosts = ['https://a', 'a b', 'a/b', '*', 'a:123456', '', '*.*.a', 'a@b']
const goodKey = `03${'0f'.repeat(32)}`

const mostly = <T>(good: readonly T[], bad: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.constantFrom(...bad) },
  )
const anything = [null, true, 5, 'x', [], {}]
const amounts = mostly(goodAmounts, [...badAmounts, ...anything])
const hosts = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.array(mostly(goodHosts, [...badHosts, ...anything]), { maxLength: 3 }),
  },
  { weight: 1, arbitrary: fc.constantFrom(...anything) },
)
const keys = fc.array(mostly([goodKey], [goodKey.slice(1), `05${goodKey.slice(2)}`, 5]), {
  maxLength: 2,
})
const listed = (items: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 9, arbitrary: fc.record({ allow: items, deny: items }, { requiredKeys: [] }) },
    { weight: 1, arbitrary: fc.constantFrom(...anything, { alow: [] }) },
  )
const documents = fc.record(
  {
    version: mostly([1], [2, '1', 1.5, ...anything]),
    per_payment: amounts,
    total: amounts,
    max_fee: amounts,
    per_hour: amounts,
    per_day: amounts,
    per_host: amounts,
    auto_up_to: amounts,
    new_hosts: mostly(['allow', 'ask', 'deny'], ['Ask', ...anything]),
    hosts: listed(hosts),
    payees: listed(keys),
    networks: fc.oneof(
      {
        weight: 9,
        arbitrary: fc.array(mostly(['bitcoin', 'regtest'], ['mainnet', 5]), { maxLength: 2 }),
      },
      { weight: 1, arbitrary: fc.constantFrom(...anything) },
    ),
    allow_http: hosts,
    allow_private: hosts,
    opaque_tokens: mostly([true, false], ['yes', 0, null]),
    invoices: mostly([true, false], ['yes', 0, null]),
    max_undelivered: mostly([1, 100, 3], [0, 101, 1.5, '3', null]),
    surprise: fc.constant(1),
  },
  { requiredKeys: ['version', 'per_payment', 'total'], noNullPrototype: true },
)

describe('R-POL-5 the published schema says what the program checks', () => {
  test('over documents of all kinds', () => {
    let sound = 0
    const weighted = documents.map(({ surprise, ...rest }) => {
      return surprise !== undefined && Object.keys(rest).length % 5 === 0
        ? { ...rest, surprise }
        : rest
    })
    fc.assert(
      fc.property(weighted, (document) => {
        if (agreed(document)) sound += 1
      }),
      { numRuns: 3000 },
    )
    expect(sound).toBeGreaterThan(100)
  })

  for (const [what, document] of [
    ['nothing', {}],
    ['a list', []],
    ['text', 'version: 1'],
    ['null', null],
    ['what is missing', { version: 1, total: '1 sat' }],
  ] as const) {
    test(what, () => {
      expect(agreed(document)).toBe(false)
    })
  }

  for (const amount of [...goodAmounts, ...badAmounts]) {
    test(`the amount ${JSON.stringify(amount)}`, () => {
      const isGood = goodAmounts.includes(amount)
      expect(agreed({ version: 1, per_payment: amount, total: '1 sat' })).toBe(isGood)
    })
  }

  for (const host of [...goodHosts, ...badHosts]) {
    test(`the host ${JSON.stringify(host)}`, () => {
      const isGood = goodHosts.includes(host)
      const document = { version: 1, per_payment: '1 sat', total: '1 sat', allow_http: [host] }
      expect(agreed(document)).toBe(isGood)
    })
  }
})

describe('R-POL-12 the file that is written to begin with', () => {
  test('says what is built in', () => {
    const reading = readPolicyText(policyTemplate, readYamlSource)
    const { allowInvoices: _, ...limits } = builtInPolicy
    expect(reading).toEqual({ value: limits })
  })

  test('is sound with everything switched on, and leaves nothing out', () => {
    const everything = policyTemplate
      .replace(/^#(?=\S| {2})/gm, '')
      .replace(/^ {2}allow: \[\]$/m, `  allow: [${goodKey}]`)
    const source = readYamlSource(everything)
    if ('mistakes' in source) throw new Error(JSON.stringify(source.mistakes))
    expect(readBy(policyRule, source)).toHaveProperty('value')
    const names = Object.keys(source.value as object).sort()
    expect(names).toEqual(Object.keys(policySchema['properties'] as object).sort())
    expect(schema.safeParse(source.value).success).toBe(true)
  })
})
