import { bech32 } from '@scure/base'
import { describe, expect, test } from 'vitest'
import type { Msat } from '../../library/src/amount/index.ts'
import { satToMsat } from '../../library/src/amount/index.ts'
import { encodeHex, sha256 } from '../../library/src/bytes/index.ts'
import type { CallLimitOptions, PolicyOptions } from '../../library/src/client/index.ts'
import { createMemoryLedger } from '../../library/src/client/index.ts'
import type { InvoiceRequest } from '../../library/src/invoice/index.ts'
import { decodeInvoice, encodeInvoice, paymentHash } from '../../library/src/invoice/index.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import type { Arrived, Reply, Seller } from './seller.ts'
import { startSeller } from './seller.ts'

const nowSeconds = 1_900_000_000
const otherKey = sha256(Buffer.from('another node'))

type Case = {
  readonly name: string
  readonly demand: (seller: Seller) => Promise<Reply>
  readonly throws: { readonly code: string; readonly [detail: string]: unknown }
  readonly policy?: Partial<PolicyOptions>
  readonly limits?: CallLimitOptions
}

/** A challenge line around a token that fits its invoice unless the invoice is replaced. */
async function line(
  seller: Seller,
  change: (invoice: string) => Readonly<Record<string, string>>,
): Promise<Reply> {
  const { token, invoice: real } = await seller.sell()
  const parts = { token, invoice: real, macaroon: token, ...change(real) }
  return challenge(
    Object.entries(parts)
      .map(([name, value]) => `${name}="${value}"`)
      .join(', '),
  )
}

function challenge(parameters: string, status = 402): Reply {
  return { status, headers: { 'www-authenticate': `L402 ${parameters}` } }
}

function invoice(change: Partial<InvoiceRequest>): string {
  const request: InvoiceRequest = {
    network: 'regtest',
    amountMsat: satToMsat(10n),
    timestampSeconds: nowSeconds,
    paymentHash: paymentHash(sha256(Buffer.from('some preimage'))),
    paymentSecret: sha256(Buffer.from('some secret')),
    description: 'made by hand',
    ...change,
  }
  return encodeInvoice(request, otherKey)
}

/** An opaque token with an invoice of our making. */
function opaque(change: Partial<InvoiceRequest>): Case['demand'] {
  return async () => challenge(`token="opaque.token", invoice="${invoice(change)}"`)
}

