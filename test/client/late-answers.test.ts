import { describe, expect, test } from 'vitest'
import { maxMsat, satToMsat } from '../../library/src/amount/index.ts'
import { createMemoryLedger, createMemoryTokenStore } from '../../library/src/client/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { Payer, PaymentOutcome } from '../../library/src/lightning/index.ts'
import type { Market } from './market.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import type { Seller } from './seller.ts'
import { startSeller } from './seller.ts'

const oneMsat = 11_001n

/** A shop that offers the same invoice again and again, until told otherwise. */
async function openShop(
  market: Market,
): Promise<{ readonly seller: Seller; readonly url: string; renew(): void }> {
  let same: Awaited<ReturnType<Seller['demand']>> | undefined
  const seller = await startSeller({
    ...market,
    answer: async (request, by) => {
      if (by.isPaid(request)) return { body: 'paid' }
      same ??= await by.demand({ expirySeconds: 86_400 })
      return same
    },
  })
  const renew = (): void => {
    same = undefined
  }
  return { seller, url: `${seller.origin}/data`, renew }
}

/** A wallet whose answers to lookups are true when they are given, and arrive when they are let go. */
function slowToTell(payer: Payer): {
  readonly payer: Payer
  readonly asked: () => number
  letGo(): void
} {
  let letGo = (): void => undefined
  let asked = 0
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  return {
    payer: {
      ...payer,
      lookupPayment: async (hash, signal) => {
        const said = await payer.lookupPayment(hash, signal)
        asked++
        await gate
        return said
      },
    },
    asked: () => asked,
    letGo: () => letGo(),
  }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate)
}

