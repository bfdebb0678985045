import { expect, test } from 'vitest'
import { parseHostPattern as parseClientPattern } from '../../library/src/client/host.ts'
import { configRule } from '../../program/src/agent/config-file.ts'
import { parseHostPattern } from '../../program/src/agent/host-pattern.ts'
import { readJsonSource } from '../../program/src/agent/json-source.ts'
import { readPolicyText } from '../../program/src/agent/policy-file.ts'
import type { FilePolicy } from '../../program/src/agent/policy-rules.ts'
import type { Reader, SettingsReading } from '../../program/src/agent/settings-file.ts'
import { readSettingsText } from '../../program/src/agent/settings-file.ts'
import { readYamlSource } from '../../program/src/agent/yaml-source.ts'
import { fuzzText } from './harness.ts'

const yaml = `version: 1
per_payment: 100 sat
per_hour: 1500 msat
total: 0.0001 BTC
auto_up_to: 1.5 sats
new_hosts: ask
hosts: { allow: [api.example, "*.example.org"], deny: ["localhost:80"] }
payees:
  allow: [02${'ab'.repeat(32)}]
networks: [bitcoin]
invoices: false
max_undelivered: 3
`
const json = JSON.stringify({
  version: 1,
  per_payment: '100 sat',
  total: '1000 sat',
  hosts: { allow: ['a.example'], deny: [] },
  new_hosts: 'deny',
})
const words = [
  '": ',
  ': ',
  ', ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  '&a ',
  '*a',
  '!!str ',
  '!x ',
  '<<: ',
  '---\n',
  '%YAML 1.1\n',
  '# ',
  '|\n',
  "'",
  '"',
  '\\u0074',
  '\\',
  '\n',
  '\t',
  '100',
  '100 sat',
  '-1 sat',
  '1e9 sat',
  'null',
  'true',
  'total',
  'per_payment',
  '__proto__',
  'constructor',
  'toString',
  '*.',
  '[::1]',
  'https://',
  'ask',
  '\u202e',
  '\0',
]

/** A policy that is read says as much as it must; one that is refused says where and why. */
function check(reading: SettingsReading<FilePolicy>): boolean {
  if ('value' in reading) {
    const { maxPaymentMsat, maxTotalMsat, ...rest } = reading.value
    for (const amount of [maxPaymentMsat, maxTotalMsat, rest.perHourMsat, rest.askAboveMsat]) {
      if (amount !== undefined) expect(typeof amount === 'bigint' && amount >= 0n).toBe(true)
    }
    expect(Object.getPrototypeOf(reading.value)).toBe(Object.prototype)
    return true
  }
  expect(reading.mistakes.length).toBeGreaterThan(0)
  for (const { path, message, line, column } of reading.mistakes) {
    expect(`${path}${message}`).not.toMatch(/[\p{Cc}\u202e]/u)
    expect(message.length).toBeLessThan(400)
    expect(line === undefined || (line >= 1 && (column ?? 0) >= 1)).toBe(true)
  }
  return false
}

/** The parser of YAML takes long: of so many mutants one is read, and every seed. */
function sampled(share: number, seeds: readonly string[], reader: Reader): Reader {
  let count = 0
  return (text) => {
    count += 1
    if (count % share !== 0 && !seeds.includes(text)) return { value: {}, spotOf: () => undefined }
    return reader(text)
  }
}

for (const [name, seeds, share, reader] of [
  ['YAML', [yaml, 'version: 1\nper_payment: 1 sat\ntotal: 2 sat\n'], 50, readYamlSource],
  ['JSON', [json, '{"version":1,"per_payment":"1 sat","total":"2 sat"}'], 1, readJsonSource],
] as const) {
  test(`R-POL-2 R-POL-3 policies in ${name}, mutated: read whole, or refused with every mistake`, () => {
    const seen = { accepted: 0, refused: 0 }
    const sampler = sampled(share, seeds, reader)
    fuzzText({
      name: `policy in ${name}`,
      seeds,
      words,
      read: (text) => readPolicyText(text, sampler),
      codes: [],
      holds: (_text, result) => {
        if (check(result as SettingsReading<FilePolicy>)) seen.accepted += 1
        else seen.refused += 1
      },
    })
    expect(seen.accepted).toBeGreaterThan(0)
    expect(seen.refused).toBeGreaterThan(0)
  })
}

test('R-AGT-5 settings of the agent, mutated: read, or refused without a secret of the wallet', () => {
  const seeds = [
    'wallet: https://w.example/p?token=file:/hunter2&lookup=/q/{hash}\nkey: file\n',
    'wallet: devnet:/a/b.json\ndownloads: ~/x\napproval_wait_seconds: 5\n',
    'wallet: "https://w.example/p?token=hunter2hunter2"\n',
  ]
  const sampler = sampled(50, seeds, readYamlSource)
  fuzzText({
    name: 'settings of the agent',
    seeds,
    words: [...words, '?token=', '&', 'env:', 'file:', 'none', 'https://me:hunter2@w.example'],
    read: (text) => readSettingsText(text, sampler, configRule),
    codes: [],
    holds: (_text, result) => {
      const reading = result as SettingsReading<object>
      if ('value' in reading) return
      // Of a name that is not known its beginning is shown, whatever it is.
      const told = reading.mistakes.filter(({ path }) => /^(?:wallet|key|downloads)$/.test(path))
      expect(JSON.stringify(told.map(({ message }) => message))).not.toContain('hunter2')
    },
  })
})

test('R-POL-2 host patterns, mutated: the policy file reads them as the client does', () => {
  const seen = { patterns: 0, none: 0 }
  fuzzText({
    name: 'host pattern',
    seeds: [
      'api.example.com',
      '*.example.org',
      'localhost:8080',
      '[::1]:443',
      'Müller.example.',
      '127.1',
    ],
    words: [
      '*.',
      '.',
      ':',
      '[',
      ']',
      '::',
      '0x7f',
      '@',
      '/',
      '\\',
      '%41',
      '-',
      '65536',
      'xn--',
      '\u00ad',
      ' ',
      '\n',
    ],
    read: (text) => [parseHostPattern(text), parseClientPattern(text)],
    codes: [],
    holds: (_text, result) => {
      const [ours, clients] = result as readonly unknown[]
      expect(ours).toEqual(clients)
      if (ours === undefined) seen.none += 1
      else seen.patterns += 1
    },
  })
  expect(seen.patterns).toBeGreaterThan(0)
  expect(seen.none).toBeGreaterThan(0)
})
