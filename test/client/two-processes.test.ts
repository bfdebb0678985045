import { describe, expect, test } from 'vitest'
import type { Client, Ledger, TokenStore } from '../../library/src/client/index.ts'
import { createMemoryLedger, createMemoryTokenStore } from '../../library/src/client/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { Payer } from '../../library/src/lightning/index.ts'
import type { Market } from './market.ts'
import { openMarket, thrownBy } from './market.ts'
import type { Seller } from './seller.ts'
import { startSeller } from './seller.ts'

const oneMsat = 11_001n

type Office = {
  readonly market: Market
  readonly seller: Seller
  readonly ledger: Ledger
  readonly tokens: TokenStore
}

async function openOffice(order: Parameters<Seller['serve']>[1] = {}): Promise<Office> {
  const market = openMarket()
  return {
    market,
    seller: await startSeller({ ...market, answer: (request, by) => by.serve(request, order) }),
    ledger: createMemoryLedger(),
    tokens: createMemoryTokenStore(),
  }
}

/** What a process of its own has: nothing but the ledger and the store in common with the others. */
function processes(
  { market, ledger, tokens }: Office,
  count: number,
  payer: Payer = market.buyer,
): Client[] {
  return Array.from({ length: count }, () => market.client({ ledger, tokens, payer }))
}

/** A wallet that pays when it is told to. */
function hesitant(market: Market): { readonly payer: Payer; readonly asked: number; pay(): void } {
  let release = (): void => undefined
  const now = new Promise<void>((resolve) => {
    release = resolve
  })
  const wallet = { asked: 0 }
  const payer: Payer = {
    ...market.buyer,
    pay: async (invoice, limits) => {
      await now
      return market.buyer.pay(invoice, limits)
    },
    lookupPayment: async (hash, signal) => {
      wallet.asked++
      return market.buyer.lookupPayment(hash, signal)
    },
  }
  return Object.assign(wallet, { payer, pay: () => release() })
}

async function untilSending(ledger: Ledger): Promise<void> {
  while ((await ledger.list())[0]?.state !== 'sending') await new Promise(setImmediate)
}

