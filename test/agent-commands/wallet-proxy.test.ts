import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { encodeHex } from '../../library/src/bytes/index.ts'
import { createMemoryLedger } from '../../library/src/client/index.ts'
import { L402Error } from '../../library/src/errors.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { Payer, PaymentOutcome } from '../../library/src/lightning/index.ts'
import { readListenAddress } from '../../program/src/wallet-proxy/listen-address.ts'
import { proxyCodes } from '../../program/src/wallet-proxy/proxy-problem.ts'
import { openMarket } from '../client/market.ts'
import type { Sent } from './proxy.ts'
import { bearer, order, send, serve, token } from './proxy.ts'

function hashOf(invoice: string): string {
  return encodeHex(decodeInvoice(invoice).paymentHash)
}

function deferred<Value>(): { readonly promise: Promise<Value>; resolve(value: Value): void } {
  let resolve: (value: Value) => void = () => undefined
  const promise = new Promise<Value>((done) => {
    resolve = done
  })
  return { promise, resolve: (value) => resolve(value) }
}

/** What is answered to these bytes, until the connection closes. */
function exchangeRaw(address: string, bytes: string): Promise<string> {
  const [host = '', port] = address.split(':')
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host)
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
    socket.write(bytes)
  })
}

/** A payer over another, with one of its powers replaced. */
function payerLike(inner: Payer, change: Partial<Payer>): Payer {
  return {
    network: inner.network,
    pay: (invoice, limits) => inner.pay(invoice, limits),
    lookupPayment: (hash, signal) => inner.lookupPayment(hash, signal),
    ...change,
  }
}

describe('R-WPX-1 only who has the token is served', () => {
  const wrong: readonly (readonly [string, Sent['headers']])[] = [
    ['no Authorization', {}],
    ['another scheme', { authorization: `Basic ${token}` }],
    ['another token', { authorization: `Bearer ${'B'.repeat(43)}` }],
    ['part of it', { authorization: `Bearer ${token.slice(1)}` }],
    ['more than it', { authorization: `Bearer ${token}A` }],
    ['two of them', { authorization: [`Bearer ${token}`, 'Bearer x'] }],
    ['an empty one', { authorization: 'Bearer ' }],
  ]
  for (const [what, headers] of wrong) {
    test(`${what} is 401, before anything else is looked at`, async () => {
      const { proxy, market } = await serve()
      const answer = await send(proxy.address, {
        method: 'POST',
        path: '/payinvoice',
        headers: headers ?? {},
        body: 'no JSON',
      })
      expect(answer.status).toBe(401)
      expect(answer.body.code).toBe('PROXY_UNAUTHENTICATED')
      expect(answer.headers['www-authenticate']).toBe('Bearer')
      expect(JSON.stringify(answer.body)).not.toContain(token)
      expect(market.spentMsat()).toBe(0n)
    })
  }

  test('the scheme may be written in any case', async () => {
    const { proxy } = await serve()
    const headers = { authorization: `bearer ${token}` }
    const answer = await send(proxy.address, { path: `/payments/${'0'.repeat(64)}`, headers })
    expect(answer.status).toBe(404)
  })

  test('a health check needs none, and tells nothing', async () => {
    const { proxy } = await serve()
    const answer = await send(proxy.address, { path: '/healthz' })
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }])
  })
})

