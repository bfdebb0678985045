import { describe, expect, test } from 'vitest'
import type { Stall } from '../../../test/adapters/stall.ts'
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
import { msat } from '../amount/index.ts'
import { decodeUtf8, encodeHex } from '../bytes/index.ts'
import { L402Error } from '../errors.ts'
import { decodeInvoice } from '../invoice/index.ts'
import { decodeIdentifier, enforcedConditions, parseChallenges } from '../l402/index.ts'
import { createDevnet } from '../lightning/devnet/index.ts'
import type { Payee } from '../lightning/index.ts'
import { decodeToken } from '../macaroon/index.ts'
import type { Gate, PaywallOptions, RefusalResponse } from './paywall.ts'

const forecast = { price: '10 sat', capability: 'forecast' } as const

async function challengeOf(
  gate: Gate,
  parts: Parameters<typeof request>[0] = {},
): Promise<RefusalResponse> {
  const response = refusalOf(await gate(request(parts)))
  if (response.status !== 402) throw new Error(response.body)
  return response
}
async function invoiceOf(gate: Gate, parts: Parameters<typeof request>[0] = {}): Promise<string> {
  return String(readBody(await challengeOf(gate, parts))['invoice'])
}
function caveatsOf(response: RefusalResponse): readonly string[] {
  const { unverifiedCaveats } = decodeToken(String(readBody(response)['token']))
  return unverifiedCaveats.map(({ identifier }) => decodeUtf8(identifier))
}

describe('R-SRV-8 a challenge is one line that every client understands', () => {
  const lines = async (legacyLsat?: PaywallOptions['legacyLsat']): Promise<readonly string[]> => {
    const stall = openStall(legacyLsat === undefined ? {} : { legacyLsat })
    return headerLines(await challengeOf(stall.paywall.charge(forecast)), 'www-authenticate')
  }

  test('and carries what the body carries', async () => {
    const response = await challengeOf(openStall().paywall.charge(forecast))
    const { token, invoice } = readBody(response)
    expect(headerLines(response, 'www-authenticate')).toEqual([
      `L402 macaroon="${token}", invoice="${invoice}", version="0", token="${token}"`,
    ])
    expect(response.headers[0]![0]).toBe('WWW-Authenticate')
  })

  test('a second one under the old name stands where it is wanted', async () => {
    const schemes = async (legacyLsat: PaywallOptions['legacyLsat'] & {}): Promise<string[]> =>
      (await lines(legacyLsat)).map((line) => line.split(' ')[0]!)
    expect(await schemes('off')).toEqual(['L402'])
    expect(await schemes('after')).toEqual(['L402', 'LSAT'])
    expect(await schemes('first')).toEqual(['LSAT', 'L402'])
    const [first, second] = parseChallenges(await lines('first'))
    expect(second).toMatchObject({ scheme: 'L402' })
    const { token, invoice } = second as { token: string; invoice: string }
    expect(first).toMatchObject({ scheme: 'LSAT', token, invoice })
  })
})

describe('R-SRV-9 the body of a challenge says what is asked and how to go on', () => {
  test('in these members', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({
      ...forecast,
      price: '1.5 sat',
      uses: 3,
      lifetimeSeconds: 60,
    })
    const response = await challengeOf(gate)
    const body = readBody(response)
    const invoice = decodeInvoice(String(body['invoice']))
    expect(body).toEqual({
      type: 'urn:satway:problem:access-payment-required',
      title: 'Payment Required',
      status: 402,
      detail: 'Pay the invoice of the challenge to use this resource.',
      code: 'ACCESS_PAYMENT_REQUIRED',
      hint: expect.stringContaining('Pay the invoice'),
      version: '0',
      token: expect.any(String),
      macaroon: body['token'],
      invoice: invoice.text,
      payment_hash: encodeHex(invoice.paymentHash),
      amount_msat: 1500,
      price: 2,
      priceSats: 2,
      price_sats: 2,
      unit: 'satoshis',
      expires_at: new Date((stall.clock.seconds + 600) * 1000).toISOString(),
      service: 'weather',
      capability: 'forecast',
      lifetime_seconds: 60,
      uses: 3,
      caveats: enforcedConditions('weather'),
    })
  })
})