const cases: readonly Case[] = [
  {
    name: 'R-PAY-14 the token commits to another hash than the invoice',
    demand: (seller) => line(seller, () => ({ invoice: invoice({}) })),
    throws: { code: 'CHALLENGE_MISMATCH' },
  },
  {
    name: 'R-PAY-11 the token is there twice and differs',
    demand: (seller) => line(seller, () => ({ macaroon: 'AgEE' })),
    throws: { code: 'CHALLENGE_MALFORMED' },
  },
  {
    name: 'R-PAY-11 the invoice is there twice and differs',
    demand: async (seller) => {
      const { token, invoice: real } = await seller.sell()
      return challenge(`token="${token}", invoice="${real}", invoice="${invoice({})}"`)
    },
    throws: { code: 'CHALLENGE_MALFORMED' },
  },
  {
    name: 'R-PAY-11 there is no invoice',
    demand: async (seller) => challenge(`token="${(await seller.sell()).token}"`),
    throws: { code: 'CHALLENGE_MALFORMED' },
  },
  {
    name: 'R-PAY-11 the version is not 0',
    demand: (seller) => line(seller, () => ({ version: '1' })),
    throws: { code: 'CHALLENGE_UNSUPPORTED', version: '1' },
  },
  {
    name: 'R-PAY-12 one letter of the invoice is another one',
    demand: (seller) =>
      line(seller, (text) => ({
        invoice: text.slice(0, 40) + (text[40] === 'q' ? 'p' : 'q') + text.slice(41),
      })),
    throws: { code: 'INVOICE_CHECKSUM' },
  },
  {
    name: 'R-PAY-12 the invoice is for another network',
    demand: opaque({ network: 'bitcoin' }),
    throws: { code: 'INVOICE_NETWORK', invoice: 'bitcoin', payer: 'regtest' },
  },
  {
    name: 'R-PAY-12 the invoice is for signet',
    demand: opaque({ network: 'signet', amountMsat: satToMsat(1n) }),
    throws: { code: 'INVOICE_NETWORK', invoice: 'signet' },
  },
  {
    name: 'R-PAY-12 the invoice needs a feature nobody knows',
    demand: opaque({ featureBits: [8, 14, 200] }),
    throws: { code: 'INVOICE_FEATURE' },
  },
  {
    name: 'R-PAY-13 the invoice has no amount',
    demand: opaque({ amountMsat: undefined }),
    throws: { code: 'INVOICE_AMOUNT', reason: 'missing' },
  },
  {
    name: 'R-PAY-13 the amount is zero',
    demand: async () => {
      const { words } = bech32.decode(invoice({}) as `${string}1${string}`, false)
      return challenge(`token="opaque.token", invoice="${bech32.encode('lnbcrt0n', words, false)}"`)
    },
    throws: { code: 'INVOICE_AMOUNT' },
  },
  {
    name: 'R-PAY-16 the amount is a whole coin, written without a multiplier',
    demand: opaque({ amountMsat: satToMsat(100_000_000n) }),
    throws: {
      code: 'BUDGET_EXCEEDED',
      limit: 'per-payment',
      amountMsat: '100000000000',
      limitMsat: '1000000',
    },
  },
  {
    name: 'R-PAY-16 the amount is one msat more than the policy allows',
    demand: opaque({ amountMsat: (satToMsat(1000n) + 1n) as Msat }),
    throws: { code: 'BUDGET_EXCEEDED', limit: 'per-payment' },
  },
  {
    name: 'R-PAY-16 the amount is more than the call allows',
    demand: (seller) => seller.demand(),
    limits: { maxCostMsat: '9.999 sat' },
    throws: { code: 'BUDGET_EXCEEDED', limit: 'per-call' },
  },
  {
    name: 'R-PAY-16 the amount is more than the price that somebody named',
    demand: (seller) => seller.demand(),
    limits: { expectedPriceMsat: '9 sat' },
    throws: { code: 'BUDGET_EXCEEDED', limit: 'expected-price' },
  },
  {
    name: 'R-PAY-15 the invoice has expired',
    demand: opaque({ timestampSeconds: nowSeconds - 3600, expirySeconds: 3600 }),
    throws: { code: 'INVOICE_EXPIRED', leftSeconds: 0 },
  },
  {
    name: 'R-PAY-15 the invoice expires in nine seconds',
    demand: opaque({ expirySeconds: 9 }),
    throws: { code: 'INVOICE_EXPIRED', leftSeconds: 9 },
  },
  {
    name: 'R-PAY-15 the invoice is valid for a year',
    demand: opaque({ expirySeconds: 31_536_000 }),
    throws: { code: 'POLICY_REFUSED', reason: 'expiry' },
  },
  {
    name: 'R-PAY-15 the invoice is from the far future',
    demand: opaque({ timestampSeconds: nowSeconds + 31_536_000 }),
    throws: { code: 'POLICY_REFUSED', reason: 'expiry' },
  },
  {
    name: 'R-PAY-14 the token is opaque, and the policy wants to read it',
    demand: opaque({}),
    policy: { allowOpaqueTokens: false },
    throws: { code: 'POLICY_REFUSED', reason: 'opaque-token' },
  },
  {
    name: 'R-PAY-18 another key signed the invoice than the policy names',
    demand: (seller) => seller.demand(),
    policy: { payees: [`02${'11'.repeat(32)}`] },
    throws: { code: 'POLICY_REFUSED', reason: 'payee' },
  },
  {
    name: 'R-PAY-21 the host is denied',
    demand: (seller) => seller.demand(),
    policy: { denyHosts: ['127.0.0.1'], allowHosts: ['127.0.0.1'] },
    throws: { code: 'POLICY_REFUSED', reason: 'host' },
  },
  {
    name: 'R-PAY-21 the host is not among those allowed',
    demand: (seller) => seller.demand(),
    policy: { allowHosts: ['*.example.com', 'example.com', '127.0.0.1:1'] },
    throws: { code: 'POLICY_REFUSED', reason: 'host' },
  },
  {
    name: 'R-PAY-23 whoever is asked says something that is not yes',
    demand: (seller) => seller.demand(),
    policy: { approve: async () => 'yes' as unknown as boolean },
    throws: { code: 'POLICY_REFUSED', reason: 'declined' },
  },
  {
    name: 'R-PAY-23 whoever is asked throws',
    demand: (seller) => seller.demand(),
    policy: {
      approve: () => {
        throw new Error('no terminal')
      },
    },
    throws: { code: 'POLICY_REFUSED', reason: 'declined' },
  },
  {
    name: 'R-PAY-27 the call says not to pay',
    demand: (seller) => seller.demand(),
    limits: { pay: false },
    throws: { code: 'POLICY_REFUSED', reason: 'no-pay' },
  },
]