describe('R-WPX-2 this machine alone, and no web page', () => {
  for (const [text, address] of [
    ['127.0.0.1:8405', { host: '127.0.0.1', port: 8405 }],
    ['127.1.2.3:1', { host: '127.1.2.3', port: 1 }],
    ['localhost:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
    ['9000', { host: '127.0.0.1', port: 9000 }],
  ] as const) {
    test(`--listen ${text}`, () => expect(readListenAddress(text)).toEqual(address))
  }
  for (const text of [
    '0.0.0.0:8405',
    '192.168.1.5:8405',
    '[::]:8405',
    'example.com:8405',
    '128.0.0.1:80',
    '127.0.0.1:65536',
    '127.0.0.1',
    ':80',
    '',
    '::1:80',
    '127.0.0.1:80x',
  ]) {
    test(`--listen ${text} is refused`, () => expect(() => readListenAddress(text)).toThrow())
  }

  test('whatever it can listen on is a name of its own', async () => {
    const { proxy } = await serve()
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:80', '127.1.2.3:1', '[::1]:65535']) {
      const { status } = await send(proxy.address, { path: '/healthz', headers: { host } })
      expect([host, status]).toEqual([host, 200])
    }
  })

  for (const [what, headers, code] of [
    ['a Host of another name', { host: 'evil.example' }, 'PROXY_HOST'],
    ['a Host that begins like ours', { host: 'localhost.evil.example' }, 'PROXY_HOST'],
    ['an Origin', { origin: 'http://localhost:8405' }, 'PROXY_ORIGIN'],
    ['an Origin of null', { origin: 'null' }, 'PROXY_ORIGIN'],
    ['a request that a page made', { 'sec-fetch-site': 'cross-site' }, 'PROXY_ORIGIN'],
  ] as const) {
    test(`${what} is refused, with the token or without`, async () => {
      const { proxy, invoice, market } = await serve()
      const body = order({ invoice: await invoice() })
      for (const more of [bearer, {}]) {
        const sent = { ...body, headers: { ...body.headers, ...more, ...headers } as never }
        const answer = await send(proxy.address, sent)
        expect(answer.body.code).toBe(code)
        expect(answer.status).toBe(proxyCodes[code].status)
      }
      expect(market.spentMsat()).toBe(0n)
    })
  }

  for (const [what, lines] of [
    ['two Hosts', 'Host: localhost\r\nHost: evil.example\r\n'],
    ['no Host', ''],
  ] as const) {
    test(`${what} is refused`, async () => {
      const { proxy } = await serve()
      const text = await exchangeRaw(
        proxy.address,
        `GET /payments/${'0'.repeat(64)} HTTP/1.1\r\n${lines}Authorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
      )
      expect(text).toMatch(/^HTTP\/1\.1 4(?:00|21) /)
      expect(text).not.toContain('not-found')
    })
  }

  test('no answer lets a page of another origin read it', async () => {
    const { proxy, pay, invoice } = await serve()
    const preflight = await send(proxy.address, {
      method: 'OPTIONS',
      path: '/payinvoice',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })
    expect(preflight.status).toBe(403)
    for (const { headers } of [preflight, await pay({ invoice: await invoice() })]) {
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
      expect(headers['cache-control']).toBe('no-store')
    }
  })
})

describe('R-WPX-4 an order is one small JSON object', () => {
  const bodies: readonly (readonly [string, string, number])[] = [
    ['no JSON', 'invoice=lnbc1', 400],
    ['nothing', '', 400],
    ['a list', '[]', 400],
    ['null', 'null', 400],
    ['no invoice', '{}', 400],
    ['an invoice that is no text', '{"invoice": 1}', 400],
    ['an empty invoice', '{"invoice": ""}', 400],
    ['an invoice in a list', '{"invoice": ["lnbc1"]}', 400],
    ['a member that is not known', '{"invoice": "lnbc1", "amount": 5}', 400],
    ['a misspelt limit', '{"invoice": "lnbc1", "maxCost": "1 sat"}', 400],
    ['an invoice twice', '{"invoice": "lnbc1", "invoice": "lnbc2"}', 400],
    ['a limit twice', '{"invoice":"lnbc1","max_fee":"1 sat","max_fee":"2 sat"}', 400],
    [
      'a limit twice, spelt otherwise',
      '{"invoice":"x","max_fee":"1 sat","max_f\\u0065e":"9 sat"}',
      400,
    ],
    ['a limit in two units', '{"invoice":"lnbc1","max_fee":"1 sat","max_fee_msat":2}', 400],
    ['a limit without a unit', '{"invoice": "lnbc1", "max_cost": "100"}', 400],
    ['a limit that is a bare number', '{"invoice": "lnbc1", "max_cost": 100}', 400],
    ['parts of a msat', '{"invoice": "lnbc1", "max_cost_msat": 1.5}', 400],
    ['less than nothing', '{"invoice": "lnbc1", "max_cost_msat": -1}', 400],
    ['true for a limit', '{"invoice": "lnbc1", "max_cost_msat": true}', 400],
    ['null for a limit', '{"invoice": "lnbc1", "max_cost_msat": null}', 400],
    ['a prototype', '{"invoice": "lnbc1", "__proto__": "x"}', 400],
    ['bytes that are not UTF-8', '\udcff', 400],
    ['more than 16 KiB', JSON.stringify({ invoice: 'l'.repeat(17_000) }), 413],
    ['text after it', '{"invoice": "lnbc1"} {}', 400],
  ]
  for (const [what, body, status] of bodies) {
    test(`${what} is ${status}`, async () => {
      const { pay, market } = await serve()
      const answer = await pay(body)
      expect(answer.status).toBe(status)
      expect(answer.headers['content-type']).toBe('application/problem+json')
      expect(answer.body.hint).toMatch(/\S/)
      expect(market.spentMsat()).toBe(0n)
    })
  }

  for (const [what, headers] of [
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['plain text, which a page may send', { 'content-type': 'text/plain' }],
    ['a compressed body', { 'content-encoding': 'gzip' }],
  ] as const) {
    test(`${what} is 415`, async () => {
      const { proxy } = await serve()
      const sent = order({ invoice: 'lnbc1' })
      const answer = await send(proxy.address, {
        ...sent,
        headers: { ...sent.headers, ...headers },
      })
      expect(answer.status).toBe(415)
    })
  }

  test('more than 16 KiB in pieces of unknown length is 413', async () => {
    const { proxy } = await serve()
    const head = `POST /payinvoice HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
    const piece = `1000\r\n${'x'.repeat(0x1000)}\r\n`
    const status = await exchangeRaw(proxy.address, head + piece.repeat(5))
    expect(status).toContain('413')
  })

  for (const [method, path, status, allow] of [
    ['GET', '/payinvoice', 405, 'POST'],
    ['POST', '/healthz', 405, 'GET'],
    ['DELETE', `/payments/${'0'.repeat(64)}`, 405, 'GET'],
    ['GET', '/payments/00', 404, undefined],
    ['GET', '/payments', 404, undefined],
    ['POST', '/payinvoice/', 404, undefined],
    ['POST', '/payinvoice?x=1', 404, undefined],
    ['GET', '/', 404, undefined],
  ] as const) {
    test(`${method} ${path} is ${status}`, async () => {
      const { proxy } = await serve()
      const answer = await send(proxy.address, { method, path, headers: bearer })
      expect([answer.status, answer.headers['allow']]).toEqual([status, allow])
    })
  }
})

describe('R-WPX-5 what is paid is answered with its proof', () => {
  test('in the members that other wallets use, and exact amounts beside them', async () => {
    const { pay, invoice, market, lines } = await serve()
    const text = await invoice(1008n)
    expect(await pay({ invoice: text, max_cost: '500 sat' })).toMatchObject({
      status: 403,
      body: { code: 'BUDGET_EXCEEDED', isPaid: false },
    })
    const answer = await pay({ invoice: await invoice(908n) })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json')
    const { paymentPreimage, paymentHash, feeMsat } = answer.body
    expect(answer.body).toEqual({
      isPaid: true,
      status: 'settled',
      paymentPreimage,
      paymentHash,
      amount: 908,
      amountMsat: '908000',
      feeMsat,
      before: false,
    })
    const proof = createHash('sha256')
      .update(Buffer.from(String(paymentPreimage), 'hex'))
      .digest('hex')
    expect(proof).toBe(paymentHash)
    expect(market.spentMsat()).toBe(908_000n + BigInt(String(feeMsat)))
    expect(lines.join('\n')).not.toContain(paymentPreimage)
  })

  test('`amount` is rounded up to whole sat', async () => {
    const { pay, market } = await serve()
    const { invoice } = await market.payee.createInvoice({
      amountMsat: 1500n as never,
      description: 'x',
      expirySeconds: 600,
    })
    expect((await pay({ invoice })).body).toMatchObject({ amount: 2, amountMsat: '1500' })
  })

  test('`lightning:` may stand before the invoice, and limits may be digits', async () => {
    const { pay, invoice } = await serve()
    const body = {
      invoice: `lightning:${await invoice()}`,
      max_fee_msat: '5000',
      max_cost_msat: 20_000,
    }
    expect((await pay(body)).body.isPaid).toBe(true)
  })

  test('a limit of the order tightens the policy, and cannot widen it', async () => {
    const { pay, invoice, market } = await serve({ policy: { maxPaymentMsat: '20 sat' } })
    expect((await pay({ invoice: await invoice(50n), max_cost: '1000 sat' })).status).toBe(403)
    expect((await pay({ invoice: await invoice(10n), max_cost: '9 sat' })).status).toBe(403)
    expect(market.spentMsat()).toBe(0n)
    expect((await pay({ invoice: await invoice(10n), max_cost: '20 sat' })).status).toBe(200)
  })
})

describe('R-WPX-6 `isPaid` is false only when that is certain', () => {
  test('a policy that says no', async () => {
    const { pay, invoice } = await serve({ policy: { allowInvoices: false } })
    const text = await invoice()
    const answer = await pay({ invoice: text })
    expect(answer.status).toBe(403)
    expect(answer.body).toMatchObject({
      type: 'urn:satway:problem:policy-refused',
      status: 403,
      code: 'POLICY_REFUSED',
      reason: 'invoices',
      outcome: 'refused',
      isPaid: false,
      paymentHash: hashOf(text),
    })
    expect(answer.body.hint).toMatch(/\S/)
  })

  test('an answer of the operator that is waited for', async () => {
    const approve = async (): Promise<{ pendingId: string }> => ({ pendingId: 'k7m2p9xq' })
    const { pay, invoice } = await serve({ policy: { approve } })
    expect((await pay({ invoice: await invoice() })).body).toMatchObject({
      reason: 'approval-pending',
      approvalId: 'k7m2p9xq',
      isPaid: false,
    })
  })

  test('an invoice that cannot be paid', async () => {
    const { pay, invoice, market } = await serve()
    const text = await invoice()
    const broken = await pay({ invoice: `${text.slice(0, -1)}${text.endsWith('q') ? 'p' : 'q'}` })
    expect(broken).toMatchObject({ status: 403, body: { code: 'INVOICE_CHECKSUM', isPaid: false } })
    market.advance(700)
    const late = await pay({ invoice: text })
    expect(late).toMatchObject({ status: 403, body: { code: 'INVOICE_EXPIRED', isPaid: false } })
  })

  test('a payment that failed for good, which may be ordered again', async () => {
    const market = openMarket()
    let fails = true
    const payer = payerLike(market.buyer, {
      pay: async (invoice, limits) =>
        fails ? { status: 'failed', reason: 'no-route' } : market.buyer.pay(invoice, limits),
    })
    const { pay, invoice, get } = await serve({ market, payer })
    const text = await invoice()
    const answer = await pay({ invoice: text })
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'PAYMENT_FAILED', reason: 'no-route', outcome: 'not_paid', isPaid: false },
    })
    const { status, body } = await get(`/payments/${hashOf(text)}`)
    expect(status).toBe(200)
    expect(body).toEqual({
      isPaid: false,
      status: 'failed',
      paymentHash: hashOf(text),
      reason: 'no-route',
    })
    fails = false
    expect((await pay({ invoice: text })).body).toMatchObject({ isPaid: true, before: false })
  })

  test('a payment that nobody can tell the end of is 504 and null, until somebody can', async () => {
    const market = openMarket()
    let isSilent = true
    const payer = payerLike(market.buyer, {
      pay: async (invoice, limits) => {
        await market.buyer.pay(invoice, limits)
        return { status: 'unknown' }
      },
      lookupPayment: async (hash, signal) => {
        if (isSilent) throw new L402Error('NODE_UNAVAILABLE', { reason: 'silent' })
        return market.buyer.lookupPayment(hash, signal)
      },
    })
    const { pay, invoice, get } = await serve({ market, payer })
    const text = await invoice()
    const spent: bigint[] = []
    for (let i = 0; i < 2; i++) {
      const answer = await pay({ invoice: text })
      expect(answer.status).toBe(504)
      expect(answer.body).toMatchObject({
        code: 'PAYMENT_UNKNOWN',
        outcome: 'unknown',
        isPaid: null,
        paymentHash: hashOf(text),
      })
      expect(answer.body.hint).toContain('Do not pay')
      expect((await get(`/payments/${hashOf(text)}`)).body).toEqual({
        isPaid: null,
        status: 'unknown',
        paymentHash: hashOf(text),
      })
      spent.push(market.spentMsat())
    }
    isSilent = false
    expect((await get(`/payments/${hashOf(text)}`)).body).toMatchObject({
      isPaid: true,
      before: true,
    })
    expect((await pay({ invoice: text })).body).toMatchObject({ isPaid: true, before: true })
    expect(new Set([...spent, market.spentMsat()]).size).toBe(1)
  })

  test('a refusal of now says null as long as an earlier order has no end', async () => {
    const market = openMarket()
    const payer = payerLike(market.buyer, {
      pay: async () => ({ status: 'unknown' }),
      lookupPayment: async () => {
        throw new L402Error('NODE_UNAVAILABLE', { reason: 'silent' })
      },
    })
    const ledger = createMemoryLedger()
    const open = await serve({ market, payer, ledger })
    const text = await open.invoice()
    expect((await open.pay({ invoice: text })).body.isPaid).toBeNull()
    for (const policy of [{ allowInvoices: false }, { maxTotalMsat: '1 sat' }]) {
      const strict = await serve({ market, payer, ledger, policy })
      expect((await strict.pay({ invoice: text })).body.isPaid).toBeNull()
    }
    market.advance(700)
    expect((await open.pay({ invoice: text })).body.isPaid).toBeNull()
  })

  test('a wallet that certainly did not get the order is 503 and false', async () => {
    const market = openMarket()
    const payer = payerLike(market.buyer, {
      pay: async () => {
        throw new L402Error('NODE_UNAVAILABLE', { reason: 'down' })
      },
    })
    const { pay, invoice, get } = await serve({ market, payer })
    const text = await invoice()
    const answer = await pay({ invoice: text })
    expect(answer).toMatchObject({
      status: 503,
      body: { code: 'NODE_UNAVAILABLE', outcome: 'not_paid', isPaid: false },
    })
    expect(answer.headers['retry-after']).toBe('2')
    expect((await get(`/payments/${hashOf(text)}`)).body.isPaid).toBe(false)
  })

  test('a journal that cannot be used is 503 and null', async () => {
    const inner = createMemoryLedger()
    const ledger = {
      ...inner,
      find: async (): Promise<never> => {
        throw new L402Error('STORE_UNAVAILABLE', { reason: 'disk full' })
      },
    }
    const { pay, invoice, get } = await serve({ ledger })
    const text = await invoice()
    expect(await pay({ invoice: text })).toMatchObject({
      status: 503,
      body: { code: 'STORE_UNAVAILABLE', isPaid: null },
    })
    expect(await get(`/payments/${hashOf(text)}`)).toMatchObject({
      status: 503,
      body: { code: 'STORE_UNAVAILABLE', isPaid: null },
    })
  })
})