describe('R-SRV-30 S4 invoice and token agree', () => {
  test('in hash, amount and everything that was quoted', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({
      ...forecast,
      price: ({ path }) => `${path.length} sat`,
      tier: 1,
      uses: 3,
    })
    const response = await challengeOf(gate, { target: '/forecast?x=1' })
    const { invoice: text, token, payment_hash } = readBody(response)
    const invoice = decodeInvoice(String(text))
    const macaroon = decodeToken(String(token))
    const { paymentHash, tokenId } = decodeIdentifier(macaroon.identifier)
    expect(encodeHex(paymentHash)).toBe(encodeHex(invoice.paymentHash))
    expect(payment_hash).toBe(encodeHex(paymentHash))
    expect(tokenId[0]).toBe(stall.keys.newestKid)
    expect(invoice).toMatchObject({
      amountMsat: 9000n,
      network: 'regtest',
      description: 'L402 weather forecast',
      expirySeconds: 600,
    })
    expect(caveatsOf(response)).toEqual([
      'services=weather:1',
      'weather_capabilities=forecast',
      `weather_valid_until=${stall.clock.seconds + 600 + 3600}`,
      'weather_uses=3',
      expect.stringMatching(/^weather_scope=[\da-f]{32}$/),
      'weather_amount_msat=9000',
    ])
  })

  test('no token id is made twice, and the text of the invoice can be chosen', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ ...forecast, description: 'Weather for Utsjoki' })
    const ids = new Set<string>()
    for (let i = 0; i < 5; i++) {
      const body = readBody(await challengeOf(gate, { clientAddress: `192.0.2.${i}` }))
      expect(decodeInvoice(String(body['invoice'])).description).toBe('Weather for Utsjoki')
      ids.add(encodeHex(decodeToken(String(body['token'])).identifier))
    }
    expect(ids.size).toBe(5)
  })

  test('R-SRV-17 a token opens what its price was made of, and nothing else at that price', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({
      ...forecast,
      price: ({ query }) => (query('size') === 'large' ? '100 sat' : '10 sat'),
    })
    const at = (target: string): { target: string } => ({ target })
    const small = await stall.buy(gate, at('/forecast?size=small'))
    const ask = async (target: string): Promise<string> => {
      const decision = await gate(paidRequest(small.authorization, at(target)))
      return decision.status === 'admitted' ? 'admitted' : refusedWith(decision)
    }
    expect(await ask('/forecast?size=small')).toBe('admitted')
    expect(await ask('/other?x=1&size=small')).toBe('admitted')
    expect(await ask('/forecast?size=medium')).toBe('402 ACCESS_OTHER_RESOURCE')
    expect(await ask('/forecast?size=large')).toBe('402 ACCESS_OTHER_RESOURCE')
    expect(await ask('/forecast')).toBe('402 ACCESS_OTHER_RESOURCE')
    expect(await ask('/forecast?size=small&size=large')).toBe('400 REQUEST_AMBIGUOUS')
  })

  test('nothing of the request reaches the payee', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    const target = '/forecast?amount=1&paymentHash=00'
    const body = readBody(await challengeOf(gate, { target, headers: { 'x-amount': '1' } }))
    expect(body['amount_msat']).toBe(10_000)
  })
})