describe('R-PAY-84 two processes that want the same', () => {
  test('pay once for a hundred calls, and all are answered', async () => {
    const office = await openOffice()
    const clients = processes(office, 2)
    const calls = Array.from({ length: 100 }, (_, i) =>
      clients[i % 2]!.fetch(`${office.seller.origin}/data`),
    )
    for (const response of await Promise.all(calls)) {
      expect(await response.text()).toBe('paid /data')
    }
    expect(office.market.spentMsat()).toBe(oneMsat)
    expect((await office.ledger.list()).length).toBe(1)
    expect((await office.tokens.list()).length).toBe(1)
  })

  test('pay once for a hundred calls when the wallet is slow', async () => {
    const office = await openOffice()
    const { payer, pay } = hesitant(office.market)
    const clients = processes(office, 4, payer)
    const calls = Array.from({ length: 100 }, (_, i) =>
      clients[i % 4]!.fetch(`${office.seller.origin}/data`),
    )
    await untilSending(office.ledger)
    setTimeout(pay, 300)
    for (const response of await Promise.all(calls)) expect(response.status).toBe(200)
    expect(office.market.spentMsat()).toBe(oneMsat)
  })

  test('buy once when the one has finished while the other was deciding', async () => {
    const office = await openOffice({ uses: 1000 })
    const { market, seller, tokens, ledger } = office
    const [first] = processes(office, 1)
    const url = `${seller.origin}/data`
    let isFirst = true
    const late: Ledger = {
      ...ledger,
      begin: async (intent, limits) => {
        if (isFirst) await first!.fetch(url)
        isFirst = false
        return ledger.begin(intent, limits)
      },
    }
    const second = market.client({ ledger: late, tokens })
    expect((await second.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
    expect((await ledger.list()).map(({ state }) => state)).toEqual(['settled', 'failed'])
    expect((await ledger.spending(market.now())).heldMsat).toBe(0n)
  })

  test('buy one use each, and none takes what another one bought', async () => {
    const office = await openOffice({ uses: 1 })
    const clients = processes(office, 3)
    const calls = Array.from({ length: 24 }, (_, i) =>
      clients[i % 3]!.fetch(`${office.seller.origin}/data`),
    )
    for (const response of await Promise.all(calls)) expect(response.status).toBe(200)
    expect(office.market.spentMsat()).toBe(24n * oneMsat)
    for (const { standing } of await office.tokens.list()) expect(standing).toBe('good')
  })

  test('leave each other the one use that was bought, whoever hears first that it is paid', async () => {
    const office = await openOffice({ uses: 1 })
    const { market, ledger, tokens, seller } = office
    const slow: Payer = {
      ...market.buyer,
      pay: async (invoice, limits) => {
        const outcome = await market.buyer.pay(invoice, limits)
        await new Promise((resolve) => setTimeout(resolve, 300))
        return outcome
      },
    }
    const url = `${seller.origin}/data`
    const first = market.client({ ledger, tokens, payer: slow }).fetch(url)
    await untilSending(ledger)
    const [client] = processes(office, 1)
    const responses = await Promise.all([first, client!.fetch(url)])
    expect(responses.map(({ status }) => status)).toEqual([200, 200])
    expect(market.spentMsat()).toBe(2n * oneMsat)
    for (const { standing } of await tokens.list()) expect(standing).toBe('good')
  })

  test('wait no longer than the lease, and the wallet is asked once a second at most', async () => {
    const office = await openOffice()
    const { market, ledger, tokens, seller } = office
    const wallet = hesitant(market)
    const dying = market.client({ ledger, tokens, payer: wallet.payer, paymentTimeoutMs: 200 })
    const gone = thrownBy(dying.fetch(`${seller.origin}/data`))
    await untilSending(ledger)
    const [client] = processes(office, 1, wallet.payer)

    const began = performance.now()
    const waiting = thrownBy(client!.fetch(`${seller.origin}/data`))
    while (wallet.asked === 0) await new Promise(setImmediate)
    expect((await gone).code).toBe('PAYMENT_UNKNOWN')
    expect((await waiting).code).toBe('PAYMENT_UNKNOWN')
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(wallet.asked).toBeLessThanOrEqual(4 + (performance.now() - began) / 1000)
    expect(market.spentMsat()).toBe(0n)
  })

  test('buy anew once the lease of one that is gone is over', async () => {
    const office = await openOffice()
    const { market, ledger, tokens, seller } = office
    const never: Payer = { ...market.buyer, pay: () => new Promise(() => undefined) }
    const gone = market.client({ ledger, tokens, payer: never }).fetch(`${seller.origin}/data`)
    gone.catch(() => undefined)
    await untilSending(ledger)

    const [client] = processes(office, 1)
    const waiting = client!.fetch(`${seller.origin}/data`)
    market.advance(89)
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect((await ledger.list()).length).toBe(1)
    market.advance(2)
    expect((await waiting).status).toBe(200)
    expect((await ledger.list()).map(({ state }) => state)).toEqual(['failed', 'settled'])
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('finish what the other one paid and never wrote down', async () => {
    const office = await openOffice()
    const { market, ledger, tokens, seller } = office
    const silent: Payer = {
      ...market.buyer,
      pay: async (invoice, limits) => {
        await market.buyer.pay(invoice, limits)
        return new Promise(() => undefined)
      },
    }
    const gone = market.client({ ledger, tokens, payer: silent }).fetch(`${seller.origin}/data`)
    gone.catch(() => undefined)
    await untilSending(ledger)
    const [client] = processes(office, 1)
    const response = await client!.fetch(`${seller.origin}/data`)
    expect(response.status).toBe(200)
    expect(client!.purchaseOf(response)).toMatchObject({ resumed: true })
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('are waited for only as long as the caller likes', async () => {
    const office = await openOffice()
    const { ledger, market, seller } = office
    const { payer, pay } = hesitant(market)
    const [first, second] = processes(office, 2, payer)
    const url = `${seller.origin}/data`
    const paying = first!.fetch(url)
    await untilSending(ledger)
    const signal = AbortSignal.timeout(100)
    expect((await thrownBy(second!.fetch(url, { signal }))).code).toBe('TimeoutError')
    expect((await ledger.list())[0]!.state).toBe('sending')
    pay()
    expect((await paying).status).toBe(200)
  })

  test('that get the very same invoice pay it once', async () => {
    const market = openMarket()
    let same: Awaited<ReturnType<Seller['demand']>> | undefined
    const seller = await startSeller({
      ...market,
      answer: async (request, by) => {
        if (by.isPaid(request)) return { body: 'paid' }
        same ??= await by.demand({ expirySeconds: 86_400 })
        return same
      },
    })
    const office = {
      market,
      seller,
      ledger: createMemoryLedger(),
      tokens: createMemoryTokenStore(),
    }
    const { payer, pay } = hesitant(market)
    const clients = processes(office, 2, payer)
    const calls = clients.map((client, i) => client.fetch(`${seller.origin}/path-${i}`))
    await untilSending(office.ledger)
    setTimeout(pay, 200)
    const statuses = (await Promise.all(calls)).map(({ status }) => status)
    expect(statuses).toEqual([200, 200])
    expect(market.spentMsat()).toBe(oneMsat)
  })
})

test('R-PAY-34 an order that comes too late for its lease is not given', async () => {
  const office = await openOffice()
  const { market, tokens, seller } = office
  const ledger: Ledger = {
    ...office.ledger,
    send: async (hash, attempt) => {
      market.advance(31)
      return office.ledger.send(hash, attempt)
    },
  }
  const client = market.client({ ledger, tokens })
  const { code, details } = await thrownBy(client.fetch(`${seller.origin}/data`))
  expect([code, details['reason']]).toEqual(['PAYMENT_FAILED', 'never-sent'])
  expect(market.spentMsat()).toBe(0n)
  expect((await ledger.list())[0]).toMatchObject({ state: 'failed', failure: 'never-sent' })
  expect((await ledger.spending(market.now())).heldMsat).toBe(0n)
})

describe('R-BARE-2 two processes and a bare invoice', () => {
  test('pay once for a hundred calls', async () => {
    const office = await openOffice()
    const { market } = office
    const { invoice } = await office.seller.sell()
    const policy = { maxPaymentMsat: '20 sat', maxTotalMsat: '20 sat', allowInvoices: true }
    const { payer, pay } = hesitant(market)
    const clients = [0, 1].map(() =>
      market.client({ ledger: office.ledger, tokens: office.tokens, policy, payer }),
    )
    const calls = Array.from({ length: 100 }, (_, i) => clients[i % 2]!.payInvoice(invoice))
    await untilSending(office.ledger)
    setTimeout(pay, 200)
    const paid = await Promise.all(calls)
    expect(paid.filter(({ before }) => !before).length).toBe(1)
    expect(new Set(paid.map(({ preimage }) => preimage)).size).toBe(1)
    expect(market.spentMsat()).toBe(oneMsat)
    const { paymentHash } = decodeInvoice(invoice)
    expect(paid[0]!.paymentHash).toBe(Buffer.from(paymentHash).toString('hex'))
  })
})