describe('nothing is paid, and the refusal says why, when', () => {
  for (const { name, demand, throws, policy, limits } of cases) {
    test(name, async () => {
      const market = openMarket()
      const seller = await startSeller({ ...market, answer: (_, by) => demand(by) })
      const client = market.client({ policy: { ...openPolicy, ...policy } })

      const thrown = await thrownBy(
        client.fetch(`${seller.origin}/data`, limits === undefined ? {} : { l402: limits }),
      )

      expect({ code: thrown.code, ...thrown.details }).toMatchObject(throws)
      expect(client.outcomeOf(thrown.error)).toBe('refused')
      expect(market.spentMsat()).toBe(0n)
      expect(market.devnet.totalMsat()).toBe(satToMsat(2_000_000n))
    })
  }

  test('R-PAY-27 there is no payer', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client({ payer: undefined as never })
    const { code, details } = await thrownBy(client.fetch(`${seller.origin}/data`))
    expect([code, details['reason']]).toEqual(['POLICY_REFUSED', 'no-payer'])
    expect(await (await client.fetch(`${seller.origin}/free`)).text()).toBe('free')
  })
})

describe('R-PAY-3 only status 402 asks for payment', () => {
  const answers: readonly (readonly [string, (seller: Seller) => Promise<Reply>])[] = [
    ['401 with a challenge', async (by) => ({ ...(await by.demand()), status: 401 })],
    ['200 with a challenge', async (by) => ({ ...(await by.demand()), status: 200 })],
    ['403 with a challenge', async (by) => ({ ...(await by.demand()), status: 403 })],
    ['503 with a challenge', async (by) => ({ ...(await by.demand()), status: 503 })],
    [
      '401 Basic with an invoice in it',
      async (by) => ({
        status: 401,
        headers: {
          'www-authenticate': `Basic realm="x", invoice="${(await by.sell()).invoice}"`,
        },
      }),
    ],
    [
      '402 Basic with a challenge inside its realm',
      async (by) => {
        const { token, invoice: real } = await by.sell()
        const inside = `L402 token=\\"${token}\\", invoice=\\"${real}\\"`
        return { status: 402, headers: { 'www-authenticate': `Basic realm="${inside}"` } }
      },
    ],
    ['402 without a challenge', async () => ({ status: 402, body: 'card, please' })],
    [
      '402 Bearer',
      async () => ({ status: 402, headers: { 'www-authenticate': 'Bearer realm="x"' } }),
    ],
    [
      '402 with a Payment challenge alone',
      async (by) => ({
        status: 402,
        headers: {
          'www-authenticate': `Payment id="x", method="lightning", intent="charge", request="${Buffer.from(
            JSON.stringify({ amount: '1', invoice: (await by.sell()).invoice }),
          ).toString('base64url')}"`,
        },
      }),
    ],
    [
      '402 with a challenge in the body alone',
      async (by) => ({ status: 402, body: JSON.stringify({ ...(await by.sell()), priceSats: 1 }) }),
    ],
  ]
  for (const [name, answer] of answers) {
    test(name, async () => {
      const market = openMarket()
      const seller = await startSeller({
        ...market,
        answer: async (_, by) => ({ body: 'as it came', ...(await answer(by)) }),
      })
      const client = market.client()
      const response = await client.fetch(`${seller.origin}/data`)
      expect(response.status).toBeGreaterThanOrEqual(200)
      expect((await response.text()).length).toBeGreaterThan(0)
      expect(client.outcomeOf(response)).toBe('not_paid')
      expect(seller.arrived.length).toBe(1)
      expect(market.spentMsat()).toBe(0n)
    })
  }
})