describe('R-SRV-31 an invoice that cannot be sold is not sold', () => {
  const devnet = createDevnet({ now: () => 1_800_000_000 })
  const node = devnet.addNode('other', { balanceMsat: msat(0n) })
  const one = node.createInvoice({ amountMsat: msat(10_000n), description: '', expirySeconds: 600 })
  const withInvoice = (
    make: Payee['createInvoice'],
    network: Payee['network'] = 'regtest',
  ): Stall =>
    openStall({
      payee: {
        network,
        createInvoice: make,
        lookupInvoice: node.lookupInvoice,
        settlements: node.settlements,
      },
    })

  for (const [what, stall] of [
    ['no invoice', withInvoice(async () => ({ invoice: 'hello' }))],
    ['no text', withInvoice(async () => ({}) as { invoice: string })],
    [
      'another amount',
      withInvoice((order) => node.createInvoice({ ...order, amountMsat: msat(9_999n) })),
    ],
    ['another network', withInvoice((order) => node.createInvoice(order), 'bitcoin')],
    [
      'an expired one',
      withInvoice((order) =>
        createDevnet({ now: () => 1_700_000_000 })
          .addNode('late', { balanceMsat: msat(0n) })
          .createInvoice(order),
      ),
    ],
    ['an error of its own', withInvoice(() => Promise.reject(new RangeError('amount')))],
    [
      'no answer',
      withInvoice(() => Promise.reject(new L402Error('NODE_UNAVAILABLE', { reason: 'down' }))),
    ],
  ] as const) {
    test(`${what}: 503, and the operator is told`, async () => {
      const decision = await stall.paywall.charge(forecast)(request())
      expect(refusedWith(decision)).toBe('503 NODE_UNAVAILABLE')
      expect(headerLines(refusalOf(decision), 'retry-after')).toEqual(['5'])
      expect(stall.told.filter(({ name }) => name === 'failure')).toMatchObject([
        { event: { part: 'payee', code: 'NODE_UNAVAILABLE' } },
      ])
    })
  }

  test('one that was used before: 503', async () => {
    const stall = withInvoice(() => one)
    const gate = stall.paywall.charge(forecast)
    await challengeOf(gate)
    expect(refusedWith(await gate(request({ clientAddress: '198.51.100.1' })))).toBe(
      '503 NODE_UNAVAILABLE',
    )
  })
})

describe('R-SRV-32 whoever pays in the last second gets the whole time', () => {
  test('that was sold', async () => {
    const stall = openStall({ challengeSeconds: 100 })
    const gate = stall.paywall.charge({ ...forecast, lifetimeSeconds: 10 })
    const response = await challengeOf(gate)
    stall.clock.seconds += 99
    const { authorization } = await stall.pay(response)
    stall.clock.seconds += 10
    admissionOf(await gate(paidRequest(authorization)))
    stall.clock.seconds += 1
    expect(refusedWith(await gate(paidRequest(authorization)))).toBe('402 ACCESS_EXPIRED')
  })
})

describe('R-SRV-33 an open challenge is handed out again', () => {
  test('to the same client for the same thing, and to nobody else', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ ...forecast, price: ({ path }) => `${path.length} sat` })
    const other = stall.paywall.charge({ price: '9 sat', capability: 'history' })
    const first = await invoiceOf(gate)
    expect(await invoiceOf(gate)).toBe(first)
    expect(await invoiceOf(gate, { method: 'POST' })).toBe(first)
    const others = [
      await invoiceOf(gate, { clientAddress: '192.0.2.2' }),
      await invoiceOf(gate, { target: '/somewhere' }),
      await invoiceOf(gate, { target: '/prognose' }),
      await invoiceOf(other),
    ]
    expect(new Set([first, ...others]).size).toBe(5)
    expect(stall.invoices()).toBe(5)
    expect(
      stall.told.filter(({ name }) => name === 'challenge').map(({ event }) => event),
    ).toMatchObject([false, true, true, false, false, false, false].map((reused) => ({ reused })))
  })

  test('to nobody when clients cannot be told apart', async () => {
    const gate = openStall().paywall.charge(forecast)
    const parts = { clientAddress: undefined }
    expect(await invoiceOf(gate, parts)).not.toBe(await invoiceOf(gate, parts))
  })

  test('to nobody where uses are limited: of two behind one address, one could use up what the other pays for', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ ...forecast, uses: 5 })
    const invoices = await Promise.all(Array.from({ length: 10 }, () => invoiceOf(gate)))
    expect(new Set(invoices).size).toBe(10)
    expect(new Set([...invoices, await invoiceOf(gate)]).size).toBe(11)
  })

  test('R-SRV-36 so one client gets 60 of a limited sale at once, and then 429', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ ...forecast, uses: 5 })
    for (let i = 0; i < 60; i++) await challengeOf(gate)
    expect(refusedWith(await gate(request()))).toBe('429 REQUEST_RATE_LIMITED')
    stall.clock.seconds += 1
    await challengeOf(gate)
    expect(refusedWith(await gate(request()))).toBe('429 REQUEST_RATE_LIMITED')
  })

  test('while more than a fifth of its life is left', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    const first = await invoiceOf(gate)
    stall.clock.seconds += 480
    expect(await invoiceOf(gate)).toBe(first)
    stall.clock.seconds += 1
    expect(await invoiceOf(gate)).not.toBe(first)
  })

  test('until its payment is seen in the stream of settlements', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    const response = await challengeOf(gate)
    await stall.pay(response)
    await settled(stall, 1)
    expect(await invoiceOf(gate)).not.toBe(readBody(response)['invoice'])
    await stall.paywall.close()
  })

  test('until its credential is used, where the stream says nothing', async () => {
    const silent = { ...createDevnet({ now: () => 1_800_000_000 }) }
    const seller = silent.addNode('seller', { balanceMsat: msat(0n) })
    const buyer = silent.addNode('buyer', { balanceMsat: msat(100_000_000n) })
    const stall = openStall({
      payee: {
        ...seller,
        settlements: () => ({
          [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
        }),
      },
    })
    const gate = stall.paywall.charge(forecast)
    const first = await challengeOf(gate)
    const { invoice, token } = readBody(first)
    const outcome = await buyer.pay(decodeInvoice(String(invoice)), { maxFeeMsat: msat(100_000n) })
    if (outcome.status !== 'settled') throw new Error(outcome.status)
    expect(await invoiceOf(gate)).toBe(invoice)
    admissionOf(await gate(paidRequest(`L402 ${token}:${encodeHex(outcome.preimage)}`)))
    expect(await invoiceOf(gate)).not.toBe(invoice)
    // Such a payee does not keep the paywall from closing either.
    await stall.paywall.close()
  })
})

