import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatJsonLine, formatTextLine, formatTime } from './log-line.ts'
import type { ExchangeRecord } from './observer.ts'

const record: ExchangeRecord = {
  startedAtMs: 0,
  durationMs: 1,
  method: 'GET',
  path: '/',
  host: 'h',
  protocol: 'http/1.1',
  status: 200,
  code: undefined,
  cause: undefined,
  clientAddress: '::1',
  service: undefined,
  route: undefined,
  tokenId: undefined,
  paymentHash: undefined,
  amountMsat: undefined,
  outcome: 'free',
  end: 'done',
  requestBytes: 0,
  responseBytes: 0,
  wouldBe: undefined,
}

/** What could end a line, move a cursor, or turn the direction of writing. */
const dangerous = /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

const strange = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\n', '\r', '\0', '\u001b', '"', '\\', '\u2028', '\u202e', '\u0085', ' ', '='),
    fc.constantFrom('\ud800', '\udc00', '😀', 'é', '{', '}', 'a', '/'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 300,
})

const records = fc.record({
  method: strange,
  path: strange,
  host: strange,
  clientAddress: strange,
  service: fc.option(strange, { nil: undefined }),
  route: fc.option(strange, { nil: undefined }),
  tokenId: fc.option(strange, { nil: undefined }),
})

describe('R-OPS-7 nobody can write a line, or a member, that is not his', () => {
  test('JSON: one line, one object, and what it says is what was given', () => {
    fc.assert(
      fc.property(records, (given) => {
        const line = formatJsonLine({ ...record, ...given })
        expect(line).not.toMatch(dangerous)
        const read = JSON.parse(line) as Record<string, unknown>
        const whole = given.path.split('?')[0]!
        expect(read['path']).toBe(whole)
        expect(read['status']).toBe(200)
        expect(read['outcome']).toBe('free')
        if (given.service !== undefined) expect(read['service']).toBe(given.service)
        expect(Object.keys(read).filter((name) => !known.includes(name))).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  test('text: one line, and nothing that a screen obeys', () => {
    fc.assert(
      fc.property(records, (given) => {
        const line = formatTextLine({ ...record, ...given })
        expect(line).not.toMatch(dangerous)
        // Place after place: what a client chose holds no space.
        expect(line.split(' ').slice(4, 7)).toEqual(['200', '1ms', 'free'])
      }),
      { numRuns: 2000 },
    )
  })

  test('long texts are cut', () => {
    const long = 'x'.repeat(100_000)
    const given = { method: long, path: `/${long}`, host: long, clientAddress: long }
    const line = formatJsonLine({ ...record, ...given })
    const read = JSON.parse(line) as Record<string, string>
    expect(read['method']).toHaveLength(33)
    expect(read['path']).toHaveLength(1025)
    expect(read['host']).toHaveLength(256)
    expect(read['client']).toHaveLength(65)
    for (const name of ['method', 'path', 'host', 'client']) expect(read[name]!.at(-1)).toBe('…')
    expect(formatTextLine({ ...record, ...given }).length).toBeLessThan(2000)
  })

  test('a character that is cut in two does no harm', () => {
    const line = formatJsonLine({ ...record, path: `${'x'.repeat(1023)}😀` })
    expect(line).toContain('\\ud83d…')
    expect(() => JSON.parse(line)).not.toThrow()
  })

  for (const number of [Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300, 0.0001]) {
    test(`${number} leaves the line readable`, () => {
      const given = {
        durationMs: number,
        status: number,
        requestBytes: number,
        startedAtMs: number,
      }
      expect(() => JSON.parse(formatJsonLine({ ...record, ...given }))).not.toThrow()
    })
  }
})

const known = [
  ...['ts', 'method', 'path', 'host', 'protocol', 'status', 'ms', 'code', 'cause', 'client'],
  ...['service', 'route', 'token_id', 'payment_hash', 'amount_msat', 'outcome', 'end'],
  ...['request_bytes', 'response_bytes', 'would_be'],
]

describe('times', () => {
  test('are those of Date, to the millisecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), (ms) => {
        expect(formatTime(ms)).toBe(new Date(ms).toISOString())
      }),
    )
  })

  test('of within a millisecond are rounded down', () => {
    expect(formatTime(1234.9999)).toBe('1970-01-01T00:00:01.234Z')
  })
})
