import { describe, expect, test } from 'vitest'
import { satToMsat } from '../../library/src/amount/index.ts'
import { decodeHex, encodeHex, sha256 } from '../../library/src/bytes/index.ts'
import type { PolicyOptions } from '../../library/src/client/index.ts'
import { createClient, createMemoryLedger } from '../../library/src/client/index.ts'
import {
  decodeInvoice,
  encodeInvoice,
  hashPreimage,
  paymentHash,
  preimage,
} from '../../library/src/invoice/index.ts'
import type { Payer } from '../../library/src/lightning/index.ts'
import type { Market } from './market.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import { startSeller } from './seller.ts'

const oneMsat = 11_001n
const policy: PolicyOptions = { ...openPolicy, allowInvoices: true }

async function invoiceOf({ payee }: Market, sat = 10n, expirySeconds = 600): Promise<string> {
  const order = { amountMsat: satToMsat(sat), description: 'cafe\u0301', expirySeconds }
  return (await payee.createInvoice(order)).invoice
}

function payeeIn(invoice: string): string {
  return encodeHex(decodeInvoice(invoice).payee)
}

describe('R-BARE-1 R-BARE-3 a bare invoice', () => {
  test('is paid where the policy lets it, and gives its preimage', async () => {
    const market = openMarket()
    const ledger = createMemoryLedger()
    const client = market.client({ policy, ledger })
    const invoice = await invoiceOf(market)
    const paid = await client.payInvoice(invoice)
    expect(paid).toEqual({
      paymentHash: encodeHex(decodeInvoice(invoice).paymentHash),
      preimage: expect.stringMatching(/^[0-9a-f]{64}$/),
      amountMsat: 10_000n,
      feeMsat: 1001n,
      before: false,
    })
    expect(encodeHex(hashPreimage(preimage(decodeHex(paid.preimage))))).toBe(paid.paymentHash)
    expect(market.spentMsat()).toBe(oneMsat)
    const [entry] = await ledger.list()
    const payee = payeeIn(invoice)
    expect(entry).toMatchObject({
      origin: `lightning:${payee}`,
      url: `lightning:${payee}`,
      host: payee,
      method: 'PAY',
      target: `PAY ${paid.paymentHash}`,
      token: undefined,
      state: 'settled',
      tokenStored: true,
      decidedBy: 'policy',
    })
  })

  test('is not paid otherwise, and nothing is written down', async () => {
    const market = openMarket()
    const ledger = createMemoryLedger()
    const invoice = await invoiceOf(market)
    for (const [options, reason] of [
      [{ policy: openPolicy }, 'invoices'],
      [{ policy: { ...policy, allowInvoices: false } }, 'invoices'],
      [{ policy: { ...policy, payees: [`02${'ab'.repeat(32)}`] } }, 'payee'],
      [{ policy: { ...policy, denyPayees: [payeeIn(invoice)] } }, 'payee'],
      [{ policy: { ...policy, networks: ['bitcoin' as const] } }, 'network'],
      [{ policy: { ...policy, newHosts: 'deny' as const } }, 'new-host'],
      [{ policy: { ...policy, approve: () => false } }, 'declined'],
      [{ policy: { ...policy, approve: () => ({ pendingId: 'A' }) } }, 'approval-pending'],
    ] as const) {
      const client = market.client({ ...options, ledger })
      const { code, details } = await thrownBy(client.payInvoice(invoice))
      expect([code, details['reason']]).toEqual(['POLICY_REFUSED', reason])
      expect(details['origin']).toBe(`lightning:${payeeIn(invoice)}`)
      expect(details['paymentHash']).toMatch(/^[0-9a-f]{64}$/)
    }
    expect(await ledger.list()).toEqual([])
    expect(market.spentMsat()).toBe(0n)
  })

  test('is not paid without a payer', async () => {
    const market = openMarket()
    const client = createClient({ policy, now: market.now })
    const { details } = await thrownBy(client.payInvoice(await invoiceOf(market)))
    expect(details['reason']).toBe('no-payer')
  })

  for (const [limit, change, init] of [
    ['per-payment', { maxPaymentMsat: '9 sat' }, {}],
    ['per-call', {}, { maxCostMsat: '9 sat' }],
    ['total', { maxTotalMsat: '11 sat' }, {}],
    ['per-host', { perHostMsat: '11 sat' }, {}],
    ['per-day', { perDayMsat: '11 sat' }, {}],
    ['per-hour', { perHourMsat: '11 sat' }, {}],
  ] as const) {
    test(`keeps the limit ${limit}`, async () => {
      const market = openMarket()
      const client = market.client({ policy: { ...policy, ...change } })
      const { code, details } = await thrownBy(client.payInvoice(await invoiceOf(market), init))
      expect([code, details['limit']]).toEqual(['BUDGET_EXCEEDED', limit])
      expect(market.spentMsat()).toBe(0n)
    })
  }

  test('counts against the limit of its payee, and of nobody else', async () => {
    const market = openMarket()
    const other = market.devnet.addNode('other', { balanceMsat: satToMsat(0n) })
    const client = market.client({ policy: { ...policy, perHostMsat: '16 sat' } })
    await client.payInvoice(await invoiceOf(market))
    const { details } = await thrownBy(client.payInvoice(await invoiceOf(market)))
    expect(details['limit']).toBe('per-host')
    const paid = await client.payInvoice(await invoiceOf({ ...market, payee: other }))
    expect(paid.before).toBe(false)
  })

  test('is no first payment at a host where the policy names the payee', async () => {
    const market = openMarket()
    const invoice = await invoiceOf(market)
    const named: PolicyOptions = { ...policy, newHosts: 'deny', payees: [payeeIn(invoice)] }
    expect((await market.client({ policy: named }).payInvoice(invoice)).before).toBe(false)
  })

  test('is asked about with the payee as its origin', async () => {
    const market = openMarket()
    const asked: unknown[] = []
    const approve = (proposal: unknown): boolean => asked.push(proposal) > 0
    const invoice = await invoiceOf(market)
    await market.client({ policy: { ...policy, approve } }).payInvoice(invoice)
    const payee = payeeIn(invoice)
    expect(asked).toEqual([
      {
        askedBecause: 'always',
        origin: `lightning:${payee}`,
        method: 'PAY',
        url: `lightning:${payee}`,
        amountMsat: 10_000n,
        maxFeeMsat: 5000n,
        payee,
        paymentHash: encodeHex(decodeInvoice(invoice).paymentHash),
        description: 'cafe\u0301',
        capability: undefined,
        bodySha256: undefined,
        bodyBytes: undefined,
      },
    ])
  })

  test('keeps the fee limit of the call', async () => {
    const market = openMarket()
    const client = market.client({ policy })
    const invoice = await invoiceOf(market)
    const { code } = await thrownBy(client.payInvoice(invoice, { maxFeeMsat: '1 sat' }))
    expect(code).toBe('PAYMENT_FAILED')
    expect((await client.payInvoice(invoice, { maxFeeMsat: '1.001 sat' })).feeMsat).toBe(1001n)
  })
})