/** Waits until so many settlements were told. */
async function settled(stall: Stall, count: number): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (stall.told.filter(({ name }) => name === 'settled').length >= count) return
    await new Promise(setImmediate)
  }
  throw new Error('no settlement was told')
}

describe('R-SRV-34 a client that asks twice at once gets one challenge', () => {
  test('however many times', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    const invoices = await Promise.all(Array.from({ length: 50 }, () => invoiceOf(gate)))
    expect([new Set(invoices).size, stall.invoices()]).toEqual([1, 1])
  })

  test('and asks anew after one that failed', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    stall.seller.setReachable(false)
    const failed = await Promise.all(Array.from({ length: 3 }, () => gate(request())))
    expect(failed.map(refusedWith)).toEqual(Array.from({ length: 3 }, () => '503 NODE_UNAVAILABLE'))
    expect(stall.invoices()).toBe(1)
    stall.seller.setReachable(true)
    await challengeOf(gate)
  })
})

describe('R-SRV-35 S5 what nobody paid for is not kept', () => {
  test('a flood leaves the stores untouched and 10 000 challenges at most', async () => {
    let asked = 0
    const stall = openStall({
      issuance: { burst: 1_000_000, globalBurst: 1_000_000 },
      uses: {
        reserve: async () => ({ reserved: String(asked++) }),
        commit: async () => void asked++,
        release: async () => void asked++,
      },
      denyList: { isDenied: () => asked++ < 0 },
    })
    const gate = stall.paywall.charge(forecast)
    const first = await invoiceOf(gate, { clientAddress: '192.0.2.1' })
    for (let i = 0; i < 10_000; i++) {
      if (i === 9_000) await invoiceOf(gate, { clientAddress: '192.0.2.2' })
      await invoiceOf(gate, { clientAddress: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` })
    }
    expect(asked).toBe(0)
    expect(stall.invoices()).toBe(10_002)
    await invoiceOf(gate, { clientAddress: '192.0.2.2' })
    expect(stall.invoices()).toBe(10_002)
    expect(await invoiceOf(gate, { clientAddress: '192.0.2.1' })).not.toBe(first)
  }, 120_000)
})

describe('R-SRV-36 a client network is not given challenges without end', () => {
  test('429 says when to come back', async () => {
    const stall = openStall({ issuance: { burst: 3, perMinute: 6 } })
    const gate = stall.paywall.charge(forecast)
    for (let i = 0; i < 3; i++) await challengeOf(gate, { clientAddress: `192.0.2.${i}` })
    const decision = await gate(request({ clientAddress: '192.0.2.77' }))
    expect(refusedWith(decision)).toBe('429 REQUEST_RATE_LIMITED')
    expect(headerLines(refusalOf(decision), 'retry-after')).toEqual(['10'])
    expect(headerLines(refusalOf(decision), 'www-authenticate')).toEqual([])
    // What is open is handed out again all the same, and other networks are not held up.
    await challengeOf(gate, { clientAddress: '192.0.2.1' })
    await challengeOf(gate, { clientAddress: '198.51.100.1' })
    stall.clock.seconds += 10
    await challengeOf(gate, { clientAddress: '192.0.2.77' })
  })
})

describe('R-SRV-38 what is paid passes while issuing is at its limits', () => {
  test('at both of them', async () => {
    let hang = false
    const stall = openStall({
      issuance: { burst: 2, perMinute: 1, concurrent: 1, queue: 0, timeoutMs: 60_000 },
    })
    const slow = openStall({
      keys: stall.keys,
      issuance: { burst: 1000, concurrent: 1, queue: 0, timeoutMs: 300 },
      payee: {
        ...stall.seller,
        createInvoice: (order) =>
          hang ? new Promise(() => undefined) : stall.seller.createInvoice(order),
      },
    })
    const limited = stall.paywall.charge(forecast)
    const bought = await stall.buy(limited)
    await challengeOf(limited, { clientAddress: '192.0.2.8' })
    expect(refusedWith(await limited(request({ clientAddress: '192.0.2.9' })))).toBe(
      '429 REQUEST_RATE_LIMITED',
    )
    admissionOf(await limited(paidRequest(bought.authorization, { clientAddress: '192.0.2.9' })))

    const gate = slow.paywall.charge(forecast)
    hang = true
    const stuck = gate(request())
    await Promise.resolve()
    expect(refusedWith(await gate(request({ clientAddress: '192.0.2.50' })))).toBe(
      '503 REQUEST_OVERLOADED',
    )
    admissionOf(await gate(paidRequest(bought.authorization)))
    expect(refusedWith(await stuck)).toBe('503 NODE_UNAVAILABLE')
  })
})

describe('R-SRV-39 the payee is followed', () => {
  test('from the first challenge on, until the paywall is closed', async () => {
    let streams = 0
    const stall = openStall()
    const counting = openStall({
      payee: {
        ...stall.seller,
        settlements: (signal) => {
          streams++
          return stall.seller.settlements(signal)
        },
      },
    })
    const gate = counting.paywall.charge(forecast)
    expect(streams).toBe(0)
    await challengeOf(gate)
    await challengeOf(gate, { clientAddress: '192.0.2.7' })
    expect(streams).toBe(1)
    await counting.paywall.close()
    await challengeOf(gate, { clientAddress: '192.0.2.8' })
    expect(streams).toBe(1)
  })

  test('and every settlement is told, with what was sold', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    const { paymentHash } = await stall.buy(gate)
    const foreign = await stall.seller.createInvoice({
      amountMsat: msat(5000n),
      description: '',
      expirySeconds: 60,
    })
    await stall.buyer.pay(decodeInvoice(foreign.invoice), { maxFeeMsat: msat(100_000n) })
    await settled(stall, 2)
    expect(stall.told.filter(({ name }) => name === 'settled').map(({ event }) => event)).toEqual([
      {
        paymentHash,
        amountMsat: 10_000n,
        settledAtSeconds: stall.clock.seconds,
        capability: 'forecast',
      },
      expect.objectContaining({ amountMsat: 5000n, capability: undefined }),
    ])
    await stall.paywall.close()
  })

  test('a stream that breaks is told, and no challenge from before it is handed out', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    const first = await invoiceOf(gate)
    stall.seller.setReachable(false)
    await new Promise(setImmediate)
    expect(stall.told.at(-1)).toMatchObject({ name: 'failure', event: { part: 'payee' } })
    stall.seller.setReachable(true)
    expect(await invoiceOf(gate)).not.toBe(first)
    await stall.paywall.close()
  })
})
