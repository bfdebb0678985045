import { describe, expect, test } from 'vitest'
import {
  admissionOf,
  headerLines,
  openStall,
  paidRequest,
  readBody,
  refusalOf,
  refusedWith,
  request,
} from '../../../test/adapters/stall.ts'

const forecast = { price: '10 sat', capability: 'forecast' } as const
const preflight = { origin: 'https://a.example', 'access-control-request-method': 'GET' }

describe('R-SRV-10 a preflight is answered here and never charged', () => {
  test('also for a target that is not served', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    for (const target of ['/forecast', '//', '*']) {
      const response = refusalOf(
        await gate(request({ method: 'OPTIONS', target, headers: preflight })),
      )
      expect([response.status, response.body]).toEqual([204, ''])
      expect(headerLines(response, 'access-control-allow-origin')).toEqual(['*'])
      expect(headerLines(response, 'access-control-allow-methods')[0]).toContain('DELETE')
      expect(headerLines(response, 'access-control-allow-headers')[0]).toContain('Authorization')
    }
    expect([stall.invoices(), stall.told]).toEqual([0, []])
  })

  test('another OPTIONS is a request like any other', async () => {
    const gate = openStall().paywall.charge(forecast)
    for (const headers of [
      {},
      { origin: 'https://a.example' },
      { 'access-control-request-method': 'GET' },
    ]) {
      expect(refusedWith(await gate(request({ method: 'OPTIONS', headers })))).toBe(
        '402 ACCESS_PAYMENT_REQUIRED',
      )
    }
  })

  test('nothing is answered where that is switched off', async () => {
    const gate = openStall({ cors: false }).paywall.charge(forecast)
    const response = refusalOf(await gate(request({ method: 'OPTIONS', headers: preflight })))
    expect(response.status).toBe(402)
    expect(headerLines(response, 'access-control-allow-origin')).toEqual([])
  })
})

test('R-SRV-11 every refusal can be read by every page', async () => {
  const stall = openStall()
  const gate = stall.paywall.charge(forecast)
  stall.seller.setReachable(false)
  for (const parts of [
    {},
    { target: '//' },
    { method: 'TRACE' },
    { headers: { authorization: 'L402 x' } },
  ]) {
    const response = refusalOf(await gate(request(parts)))
    expect(headerLines(response, 'access-control-allow-origin')).toEqual(['*'])
    expect(headerLines(response, 'access-control-expose-headers')).toEqual([
      'WWW-Authenticate, Payment-Receipt, Retry-After',
    ])
  }
})

describe('R-SRV-12 methods', () => {
  for (const method of [
    'TRACE',
    'TRACK',
    'CONNECT',
    'trace',
    'get',
    'G T',
    '',
    'GET\n',
    'X'.repeat(40),
  ]) {
    test(`${JSON.stringify(method)} is not served`, async () => {
      const stall = openStall()
      const gate = stall.paywall.charge(forecast)
      const { authorization } = await stall.buy(gate)
      const response = refusalOf(await gate(paidRequest(authorization, { method })))
      expect([response.status, readBody(response)['code']]).toEqual([405, 'REQUEST_METHOD'])
      expect(headerLines(response, 'allow')).toEqual([
        'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
      ])
    })
  }

  test('HEAD is priced as GET, and a token for GET opens it', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({
      ...forecast,
      price: ({ method }) => (method === 'GET' ? '10 sat' : '99 sat'),
    })
    const { narrowed } = await stall.buy(gate, { method: 'HEAD' })
    admissionOf(await gate(paidRequest(narrowed('method=GET'))))
    admissionOf(await gate(paidRequest(narrowed('method=GET'), { method: 'HEAD' })))
    expect(refusedWith(await gate(paidRequest(narrowed(), { method: 'POST' })))).toBe(
      '402 ACCESS_OTHER_RESOURCE',
    )
  })

  test('others are priced like any', async () => {
    const gate = openStall().paywall.charge(forecast)
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'M-SEARCH']) {
      expect(refusedWith(await gate(request({ method })))).toBe('402 ACCESS_PAYMENT_REQUIRED')
    }
  })
})

describe('R-SRV-13 a request that can be read in two ways is refused before it is priced', () => {
  for (const [what, parts] of [
    ['an empty segment', { target: '//forecast' }],
    ['a dot segment', { target: '/x/../forecast' }],
    ['an encoded slash', { target: '/x%2fforecast' }],
    ['a fragment', { target: '/forecast#x' }],
    ['absolute form', { target: 'http://other/forecast' }],
    ['no path', { target: '' }],
    ['two Host lines', { headers: { host: ['a.example', 'b.example'] } }],
    ['two Host lines, joined', { headers: { host: 'a.example, b.example' } }],
  ] as const) {
    test(`${what}`, async () => {
      let priced = 0
      const stall = openStall()
      const gate = stall.paywall.charge({ ...forecast, price: () => `${++priced} sat` })
      const response = refusalOf(await gate(request(parts)))
      expect([response.status, readBody(response)['code']]).toEqual([400, 'REQUEST_AMBIGUOUS'])
      expect([priced, stall.invoices()]).toEqual([0, 0])
    })
  }
})

describe('R-SRV-6 R-SRV-7 a refusal is a problem document', () => {
  const stall = openStall()
  const gate = stall.paywall.charge(forecast)
  const marked = 'zq7'

  for (const [status, parts] of [
    [400, { target: `//${marked}` }],
    [401, { headers: { authorization: `L402 ${marked}` } }],
    [
      402,
      {
        target: `/${marked}?${marked}=${marked}`,
        headers: { [`x-${marked}`]: marked, origin: `https://${marked}` },
      },
    ],
    [405, { method: 'TRACE', target: `/${marked}` }],
  ] as const) {
    test(`${status}: with its members and headers, and nothing of the request`, async () => {
      const response = refusalOf(await gate(request(parts)))
      expect(response.status).toBe(status)
      const body = readBody(response)
      expect(Object.keys(body).slice(0, 6)).toEqual([
        'type',
        'title',
        'status',
        'detail',
        'code',
        'hint',
      ])
      expect(body['type']).toBe(
        `urn:satway:problem:${String(body['code']).toLowerCase().replaceAll('_', '-')}`,
      )
      expect(body['status']).toBe(status)
      expect(headerLines(response, 'content-type')).toEqual(['application/problem+json'])
      expect(headerLines(response, 'cache-control')).toEqual(['no-store'])
      expect(headerLines(response, 'vary')).toEqual(['Authorization'])
      expect(JSON.stringify(response)).not.toContain(marked)
    })
  }

  test('403 repeats nothing that a holder wrote', async () => {
    const bought = await stall.buy(gate)
    for (const caveat of [`${marked}=1`, `method=${marked.toUpperCase()}`, `exp=${marked}`]) {
      const response = refusalOf(await gate(paidRequest(bought.narrowed(caveat))))
      expect(response.status).toBe(403)
      expect(headerLines(response, 'cache-control')).toEqual(['no-store'])
      expect(JSON.stringify(response).toLowerCase()).not.toContain(marked)
    }
  })
})
