import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { ExchangeRecord } from './observer.ts'
import { formatTerminalLine } from './terminal-line.ts'

const record: ExchangeRecord = {
  startedAtMs: Date.UTC(2026, 10, 25, 21, 14, 29, 857),
  durationMs: 13.377,
  method: 'GET',
  path: '/hello',
  host: 'api.example',
  protocol: 'http/1.1',
  status: 200,
  code: undefined,
  cause: undefined,
  clientAddress: '192.0.2.1',
  service: 'shop',
  route: 'GET /*',
  tokenId: '00'.repeat(32),
  paymentHash: '11'.repeat(32),
  amountMsat: 10_000n,
  outcome: 'paid',
  end: 'done',
  requestBytes: 0,
  responseBytes: 0,
  wouldBe: undefined,
}

const line = (change: Partial<ExchangeRecord>): string =>
  stripVTControlCharacters(formatTerminalLine({ ...record, ...change })).replace(/ {2,}/g, '  ')

describe('R-OPS-6 a line for a person who watches', () => {
  for (const [change, text] of [
    [{}, '21:14:29  200  GET  /hello  13 ms  paid 10 sat'],
    [{ end: 'cut' }, '21:14:29  200  GET  /hello  13 ms  paid 10 sat, cut off by the upstream'],
    [
      { status: 402, outcome: 'challenged', code: 'ACCESS_PAYMENT_REQUIRED', end: 'refused' },
      '21:14:29  402  GET  /hello  13 ms  asked for 10 sat',
    ],
    [
      { status: 402, outcome: 'challenged', code: 'ACCESS_EXPIRED', end: 'refused' },
      '21:14:29  402  GET  /hello  13 ms  asked for 10 sat (ACCESS_EXPIRED)',
    ],
    [
      { outcome: 'dry-run', wouldBe: 402, durationMs: 1.24 },
      '21:14:29  200  GET  /hello  1.2 ms  let through; would be 402',
    ],
    [
      { status: 404, outcome: 'refused', code: 'REQUEST_NOT_FOUND', path: '' },
      '21:14:29  404  GET  -  13 ms  refused REQUEST_NOT_FOUND',
    ],
    [
      { status: 200, outcome: 'free', path: '/a\u001b[31m b\n', end: 'client-left' },
      '21:14:29  200  GET  /a\\u001b[31m\\u0020b\\u000a 13 ms  free, client left',
    ],
  ] satisfies [Partial<ExchangeRecord>, string][]) {
    test(text, () => {
      expect(line(change)).toBe(
        text.replace(/ (\d+ ms)/, ' $1').replace('\\u000a 13', '\\u000a  13'),
      )
    })
  }
})