describe('R-WPX-7 an invoice is paid once', () => {
  test('50 orders of one invoice at once get one preimage for one payment', async () => {
    const { pay, invoice, market } = await serve()
    const text = await invoice(100n)
    const answers = await Promise.all(Array.from({ length: 50 }, () => pay({ invoice: text })))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200))
    expect(new Set(answers.map(({ body }) => body.paymentPreimage)).size).toBe(1)
    expect(answers.filter(({ body }) => !body.before)).toHaveLength(1)
    expect(market.spentMsat()).toBe(100_000n + BigInt(String(answers[0]?.body.feeMsat)))
  })

  test('also after it has expired, and after the policy was narrowed', async () => {
    const market = openMarket()
    const ledger = createMemoryLedger()
    const first = await serve({ market, ledger })
    const text = await first.invoice(100n)
    const { paymentPreimage } = (await first.pay({ invoice: text })).body
    market.advance(10_000)
    const second = await serve({ market, ledger, policy: { allowInvoices: false } })
    const before = market.spentMsat()
    const again = await second.pay({ invoice: text })
    expect(again.body).toMatchObject({ isPaid: true, before: true, paymentPreimage })
    expect(market.spentMsat()).toBe(before)
  })

  test('a program that leaves finds the preimage when it comes back', async () => {
    const market = openMarket()
    const called = deferred<void>()
    const gone = deferred<void>()
    const payer = payerLike(market.buyer, {
      pay: async (invoice, limits) => {
        called.resolve()
        await gone.promise
        return market.buyer.pay(invoice, limits)
      },
    })
    const { proxy, pay, invoice, get } = await serve({ market, payer })
    const text = await invoice()
    const [host = '', port] = proxy.address.split(':')
    const socket = connect(Number(port), host)
    const body = JSON.stringify({ invoice: text })
    socket.write(
      `POST /payinvoice HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    await called.promise
    expect((await get(`/payments/${hashOf(text)}`)).body.isPaid).toBeNull()
    await new Promise<void>((resolve) => socket.once('close', () => resolve()).destroy())
    gone.resolve()
    expect((await pay({ invoice: text })).body).toMatchObject({ isPaid: true, before: true })
  })
})

describe('R-WPX-9 a payment is looked up by its hash', () => {
  test('one that was never begun is 404, and names its hash', async () => {
    const { get } = await serve()
    const hash = 'ab'.repeat(32)
    const answer = await get(`/payments/${hash.toUpperCase()}`)
    expect(answer.status).toBe(404)
    expect(answer.body).toEqual({ isPaid: false, status: 'not-found', paymentHash: hash })
  })

  test('one that bought a token is not told', async () => {
    const market = openMarket()
    const ledger = createMemoryLedger()
    const { invoice, get } = await serve({ market, ledger })
    const text = await invoice()
    const { paymentHash, payee } = decodeInvoice(text)
    await ledger.begin(
      {
        paymentHash: encodeHex(paymentHash),
        origin: 'https://api.example.com',
        host: 'api.example.com',
        method: 'GET',
        url: 'https://api.example.com/x',
        target: 'GET /x',
        coverage: undefined,
        hasBody: false,
        scheme: 'L402',
        token: encodeHex(payee),
        invoice: text,
        amountMsat: 10_000n as never,
        maxFeeMsat: 0n as never,
        enforces: [],
        decidedBy: 'policy',
        createdAtSeconds: market.now(),
        leaseUntilSeconds: market.now() + 60,
        walletId: undefined,
        orderLagSeconds: undefined,
      },
      {
        maxTotalMsat: 1_000_000n as never,
        perHourMsat: undefined,
        perDayMsat: undefined,
        perHostMsat: undefined,
      },
    )
    const answer = await get(`/payments/${hashOf(text)}`)
    expect([answer.status, answer.body.code, answer.body.isPaid]).toEqual([
      403,
      'PROXY_OTHER_USE',
      null,
    ])
  })
})

describe('R-WPX-10 it takes no more than it can carry, and ends in order', () => {
  test('the 65th order at once is told to come again', async () => {
    const market = openMarket()
    const release = deferred<void>()
    const payer = payerLike(market.buyer, {
      pay: async (invoice, limits) => {
        await release.promise
        return market.buyer.pay(invoice, limits)
      },
    })
    const { pay, invoice, lines } = await serve({ market, payer })
    const invoices = await Promise.all(Array.from({ length: 65 }, () => invoice(1n)))
    const answers = invoices.map((text) => pay({ invoice: text }))
    const first = await Promise.race(answers)
    expect(first).toMatchObject({ status: 503, body: { code: 'PROXY_BUSY', isPaid: null } })
    expect(first.headers['retry-after']).toBe('2')
    release.resolve()
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(64)
    expect(lines).toHaveLength(64)
  })

  test('what is under way is finished and answered, and nothing more is begun', async () => {
    const market = openMarket()
    const called = deferred<void>()
    const release = deferred<void>()
    const payer = payerLike(market.buyer, {
      pay: async (invoice, limits): Promise<PaymentOutcome> => {
        called.resolve()
        await release.promise
        return market.buyer.pay(invoice, limits)
      },
    })
    const { pay, invoice, proxy } = await serve({ market, payer })
    const answer = pay({ invoice: await invoice() })
    await called.promise
    const closed = proxy.close()
    await expect(pay({ invoice: await invoice() })).rejects.toThrow('ECONNREFUSED')
    release.resolve()
    expect((await answer).body.isPaid).toBe(true)
    await closed
  })

  test('a connection that is kept open hears that it ends', async () => {
    const market = openMarket()
    const release = deferred<void>()
    const called = deferred<void>()
    const payer = payerLike(market.buyer, {
      pay: async (invoice, limits) => {
        called.resolve()
        await release.promise
        return market.buyer.pay(invoice, limits)
      },
    })
    const { pay, invoice, proxy } = await serve({ market, payer })
    const [host = '', port] = proxy.address.split(':')
    const socket = connect(Number(port), host)
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    // Half a request: its connection is not idle.
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n')
    const answer = pay({ invoice: await invoice() })
    await called.promise
    const closed = proxy.close()
    socket.write('\r\n')
    await new Promise<void>((resolve) => socket.once('end', () => resolve()))
    expect(text).toContain('PROXY_CLOSING')
    release.resolve()
    expect((await answer).body.isPaid).toBe(true)
    await closed
  })
})