describe('R-BARE-2 an invoice that was paid', () => {
  test('is not paid again, and its preimage is given once more, whatever has changed', async () => {
    const market = openMarket()
    const ledger = createMemoryLedger()
    const invoice = await invoiceOf(market)
    const first = await market.client({ policy, ledger }).payInvoice(invoice)
    market.advance(10_000)
    for (const later of [
      market.client({ policy, ledger }),
      market.client({ policy: openPolicy, ledger }),
      market.client({
        ledger,
        policy: () => {
          throw new Error('broken')
        },
      }),
    ]) {
      expect(await later.payInvoice(invoice)).toEqual({ ...first, before: true })
    }
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('is paid once for a hundred calls at once, and asked about once', async () => {
    const market = openMarket()
    let asked = 0
    const approve = (): boolean => ++asked > 0
    const client = market.client({ policy: { ...policy, approve } })
    const invoice = await invoiceOf(market)
    const paid = await Promise.all(Array.from({ length: 100 }, () => client.payInvoice(invoice)))
    expect(paid.filter(({ before }) => !before).length).toBe(1)
    expect(asked).toBe(1)
    expect(market.spentMsat()).toBe(oneMsat)
  })
})

describe('R-BARE-4 an invoice whose payment has no known end', () => {
  test('is reported until the wallet knows, and never paid a second time', async () => {
    const market = openMarket()
    const ledger = createMemoryLedger()
    const client = market.client({ policy, ledger })
    const invoice = await invoiceOf(market)
    market.buyer.injectFault({ kind: 'in-flight' })
    const { error, code, details } = await thrownBy(client.payInvoice(invoice))
    expect(code).toBe('PAYMENT_UNKNOWN')
    expect(client.describe(error)).toMatchObject({
      outcome: 'unknown',
      resume: details['paymentHash'],
      amountMsat: 10_000n,
    })
    expect((await thrownBy(client.payInvoice(invoice))).code).toBe('PAYMENT_UNKNOWN')
    expect((await ledger.spending(market.now())).heldMsat).toBe(15_000n)
    const { paymentHash } = decodeInvoice(invoice)
    market.buyer.resolvePayment(paymentHash, 'settle')
    expect(await client.payInvoice(invoice)).toMatchObject({ before: true, amountMsat: 10_000n })
    expect(market.spentMsat()).toBe(oneMsat)
    expect(await ledger.unfinished()).toEqual([])
  })

  test('R-PAY-73 is found by reconcile, which keeps no token of it', async () => {
    const market = openMarket()
    const client = market.client({ policy })
    market.buyer.injectFault({ kind: 'timeout', settleAfterMs: 0 })
    const invoice = await invoiceOf(market)
    expect((await thrownBy(client.payInvoice(invoice))).code).toBe('PAYMENT_UNKNOWN')
    expect((await client.reconcile()).map(({ state }) => state)).toEqual(['settled'])
    expect(await client.reconcile()).toEqual([])
  })

  test('is tried anew after a failure', async () => {
    const market = openMarket()
    const client = market.client({ policy })
    const invoice = await invoiceOf(market)
    market.buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    expect((await thrownBy(client.payInvoice(invoice))).code).toBe('PAYMENT_FAILED')
    expect((await client.payInvoice(invoice)).before).toBe(false)
  })

  test('can be written off, and is no purchase to resume', async () => {
    const market = openMarket()
    const client = market.client({ policy })
    market.buyer.injectFault({ kind: 'in-flight' })
    const { details } = await thrownBy(client.payInvoice(await invoiceOf(market)))
    const hash = String(details['paymentHash'])
    await client.abandon(hash)
    await expect(client.resume(hash)).rejects.toThrow(/payInvoice/)
  })

  test('is given up on when the caller does, and settles all the same', async () => {
    const market = openMarket()
    const client = market.client({ policy })
    const invoice = await invoiceOf(market)
    const gone = AbortSignal.abort(new Error('given up'))
    await expect(client.payInvoice(invoice, { signal: gone })).rejects.toThrow('given up')
    expect(market.spentMsat()).toBe(0n)
    market.buyer.injectFault({ kind: 'hang' })
    const impatience = new AbortController()
    const payer: Payer = {
      ...market.buyer,
      pay: (order, limits) => {
        setImmediate(() => impatience.abort(new Error('given up')))
        return market.buyer.pay(order, limits)
      },
    }
    const { signal } = impatience
    const paying = market.client({ policy, payer }).payInvoice(invoice, { signal })
    expect((await thrownBy(paying)).code).toBe('PAYMENT_UNKNOWN')
  })
})

describe('R-BARE-5 an invoice of a web origin', () => {
  test('is refused, and its preimage stays where it is', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client({ policy })
    await client.fetch(`${seller.origin}/data`)
    const { error, code, details } = await thrownBy(client.payInvoice(seller.sold[0]!.invoice))
    expect([code, details['reason']]).toEqual(['POLICY_REFUSED', 'other-origin'])
    expect(JSON.stringify(client.describe(error))).not.toContain('preimage')
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('is refused there, too, when it was paid as a bare one before', async () => {
    const market = openMarket()
    let bare = ''
    const seller = await startSeller({
      ...market,
      answer: (_, by) => {
        const headers = { 'www-authenticate': `L402 token="opaque", invoice="${bare}"` }
        return by.arrived.length > 0 ? { status: 402, headers } : {}
      },
    })
    bare = await invoiceOf(market)
    const client = market.client({ policy })
    await client.payInvoice(bare)
    const { details } = await thrownBy(client.fetch(`${seller.origin}/data`))
    expect(details['reason']).toBe('other-origin')
    expect(seller.arrived.every(({ headers }) => headers.authorization === undefined)).toBe(true)
  })
})

describe('R-BARE-6 the text of an invoice', () => {
  test('may have lightning: before it, in any case, and blanks around it', async () => {
    const market = openMarket()
    const client = market.client({ policy })
    for (const prefix of ['lightning:', 'LIGHTNING:', ' \n', '']) {
      const invoice = await invoiceOf(market)
      const text = prefix === 'LIGHTNING:' ? invoice.toUpperCase() : invoice
      expect((await client.payInvoice(`${prefix}${text} `)).before).toBe(false)
    }
  })

  for (const text of [
    '',
    'lightning:',
    'lnbc1',
    'https://a.test',
    'x'.repeat(100_000),
    'ln\u0000',
  ]) {
    test(`is refused when it is ${JSON.stringify(text.slice(0, 20))}`, async () => {
      const market = openMarket()
      const { code } = await thrownBy(market.client({ policy }).payInvoice(text))
      expect(code).toMatch(/^INVOICE_/)
    })
  }

  for (const text of [undefined, null, 5, {}, ['lnbc']]) {
    test(`is text, not ${JSON.stringify(text)}`, async () => {
      const client = openMarket().client({ policy })
      await expect(client.payInvoice(text as never)).rejects.toThrow(TypeError)
    })
  }

  test('has lightning: before it once: twice is malformed, as everywhere', async () => {
    const market = openMarket()
    const text = `lightning:lightning:${await invoiceOf(market)}`
    const { code } = await thrownBy(market.client({ policy }).payInvoice(text))
    expect(code).toBe('INVOICE_MALFORMED')
    expect(market.spentMsat()).toBe(0n)
  })

  test('is not paid without an amount, or when it has expired', async () => {
    const market = openMarket()
    const client = market.client({ policy })
    const invoice = await invoiceOf(market)
    market.advance(595)
    expect((await thrownBy(client.payInvoice(invoice))).code).toBe('INVOICE_EXPIRED')
    for (const [network, amountMsat, code] of [
      ['bitcoin', satToMsat(10n), 'INVOICE_NETWORK'],
      ['regtest', undefined, 'INVOICE_AMOUNT'],
    ] as const) {
      const request = {
        network,
        amountMsat,
        timestampSeconds: Math.floor(market.now()),
        paymentHash: paymentHash(sha256(Uint8Array.of(1))),
        paymentSecret: sha256(Uint8Array.of(2)),
        description: '',
      }
      const text = encodeInvoice(request, sha256(Uint8Array.of(3)))
      expect((await thrownBy(client.payInvoice(text))).code).toBe(code)
    }
  })

  test('R-PAY-28 and a misspelt limit is a mistake', async () => {
    const market = openMarket()
    const init = { maxCost: '1 sat' } as never
    const call = market.client({ policy }).payInvoice(await invoiceOf(market), init)
    await expect(call).rejects.toThrow('l402.maxCost: is not an option')
  })
})
