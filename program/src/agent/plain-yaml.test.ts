import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { policyTemplate } from './commands/policy-template.ts'
import { readPlainYaml } from './plain-yaml.ts'
import type { Source } from './settings-source.ts'
import { readYamlSource } from './yaml-source.ts'

/** What is read at once, the parser reads just so, and its parts stand in the same places. */
function agreed(text: string): Source | undefined {
  const plain = readPlainYaml(text)
  if (plain === undefined) return undefined
  const parsed = readYamlSource(text)
  if ('mistakes' in parsed)
    throw new Error(`read at once, and it is no YAML: ${JSON.stringify(text)}`)
  expect({ text, value: plain.value }).toEqual({ text, value: parsed.value })
  for (const name of Object.keys(plain.value as object)) {
    for (const isAboutName of [true, false]) {
      expect(plain.spotOf([name], isAboutName)).toEqual(parsed.spotOf([name], isAboutName))
    }
  }
  return plain
}

describe('R-POL-3 a plain file is read without the parser', () => {
  for (const text of [
    'version: 1\nper_payment: 100 sat\ntotal: 0.0001 BTC\n',
    'wallet: devnet:/home/me/wallet.json\nkey: file # where else\n',
    'wallet: https://w.example/pay?token=file:/run/x&lookup=/p/{hash}\n',
    'invoices: true\nopaque_tokens: false\n',
    policyTemplate,
    '# only this\n\n  # and this\na: b',
    'a:   b  \n',
    'a: x:y z?w\n',
  ]) {
    test(JSON.stringify(text.slice(0, 50)), () => {
      expect(agreed(text)).toBeDefined()
    })
  }
})

describe('and what YAML may read otherwise is left to it', () => {
  for (const text of [
    '',
    '# nothing\n',
    'a: "b"\n',
    "a: 'b'\n",
    'a: [b]\n',
    'a: {b: c}\n',
    'a:\n  b: c\n',
    'a: b\n  c\n',
    'a: b: c\n',
    'a: b:\n',
    'a: &x b\n',
    'a: *x\n',
    'a: !t b\n',
    'a: |\n  b\n',
    'a: b\na: c\n',
    'a: null\n',
    'a: ~\n',
    'a: Yes\n',
    'a: 0x10\n',
    'a: 1e3\n',
    'a: 1.5\n',
    'a: 01\n',
    'a: 99999999999999999999\n',
    'a: TRUE\n',
    'a:\tb\n',
    'a: b\r\n',
    'a: b\r',
    '---\na: b\n',
    '%YAML 1.2\na: b\n',
    'a: b\n...\nc: d\n',
    ' a: b\n',
    'A: b\n',
    'a: b#\n',
    '\ufeffa: b\n',
    'a: b\u2028c\n',
  ]) {
    test(JSON.stringify(text), () => {
      expect(readPlainYaml(text)).toBeUndefined()
    })
  }
})

test('R-POL-3 over lines of all kinds both read the same', () => {
  const bits = fc.constantFrom(
    'a',
    'b',
    'version',
    '1',
    '100 sat',
    'true',
    'no',
    'null',
    '~',
    '.',
    '-',
    ': ',
    ':',
    ' ',
    '#',
    ' #',
    '\n',
    '\n\n',
    '/',
    '{',
    '}',
    '?',
    '&',
    '%',
    '=',
    '+',
    '0x1',
    '1e3',
    '.inf',
    '1_000',
    '2026-01-01',
    '12:30',
    '"',
    '*',
  )
  let read = 0
  const lines = fc.oneof(
    fc.array(bits, { maxLength: 12 }).map((parts) => parts.join('')),
    fc
      .array(fc.tuple(fc.constantFrom('a', 'b_c', 'total'), fc.array(bits, { maxLength: 4 })), {
        maxLength: 3,
      })
      .map((rows) => rows.map(([name, value]) => `${name}: ${value.join('')}`).join('\n')),
  )
  fc.assert(
    fc.property(lines, (text) => {
      if (agreed(text) !== undefined) read += 1
    }),
    { numRuns: 20_000 },
  )
  expect(read).toBeGreaterThan(500)
})