describe('R-PAY-88 an answer about an earlier attempt', () => {
  test('that failed, looked up before, does not end the one under way', async () => {
    const market = openMarket()
    const { seller, url, renew } = await openShop(market)
    const ledger = createMemoryLedger()
    const tokens = createMemoryTokenStore()
    const policy = { ...openPolicy, perHourMsat: '20 sat' }
    const client = market.client({ ledger, tokens, policy })
    market.buyer.injectFault({ kind: 'in-flight' })
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    const hash = seller.sold[0]!.paymentHash
    market.advance(100)
    market.buyer.resolvePayment(hash, 'fail')

    const slow = slowToTell(market.buyer)
    const reconciling = market.client({ ledger, tokens, payer: slow.payer }).reconcile()
    await until(() => slow.asked() === 1)
    market.buyer.injectFault({ kind: 'in-flight' })
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    expect((await ledger.list())[0]).toMatchObject({ state: 'unknown', attempt: 2 })
    market.advance(100)
    slow.letGo()
    await reconciling
    expect((await ledger.list())[0]).toMatchObject({ state: 'unknown', attempt: 2 })

    // Neither is the same thing bought beside it, nor its money spent a second time.
    renew()
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    market.buyer.resolvePayment(hash, 'settle')
    expect((await client.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
    expect((await ledger.spending(market.now())).totalMsat).toBe(oneMsat)
  })

  test('that failed, told by the wallet long after, does not end the one under way', async () => {
    const market = openMarket()
    const { seller, url } = await openShop(market)
    const ledger = createMemoryLedger()
    let answerLate = (_: PaymentOutcome): void => undefined
    let orders = 0
    const payer: Payer = {
      ...market.buyer,
      pay: (invoice, limits) => {
        if (++orders > 1) return market.buyer.pay(invoice, limits)
        return new Promise((resolve) => {
          answerLate = resolve
        })
      },
    }
    const client = market.client({ ledger, payer, paymentTimeoutMs: 50 })
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    market.advance(100)
    market.buyer.injectFault({ kind: 'in-flight' })
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    expect((await ledger.list())[0]).toMatchObject({ state: 'unknown', attempt: 2 })

    answerLate({ status: 'failed', reason: 'no-route' })
    await new Promise(setImmediate)
    expect((await ledger.list())[0]).toMatchObject({ state: 'unknown', attempt: 2 })
    expect((await ledger.spending(market.now())).heldMsat).toBe(15_000n)
    market.buyer.resolvePayment(seller.sold[0]!.paymentHash, 'settle')
    expect((await client.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('that was asked for before the order was given says nothing about it', async () => {
    const market = openMarket()
    const { seller, url } = await openShop(market)
    const ledger = createMemoryLedger()
    market.buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    expect((await thrownBy(market.client({ ledger }).fetch(url))).code).toBe('PAYMENT_FAILED')

    let giveUp = (_: PaymentOutcome): void => undefined
    const slow = slowToTell(market.buyer)
    let order: Promise<PaymentOutcome> | undefined
    const payer: Payer = {
      ...slow.payer,
      pay: (invoice, limits) =>
        new Promise((resolve) => {
          giveUp = (outcome) => {
            order = market.buyer.pay(invoice, { maxFeeMsat: limits.maxFeeMsat })
            resolve(outcome)
          }
        }),
    }
    const client = market.client({ ledger, payer, paymentTimeoutMs: 5000 })
    const calling = thrownBy(client.fetch(url, { signal: AbortSignal.timeout(100) }))
    expect((await calling).code).toBe('PAYMENT_UNKNOWN')
    const reconciling = client.reconcile()
    await until(() => slow.asked() === 1)
    // To the wallet it is one that failed, until the order arrives; and that it did not tell.
    market.buyer.injectFault({ kind: 'in-flight' })
    giveUp({ status: 'unknown' })
    await order
    await new Promise(setImmediate)
    slow.letGo()
    await reconciling
    expect((await ledger.list())[0]).toMatchObject({ state: 'unknown', attempt: 2 })
    market.buyer.resolvePayment(seller.sold[0]!.paymentHash, 'settle')
    expect((await client.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })
})

describe('R-PAY-34 a wallet that never answers an order, nor minds its signal', () => {
  test('is believed once the lease is over, and the time limit once more', async () => {
    const market = openMarket()
    const { url } = await openShop(market)
    const ledger = createMemoryLedger()
    let orders = 0
    const payer: Payer = {
      ...market.buyer,
      pay: (invoice, limits) =>
        ++orders === 1 ? new Promise(() => undefined) : market.buyer.pay(invoice, limits),
    }
    const client = market.client({ ledger, payer, paymentTimeoutMs: 100 })
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    // 0.1 seconds, one for the lease, and 0.1 again.
    market.advance(1.15)
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    expect(await client.reconcile()).toMatchObject([{ state: 'unknown', answered: true }])
    market.advance(0.1)
    expect(await client.reconcile()).toMatchObject([{ state: 'failed', failure: 'never-sent' }])
    expect((await ledger.spending(market.now())).heldMsat).toBe(0n)
    expect((await client.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })
})

describe('R-PAY-87 a payment that another wallet was to make', () => {
  async function leftUnknown(wallet: (payer: Payer) => Payer = (payer) => payer) {
    const market = openMarket()
    const { seller, url } = await openShop(market)
    const second = market.devnet.addNode('second', { balanceMsat: satToMsat(1000n) })
    const ledger = createMemoryLedger()
    const tokens = createMemoryTokenStore()
    const first = market.client({ ledger, tokens, payer: wallet(market.buyer) })
    market.buyer.injectFault({ kind: 'in-flight' })
    expect((await thrownBy(first.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    market.advance(1000)
    const hash = seller.sold[0]!.paymentHash
    const open = (payer: Payer) => market.client({ ledger, tokens, payer })
    return { market, url, second, ledger, first, hash, open }
  }

  test('does not end because this one never saw it', async () => {
    const { market, url, second, ledger, first, hash, open } = await leftUnknown()
    const other = open(second)
    const unknown = { code: 'PAYMENT_UNKNOWN', details: { otherWallet: true } }
    expect(await thrownBy(other.fetch(url))).toMatchObject(unknown)
    const [left] = await ledger.list()
    expect(await thrownBy(other.resume(left!.paymentHash))).toMatchObject(unknown)
    expect((await thrownBy(first.fetch(url))).details).not.toHaveProperty('otherWallet')
    expect(await other.reconcile()).toMatchObject([{ state: 'unknown', answered: true }])
    expect((await ledger.spending(market.now())).heldMsat).toBe(15_000n)
    market.buyer.resolvePayment(hash, 'settle')
    expect((await first.fetch(url)).status).toBe(200)
    expect(second.balanceMsat()).toBe(satToMsat(1000n))
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('does not end because this one knows it as failed', async () => {
    const { second, ledger, open } = await leftUnknown()
    const failing: Payer = {
      ...second,
      lookupPayment: async () => ({ status: 'failed', reason: 'no-route' }),
    }
    await open(failing).reconcile()
    expect((await ledger.list())[0]?.state).toBe('unknown')
  })

  test('settles when this one has the proof, whoever paid', async () => {
    const { market, second, ledger, hash, open } = await leftUnknown()
    market.buyer.resolvePayment(hash, 'settle')
    const knowing: Payer = { ...second, lookupPayment: market.buyer.lookupPayment }
    await open(knowing).reconcile()
    expect((await ledger.list())[0]?.state).toBe('settled')
  })

  test('is judged by any wallet where one of the two has no name', async () => {
    const nameless = (payer: Payer): Payer => ({
      network: payer.network,
      pay: payer.pay,
      lookupPayment: payer.lookupPayment,
    })
    const same = (payer: Payer): Payer => payer
    for (const [first, second] of [
      [same, nameless],
      [nameless, same],
    ] as const) {
      const left = await leftUnknown(first)
      await left.open(second(left.second)).reconcile()
      expect((await left.ledger.list())[0]).toMatchObject({
        state: 'failed',
        failure: 'never-sent',
      })
    }
  })

  test('and what cannot be a name makes no client', async () => {
    const market = openMarket()
    for (const wrong of [{ id: '' }, { id: 7 }, { id: 'x'.repeat(129) }, { orderLagSeconds: -1 }]) {
      const payer = { ...market.buyer, ...wrong } as Payer
      expect(() => market.client({ payer })).toThrow(/CONFIG_INVALID|options|payer/)
    }
  })
})

describe('R-PAY-19 an invoice that no wallet ever had an order for', () => {
  test('may be paid for its own purpose after a stranger showed it', async () => {
    const market = openMarket()
    const honest = await startSeller(market)
    const sold = await honest.sell()
    const line = `L402 token="opaque", invoice="${sold.invoice}"`
    const stranger = await startSeller({
      ...market,
      answer: async () => ({ status: 402, headers: { 'www-authenticate': line } }),
    })
    const client = market.client({ policy: { ...openPolicy, allowInvoices: true } })
    for (let i = 0; i < 2; i++) {
      market.buyer.injectFault({ kind: 'unavailable' })
      expect((await thrownBy(client.fetch(stranger.origin))).code).toBe('NODE_UNAVAILABLE')
    }
    expect(await client.payInvoice(sold.invoice)).toMatchObject({ before: false })
    expect(market.spentMsat()).toBe(oneMsat)
    const { details } = await thrownBy(client.fetch(stranger.origin))
    expect(details['reason']).toBe('other-origin')
    expect(stranger.arrived.every(({ headers }) => headers.authorization === undefined)).toBe(true)
  })

  test('but stays where it was once a wallet failed to pay it', async () => {
    const market = openMarket()
    const honest = await startSeller(market)
    const sold = await honest.sell()
    const line = `L402 token="opaque", invoice="${sold.invoice}"`
    const stranger = await startSeller({
      ...market,
      answer: async () => ({ status: 402, headers: { 'www-authenticate': line } }),
    })
    const client = market.client({ policy: { ...openPolicy, allowInvoices: true } })
    market.buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    expect((await thrownBy(client.fetch(stranger.origin))).code).toBe('PAYMENT_FAILED')
    market.buyer.injectFault({ kind: 'unavailable' })
    expect((await thrownBy(client.fetch(stranger.origin))).code).toBe('NODE_UNAVAILABLE')
    const { details } = await thrownBy(client.payInvoice(sold.invoice))
    expect(details['reason']).toBe('other-origin')
    expect(market.spentMsat()).toBe(0n)
  })
})

test('R-PAY-36 a wallet that names a fee of all the money there is leaves sums that can be read', async () => {
  for (const feeMsat of [maxMsat, maxMsat - 1n, maxMsat - 10_000n, 2n ** 60n]) {
    const market = openMarket()
    const seller = await startSeller(market)
    const ledger = createMemoryLedger()
    const payer: Payer = {
      ...market.buyer,
      pay: async (invoice, limits) => ({
        ...(await market.buyer.pay(invoice, limits)),
        feeMsat: feeMsat as never,
      }),
    }
    const client = market.client({ ledger, payer })
    const paths = ['a', 'b', 'c', 'd']
    const all = await Promise.all(
      paths.map((path) =>
        client.fetch(`${seller.origin}/${path}`).then(
          ({ status }) => status,
          () => 'refused',
        ),
      ),
    )
    expect(all).toContain(200)
    const { totalMsat } = await ledger.spending(market.now())
    expect(totalMsat).toBeGreaterThanOrEqual(feeMsat)
    expect((await thrownBy(client.fetch(`${seller.origin}/e`))).code).toBe('BUDGET_EXCEEDED')
    expect(decodeInvoice(seller.sold[0]!.invoice).amountMsat).toBe(10_000n)
  }
})