describe('R-PAY-10 among several challenges', () => {
  const pays = async (
    answer: (by: Seller) => Promise<string | readonly string[]>,
    capability = 'data',
  ): Promise<{ readonly paidMsat: bigint; readonly seller: Seller }> => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: async (request: Arrived, by) => {
        if (by.isPaid(request, capability, 1n)) return { body: 'paid' }
        return { status: 402, headers: { 'www-authenticate': await answer(by) } }
      },
    })
    const client = market.client()
    const response = await client.fetch(`${seller.origin}/data`)
    expect(response.status).toBe(200)
    return { paidMsat: client.purchaseOf(response)!.amountMsat, seller }
  }
  const l402 = async (by: Seller, sat: bigint, scheme = 'L402'): Promise<string> => {
    const { token, invoice: real } = await by.sell({ sat })
    return `${scheme} macaroon="${token}", invoice="${real}"`
  }

  test('the cheapest is paid, on one line or on several', async () => {
    expect(
      (await pays(async (by) => [await l402(by, 30n), await l402(by, 10n), await l402(by, 20n)]))
        .paidMsat,
    ).toBe(10_000n)
    expect(
      (await pays(async (by) => `${await l402(by, 30n)}, ${await l402(by, 10n)}`)).paidMsat,
    ).toBe(10_000n)
  })

  test('one that is cheaper but not in order is passed over', async () => {
    const broken = `L402 token="opaque", invoice="${invoice({ network: 'bitcoin', amountMsat: satToMsat(1n) })}"`
    expect((await pays(async (by) => [broken, await l402(by, 10n)])).paidMsat).toBe(10_000n)
  })

  test('other schemes beside it change nothing, before or after', async () => {
    const payment = 'Payment id="x", realm="r", method="lightning", request="e30"'
    const basic = 'Basic realm="a, L402 b"'
    for (const order of [0, 1, 2] as const) {
      const { paidMsat } = await pays(async (by) => {
        const others = [payment, basic]
        return others.toSpliced(order, 0, await l402(by, 10n))
      })
      expect(paidMsat).toBe(10_000n)
    }
  })

  test('at one price L402 comes before LSAT', async () => {
    const { seller } = await pays(async (by) => {
      const { token, invoice: real } = await by.sell()
      return ['LSAT', 'L402'].map((scheme) => `${scheme} macaroon="${token}", invoice="${real}"`)
    })
    expect(seller.arrived.at(-1)!.headers.authorization).toMatch(/^L402 /)
  })
})

describe('the price', () => {
  test('R-PAY-5 is never what the body says', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: async (_, by) => ({
        ...(await by.demand({ sat: 900n })),
        body: JSON.stringify({ price: 1, priceSats: 1, price_sats: 1, amount: 1 }),
      }),
    })
    const { code } = await thrownBy(
      market.client().fetch(seller.origin, { l402: { maxCostMsat: '100 sat' } }),
    )
    expect(code).toBe('BUDGET_EXCEEDED')
    expect(market.spentMsat()).toBe(0n)
  })

  test('R-PAY-17 the fee ceiling is what all limits leave', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const ceilings = new Map<string, bigint>()
    const ask = async (
      name: string,
      policy: Partial<PolicyOptions>,
      limits: CallLimitOptions = {},
      sat = 10n,
    ): Promise<void> => {
      const client = market.client({
        policy: {
          ...openPolicy,
          ...policy,
          approve: ({ maxFeeMsat }) => {
            ceilings.set(name, maxFeeMsat)
            return false
          },
        },
      })
      const shop =
        sat === 10n
          ? seller
          : await startSeller({ ...market, answer: (_, by) => by.demand({ sat }) })
      await thrownBy(client.fetch(`${shop.origin}/data`, { l402: limits }))
    }
    await ask('default, small', {})
    await ask('default, large', {}, {}, 900n)
    await ask('policy', { maxFeeMsat: '2 sat' })
    await ask('call', {}, { maxFeeMsat: '1 sat' })
    await ask('call wider than policy', { maxFeeMsat: '2 sat' }, { maxFeeMsat: '50 sat' })
    await ask('left by the limit per payment', { maxPaymentMsat: '10.5 sat' })
    await ask('left by the limit of the call', {}, { maxCostMsat: '10.25 sat' })
    await ask('none left', { maxPaymentMsat: '10 sat' })
    expect(Object.fromEntries(ceilings)).toEqual({
      'default, small': 5000n,
      'default, large': 9000n,
      policy: 2000n,
      call: 1000n,
      'call wider than policy': 2000n,
      'left by the limit per payment': 500n,
      'left by the limit of the call': 250n,
      'none left': 0n,
    })
  })

  test('R-PAY-17 a route that takes more than the ceiling is not taken', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    const { code, details, error } = await thrownBy(
      client.fetch(`${seller.origin}/data`, { l402: { maxFeeMsat: '1 sat' } }),
    )
    expect([code, details['reason']]).toEqual(['PAYMENT_FAILED', 'fee-limit'])
    expect(client.outcomeOf(error)).toBe('not_paid')
    expect(market.spentMsat()).toBe(0n)
  })
})

