import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { L402Error } from '../errors.ts'
import { maxCaveatLength } from './caveat.ts'
import type { ParsedCaveat } from './index.ts'
import { formatCaveat, parseCaveat } from './index.ts'

describe('R-CAV-1 a caveat is split at its first operator', () => {
  for (const [text, condition, operator, value, spaced] of [
    ['services=weather:0', 'services', '=', 'weather:0', false],
    ['request_count <= 10', 'request_count', '<=', '10', true],
    ['request_count<=10', 'request_count', '<=', '10', false],
    ['endpoint = /api/weather', 'endpoint', '=', '/api/weather', true],
    ['a < b', 'a', '<', 'b', true],
    ['a>b', 'a', '>', 'b', false],
    ['a>=b', 'a', '>=', 'b', false],
    ['a==b', 'a', '=', '=b', false],
    ['a=<b', 'a', '=', '<b', false],
    ['a<=b=c', 'a', '<=', 'b=c', false],
    ['expiration=1338=', 'expiration', '=', '1338=', false],
    ['name=john snow', 'name', '=', 'john snow', false],
    ['meme_capabilities=', 'meme_capabilities', '=', '', false],
    ['A9_.:-=é', 'A9_.:-', '=', 'é', false],
    ['a=\u202e😀', 'a', '=', '\u202e😀', false],
  ] as const)
    test(JSON.stringify(text), () => {
      const parsed = { condition, operator, value, spaced }
      expect(parseCaveat(text)).toEqual(parsed)
      expect(formatCaveat(parsed)).toBe(text)
    })
})

describe('R-CAV-2 any other form is refused, and nothing of it is repeated', () => {
  const secret = 'f00d'.repeat(16)
  for (const text of [
    '',
    ' ',
    '=',
    '=value',
    'condition',
    'expiration:1337',
    ' expiration = 1338',
    ' expiration=1338',
    'expiration=1338 ',
    'expiration = 1338 ',
    'expiration= 1338',
    'expiration =1338',
    'expiration  =  1338',
    'expiration =  1338',
    'expiration\t=\t1338',
    'a b=c',
    'ä=b',
    '1=test',
    '_a=b',
    'a=\u00a0b',
    'a=b\u3000',
    'a=b\n',
    'a=b\nc',
    'a=\0',
    'a=b\u0085c',
    'a=b\u2028c',
    'a=b\x7f',
    `${'a'.repeat(65)}=b`,
    `a=${'b'.repeat(maxCaveatLength - 1)}`,
    `preimage=${secret}\t`,
    secret,
  ])
    test(JSON.stringify(text.slice(0, 40)), () => {
      try {
        parseCaveat(text)
        expect.unreachable()
      } catch (error) {
        const { code, details } = error as L402Error
        expect({ code, details }).toEqual({
          code: 'CAVEAT_MALFORMED',
          details: { reason: 'grammar' },
        })
      }
    })

  test('the longest condition and the longest caveat are read', () => {
    expect(parseCaveat(`${'a'.repeat(64)}=b`).condition).toHaveLength(64)
    expect(parseCaveat(`a=${'b'.repeat(maxCaveatLength - 2)}`).value).toHaveLength(254)
  })
})

test('R-CAV-1 parsing and formatting undo each other', () => {
  const condition = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.:-]{0,63}$/)
  const operator = fc.constantFrom('=', '<=', '<', '>', '>=')
  const caveats = fc.record({
    condition,
    operator,
    value: fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 9 })),
    spaced: fc.boolean(),
  })
  let formatted = 0
  fc.assert(
    fc.property(caveats, (caveat) => {
      const text = tryFormat(caveat as ParsedCaveat)
      if (text === undefined) return
      formatted++
      expect(parseCaveat(text)).toEqual(caveat)
    }),
    { numRuns: 2000 },
  )
  expect(formatted).toBeGreaterThan(500)
})

test('R-CAV-1 a caveat that would be read as another one is not written', () => {
  for (const caveat of [
    { condition: 'a', operator: '<', value: '=b', spaced: false },
    { condition: 'a', operator: '=', value: ' b', spaced: false },
    { condition: 'a=b', operator: '=', value: 'c', spaced: false },
    { condition: '', operator: '=', value: 'c', spaced: false },
    { condition: 'a', operator: '=', value: 'b\nc', spaced: false },
    { condition: 'a', operator: '=', value: 'b'.repeat(300), spaced: false },
  ] as const)
    expect(() => formatCaveat(caveat)).toThrow(RangeError)
})

function tryFormat(caveat: ParsedCaveat): string | undefined {
  try {
    return formatCaveat(caveat)
  } catch {
    return undefined
  }
}
