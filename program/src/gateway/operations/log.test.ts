import { L402Error } from 'satway'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLog } from './log.ts'
import { redact } from './redact.ts'

function open(format: 'json' | 'text' = 'text') {
  const lines: string[] = []
  const stream = {
    write: (text: string) => {
      lines.push(text)
    },
  }
  return { lines, log: createLog(stream, format, () => 0) }
}

const start = '1970-01-01T00:00:00.000Z'

describe('R-OPS-11 messages for the operator are lines', () => {
  test('as text', () => {
    const { lines, log } = open()
    log.info('listening', { address: '127.0.0.1:8402', tls: false, workers: 2 })
    log.warn('slow', { what: 'a disk', note: '' })
    log.error('broken')
    expect(lines).toEqual([
      `${start} info listening address=127.0.0.1:8402 tls=false workers=2\n`,
      `${start} warn slow what="a disk" note=""\n`,
      `${start} error broken\n`,
    ])
  })

  test('as JSON', () => {
    const { lines, log } = open('json')
    log.info('listening', { workers: 2 })
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { ts: start, level: 'info', message: 'listening', workers: 2 },
    ])
  })

  for (const format of ['json', 'text'] as const) {
    test(`${format}: no line end and no control character can be smuggled in`, () => {
      const { lines, log } = open(format)
      log.error('a\nb\u001b[2Jc\u2028d\u202ee', { 'na\nme': 'x\r\ny' })
      expect(lines).toHaveLength(1)
      expect(lines[0]!.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Zl}\u202e]/u)
    })
  }
})

describe('R-OPS-11 what looks like a secret is not written', () => {
  const macaroon = 'AgEDbHNhdAJCAAAhc2VjcmV0U2VjcmV0MTIzNDU2Nzg5MEFCQ0RFRkdISUpLTE1OT1A'
  const hex = '0123456789abcdef'.repeat(4)
  const secrets = [
    ['a credential', `sent L402 ${macaroon}:${hex} here`, 'sent L402 [redacted] here'],
    ['an older one', `LSAT ${macaroon}:${hex}`, 'LSAT [redacted]'],
    ['a bearer token', `Authorization: Bearer ${hex}`, 'Authorization: Bearer [redacted]'],
    ['a preimage', `preimage ${hex}`, 'preimage [redacted]'],
    ['one in capitals', `preimage ${hex.toUpperCase()}`, 'preimage [redacted]'],
    ['a macaroon', `token ${macaroon}`, 'token [redacted]'],
    ['with padding and slashes', `token ${macaroon}/${macaroon}+x==`, 'token [redacted]'],
    ['a key ring', `1:${hex},2:${hex}`, '1:[redacted],2:[redacted]'],
    [
      'a query',
      'GET https://x.example/a?api_key=1 failed',
      'GET https://x.example/a?[redacted] failed',
    ],
    ['a password', 'postgres://me:pass@db/x failed', 'postgres://[redacted]@db/x failed'],
  ] as const
  for (const [what, text, expected] of secrets) {
    test(what, () => {
      expect(redact(text)).toBe(expected)
      const { lines, log } = open('json')
      log.error(text, { fact: text })
      log.failure('upstream', undefined, new Error(text))
      for (const line of lines) {
        for (const secret of [macaroon, hex, hex.toUpperCase(), 'api_key', 'me:pass']) {
          expect(line).not.toContain(secret)
        }
      }
    })
  }

  const plain = [
    'listening on https://api.example.com:8443/',
    '/home/operator/projects/gateway/configuration/satway.yaml: no such file',
    'services[0].routes["GET /v1/weather/:city"].price: expected an amount such as 10 sat',
    'connect ECONNREFUSED 127.0.0.1:3000',
    'UPSTREAM_UNAVAILABLE: the_upstream_of_weather-and-maps-and-everything-else-here',
    '/var/lib/Satway2/state-of-the-gateway/in-a-long-folder/gateway.db',
    'token_id 0123456789abcdef of payment',
  ]
  for (const text of plain) {
    test(`but this is: ${text}`, () => {
      expect(redact(text)).toBe(text)
    })
  }

  test('a hundred kilobytes of anything are looked through at once', () => {
    const startedAt = performance.now()
    for (const piece of ['a', 'A1b', '/', '?', ' L402 ', '//', 'x@', '0', '=', 'Bearer:']) {
      redact(piece.repeat(Math.ceil(100_000 / piece.length)))
    }
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })
})