test('R-PAY-23 approve is told what is about to be paid, once, with the words of the payee cut', async () => {
  const market = openMarket()
  const seller = await startSeller(market)
  const asked: unknown[] = []
  const client = market.client({
    policy: {
      ...openPolicy,
      approve: (proposal) => {
        asked.push(proposal)
        return true
      },
    },
  })
  await client.fetch(`${seller.origin}/data?q=1#part`, { method: 'POST', body: 'x' })
  expect(asked).toEqual([
    {
      askedBecause: 'always',
      origin: seller.origin,
      method: 'POST',
      url: `${seller.origin}/data?q=1`,
      bodySha256: encodeHex(sha256(Buffer.from('x'))),
      bodyBytes: 1,
      amountMsat: 10_000n,
      maxFeeMsat: 5000n,
      payee: encodeHex(decodeInvoice(seller.sold[0]!.invoice).payee),
      paymentHash: encodeHex(seller.sold[0]!.paymentHash),
      description: 'shop data',
      capability: 'data',
    },
  ])
})

test('R-PAY-15 a challenge that expired while somebody was asked is not paid', async () => {
  const market = openMarket()
  const seller = await startSeller(market)
  const client = market.client({
    policy: {
      ...openPolicy,
      approve: () => {
        market.advance(591)
        return true
      },
    },
  })
  const { code } = await thrownBy(client.fetch(`${seller.origin}/data`))
  expect(code).toBe('INVOICE_EXPIRED')
  expect(market.spentMsat()).toBe(0n)
})

test('R-PAY-19 an invoice that was paid at a relay is not paid at its own shop, nor sent there', async () => {
  const market = openMarket()
  const honest = await startSeller(market)
  const sold = await honest.sell()
  const line = `token="${sold.token}", invoice="${sold.invoice}"`
  const relay = await startSeller({ ...market, answer: async () => challenge(line) })
  const shop = await startSeller({ ...market, answer: async () => challenge(line) })
  const client = market.client()
  expect((await thrownBy(client.fetch(relay.origin))).code).toBe('PAYMENT_NOT_DELIVERED')

  const { code, details } = await thrownBy(client.fetch(shop.origin))

  expect([code, details['reason']]).toEqual(['POLICY_REFUSED', 'other-origin'])
  expect(shop.arrived.map(({ headers }) => headers.authorization)).toEqual([undefined])
  expect(market.spentMsat()).toBe(11_001n)
})

test('R-PAY-18 a relay of another shop is not paid by a first-time buyer who names the payee', async () => {
  const market = openMarket()
  const honest = await startSeller(market)
  const other = market.devnet.addNode('another seller', { balanceMsat: satToMsat(0n) })
  const payees = [Buffer.from(other.nodeId).toString('hex')]
  const relay = await startSeller({ ...market, answer: () => honest.demand() })
  const client = market.client({ policy: { ...openPolicy, payees } })
  const { details } = await thrownBy(client.fetch(relay.origin))
  expect(details['reason']).toBe('payee')
  expect(market.spentMsat()).toBe(0n)
})

test('R-PAY-13 an invoice without an amount never reaches the wallet, whatever the call allows', async () => {
  const market = openMarket()
  const seller = await startSeller({
    ...market,
    answer: async () =>
      challenge(`token="opaque.token", invoice="${invoice({ amountMsat: undefined })}"`),
  })
  const ledger = createMemoryLedger()
  const client = market.client({ ledger })
  const l402 = { maxCostMsat: '1000 sat', expectedPriceMsat: '1000 sat' }
  expect((await thrownBy(client.fetch(seller.origin, { l402 }))).code).toBe('INVOICE_AMOUNT')
  expect(await client.quote(seller.origin, { l402 })).toMatchObject({
    status: 'refused',
    error: { code: 'INVOICE_AMOUNT' },
  })
  expect(await ledger.list()).toEqual([])
})

test('R-PAY-19 an invoice of another shop is not paid here, nor its preimage sent here', async () => {
  const market = openMarket()
  const honest = await startSeller(market)
  const client = market.client()
  await client.fetch(`${honest.origin}/data`)
  const bought = honest.sold[0]!
  const relay = await startSeller({
    ...market,
    answer: async () => challenge(`token="${bought.token}", invoice="${bought.invoice}"`),
  })

  const { code, details } = await thrownBy(client.fetch(`${relay.origin}/data`))

  expect([code, details['reason']]).toEqual(['POLICY_REFUSED', 'other-origin'])
  expect(relay.arrived.map(({ headers }) => headers.authorization)).toEqual([undefined])
  expect(market.spentMsat()).toBe(11_001n)
})
