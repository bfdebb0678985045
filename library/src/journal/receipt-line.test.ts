import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Receipt } from './journal.ts'
import { digestOf, formatReceipt, maxLineBytes, noLine, readReceipt } from './receipt-line.ts'

const first: Receipt = {
  seq: 1,
  time: '2026-03-01T00:00:00.000Z',
  kind: 'settled',
  paymentHash: 'ab'.repeat(32),
  origin: 'https://a.example',
  method: 'GET',
  path: '/v1/x',
  amountMsat: '10000',
  maxFeeMsat: '5000',
  feeMsat: '12',
  decidedBy: 'policy',
  previous: noLine,
}

describe('R-RCT-11 a receipt has one spelling', () => {
  test('with its members in a fixed order, and none that does not apply', () => {
    expect(formatReceipt(first)).toBe(
      `{"seq":1,"time":"2026-03-01T00:00:00.000Z","kind":"settled","paymentHash":"${'ab'.repeat(32)}",` +
        '"origin":"https://a.example","method":"GET","path":"/v1/x","amountMsat":"10000",' +
        `"maxFeeMsat":"5000","feeMsat":"12","decidedBy":"policy","previous":"${noLine}"}`,
    )
    const shuffled = Object.fromEntries(Object.entries(first).reverse()) as unknown as Receipt
    expect(formatReceipt(shuffled)).toBe(formatReceipt(first))
  })

  test('and is read back as it was', () => {
    expect(readReceipt(formatReceipt(first))).toEqual(first)
    const refused: Receipt = {
      seq: 2,
      time: '2026-03-01T00:00:00.250Z',
      kind: 'refused',
      code: 'POLICY_REFUSED',
      reason: 'host',
      status: 402,
      previous: digestOf(formatReceipt(first)),
    }
    expect(readReceipt(formatReceipt(refused))).toEqual(refused)
  })

  const line = formatReceipt(first)
  for (const [what, bad] of [
    ['nothing', ''],
    ['half a line', line.slice(0, -10)],
    ['a blank more', `${line} `],
    ['a blank inside', line.replace(',', ', ')],
    ['a line break', `${line}\n`],
    ['a byte order mark', `\ufeff${line}`],
    ['another order', line.replace(/("seq":1),("time":"[^"]+")/, '$2,$1')],
    ['a member twice', line.replace('"seq":1', '"seq":1,"seq":1')],
    ['a member that is not known', line.replace('"seq":1', '"seq":1,"more":1')],
    ['a member of the prototype', line.replace('"seq":1', '"seq":1,"__proto__":{}')],
    ['an escape', line.replace('GET', '\\u0047ET')],
    ['no number', line.replace('"seq":1,', '')],
    ['number zero', line.replace('"seq":1', '"seq":0')],
    ['half a number', line.replace('"seq":1', '"seq":1.5')],
    ['a huge number', line.replace('"seq":1', '"seq":9007199254740993')],
    ['a number as text', line.replace('"seq":1', '"seq":"1"')],
    ['a kind that is none', line.replace('settled', 'paid')],
    ['an amount that is none', line.replace('"10000"', '"1e4"')],
    ['a negative amount', line.replace('"10000"', '"-1"')],
    ['an amount as a number', line.replace('"10000"', '10000')],
    ['a payment hash in upper case', line.replaceAll('ab', 'AB')],
    ['a short payment hash', line.replace('abab', 'ab')],
    ['another time zone', line.replace('00.000Z', '00.000+01:00')],
    ['a day that is none', line.replace('03-01', '02-30')],
    ['no link', line.replace(/,"previous":"0+"/, '')],
    ['null', 'null'],
    ['a list', `[${line}]`],
    ['too much', `${line.slice(0, -1)},"reason":"${'a'.repeat(maxLineBytes)}"}`],
  ] as const) {
    test(`and no other: ${what}`, () => {
      expect(bad).not.toBe(line)
      expect(() => readReceipt(bad)).toThrow(
        expect.objectContaining({
          code: 'JOURNAL_UNUSABLE',
          details: expect.objectContaining({ reason: 'receipt-line' }),
        }),
      )
    })
  }

  test('so that two lines are equal exactly when they say the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: line.length - 1 }), fc.string(), (at, put) => {
        const changed = line.slice(0, at) + put + line.slice(at + 1)
        try {
          expect(formatReceipt(readReceipt(changed))).toBe(changed)
        } catch (error) {
          expect(error).toMatchObject({ code: 'JOURNAL_UNUSABLE' })
        }
      }),
    )
  })
})