describe('R-OPS-12 a failure is told at once, its repetitions once a minute', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('part by part, and service by service', () => {
    const { lines, log } = open()
    const error = new L402Error('NODE_UNAVAILABLE', { reason: 'down' })
    for (let i = 0; i < 1000; i++) log.failure('payee', undefined, error)
    log.failure('upstream', 'weather', new Error('connect ECONNREFUSED 127.0.0.1:3000'))
    log.failure('upstream', 'maps', Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
    expect(lines).toEqual([
      `${start} error payee failed: NODE_UNAVAILABLE: ${error.message}\n`,
      `${start} error upstream of weather failed: connect ECONNREFUSED 127.0.0.1:3000\n`,
      `${start} error upstream of maps failed: ECONNRESET: reset\n`,
    ])
    vi.advanceTimersByTime(59_999)
    expect(lines).toHaveLength(3)
    vi.advanceTimersByTime(1)
    expect(lines.slice(3)).toEqual([
      `${start} error payee failed 999 more times; the last: NODE_UNAVAILABLE: ${error.message}\n`,
    ])
    // What was quiet for a minute is news again; what was not waits.
    log.failure('upstream', 'weather', 'odd')
    log.failure('payee', undefined, error)
    expect(lines.slice(4)).toEqual([`${start} error upstream of weather failed: unknown\n`])
    vi.advanceTimersByTime(60_000)
    expect(lines.slice(5)).toEqual([expect.stringContaining('payee failed 1 more times')])
    log.close()
  })

  test('closing tells what was counted, and leaves no timer', () => {
    const { lines, log } = open()
    for (let i = 0; i < 3; i++) log.failure('rates', undefined, new Error('x'))
    log.close()
    expect(lines[1]).toContain('rates failed 2 more times')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('what a peer wrote is cut to 64 characters', () => {
    const { lines, log } = open()
    log.failure('price', 'weather', new Error('y'.repeat(30) + '\n'.repeat(3) + 'z'.repeat(5000)))
    expect(lines[0]).toContain(`${'y'.repeat(30)}   ${'z'.repeat(31)}…\n`)
  })
})

describe('R-ADM-22 a change through the admin API is a line', () => {
  const macaroon = '9f31ab02'.repeat(4)
  const change = { action: 'revoke', target: '017cdf48'.repeat(8), result: 'done', macaroon }

  test('as JSON, with its ids whole', () => {
    const { lines, log } = open('json')
    log.change({ ...change, copy: '5d20c7aa' })
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { ts: start, level: 'info', message: 'admin', ...change, copy: '5d20c7aa' },
    ])
  })

  test('as text, with ids that can be told apart', () => {
    const { lines, log } = open()
    log.change({ ...change, copy: '5d20c7aa' })
    log.change({ ...change, action: 'reload', target: undefined, copy: '5d20c7aa' })
    log.change({ ...change, target: 'zzz', result: 'ADMIN_NOT_FOUND', copy: '5d20c7aa' })
    expect(lines).toEqual([
      `${start} info admin revoke 017cdf48… done (macaroon 9f31ab02…, copy 5d20c7aa)\n`,
      `${start} info admin reload done (macaroon 9f31ab02…, copy 5d20c7aa)\n`,
      `${start} info admin revoke zzz refused ADMIN_NOT_FOUND (macaroon 9f31ab02…, copy 5d20c7aa)\n`,
    ])
  })

  test('and one line, whatever the target is', () => {
    for (const format of ['json', 'text'] as const) {
      const { lines, log } = open(format)
      log.change({ ...change, target: 'a\nb\u001b[2J\u2028c', copy: '5d20c7aa' })
      expect(lines).toHaveLength(1)
      expect(lines[0]!.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Zl}]/u)
    }
  })
})
