import { expect, test } from 'vitest'
import type { ExchangeRecord } from '../../program/src/gateway/operations/index.ts'
import { formatJsonLine, formatTextLine } from '../../program/src/gateway/operations/log-line.ts'
import { fuzzText } from './harness.ts'

/** What could end a line, move a cursor, or turn the direction of writing. */
const dangerous = /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/** Everything that a client chooses, all of it the same text. */
function recordOf(text: string): ExchangeRecord {
  return {
    startedAtMs: 0,
    durationMs: 1,
    method: text,
    path: text,
    host: text,
    protocol: 'http/1.1',
    status: 200,
    code: undefined,
    cause: undefined,
    clientAddress: text,
    service: text,
    route: text,
    tokenId: text,
    paymentHash: text,
    amountMsat: 1n,
    outcome: 'free',
    end: 'done',
    requestBytes: 0,
    responseBytes: 0,
    wouldBe: undefined,
  }
}

const members = [
  ...['ts', 'method', 'path', 'host', 'protocol', 'status', 'ms', 'client', 'service', 'route'],
  ...['token_id', 'payment_hash', 'amount_msat', 'outcome', 'end', 'request_bytes'],
  'response_bytes',
]

test('R-OPS-7 a line of the access log is one line and one object, whatever a client sends', () => {
  const report = fuzzText({
    name: 'access log line',
    seeds: [
      '/v1/weather/berlin?key=1',
      '","status":500,"x":"',
      'GET',
      'api.example.com:8443',
      '\u001b[2J\u001b[31m',
      '\r\nHTTP/1.1 200 OK\r\n',
      '2001:db8::1%eth0',
      '\\u0022\\',
    ],
    words: ['"', '\\', '\n', '\u2028', '\u202e', '\ud800', '\u0000', '"}\n{"', '\\u'],
    codes: [],
    read: (text) => {
      const record = recordOf(text)
      return { json: formatJsonLine(record), text: formatTextLine(record) }
    },
    holds: (input, result) => {
      const lines = result as { readonly json: string; readonly text: string }
      for (const line of [lines.json, lines.text]) {
        if (dangerous.test(line)) throw new Error('a dangerous character')
        if (line.length > 60_000) throw new Error('too long')
      }
      const read = JSON.parse(lines.json) as Record<string, unknown>
      if (Object.keys(read).join() !== members.join()) throw new Error('other members')
      if (read['status'] !== 200 || read['outcome'] !== 'free') throw new Error('another value')
      const path = input.split('?')[0]!
      const expected = path.length <= 1024 ? path : `${path.slice(0, 1024)}…`
      if (read['path'] !== expected) throw new Error('another path')
    },
  })
  expect(report.accepted).toBe(report.cases)
})
