import { describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { createMemoryLedger, createMemoryTokenStore } from '../../library/src/client/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { Payer, PaymentOutcome } from '../../library/src/lightning/index.ts'
import type { Market } from './market.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import type { Seller } from './seller.ts'
import { hashHex, startSeller } from './seller.ts'

const oneMsat = 11_001n

async function openShop(): Promise<{ market: Market; seller: Seller; url: string }> {
  const market = openMarket()
  const seller = await startSeller(market)
  return { market, seller, url: `${seller.origin}/data` }
}

describe('a payment whose end is not known', () => {
  test('R-PAY-33 is reported as unknown, and the next call goes on with it once it settles', async () => {
    const { market, seller, url } = await openShop()
    const ledger = createMemoryLedger()
    const client = market.client({ ledger })
    market.buyer.injectFault({ kind: 'timeout', settleAfterMs: 5000 })

    const { code, details, error } = await thrownBy(client.fetch(url))
    expect(code).toBe('PAYMENT_UNKNOWN')
    expect(details).toEqual({
      paymentHash: hashHex(seller.sold[0]!),
      origin: seller.origin,
      amountMsat: '10000',
    })
    expect(client.outcomeOf(error)).toBe('unknown')
    expect((await ledger.spending(market.now())).heldMsat).toBe(15_000n)

    // Not yet settled: nothing is paid and nobody is asked, however often it is wanted.
    const approve = (): boolean => {
      throw new Error('asked')
    }
    const asking = market.client({ ledger, policy: { ...openPolicy, approve } })
    for (const other of [client, asking, client]) {
      expect((await thrownBy(other.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    }
    expect((await ledger.list()).length).toBe(1)

    market.advance(6)
    const response = await client.fetch(url)
    expect(response.status).toBe(200)
    expect(client.purchaseOf(response)).toMatchObject({ resumed: true, outcome: 'paid_delivered' })
    expect(market.spentMsat()).toBe(oneMsat)
    const spending = await ledger.spending(market.now())
    expect([spending.heldMsat, spending.totalMsat]).toEqual([0n, oneMsat])
  })

  test('R-PAY-33 blocks other routes of the same coverage, and nothing else', async () => {
    const { market, seller, url } = await openShop()
    const client = market.client()
    market.buyer.injectFault({ kind: 'in-flight' })
    await thrownBy(client.fetch(url))

    expect((await thrownBy(client.fetch(`${url}/more`))).code).toBe('PAYMENT_UNKNOWN')
    expect((await client.fetch(`${seller.origin}/other`)).status).toBe(200)
    expect((await client.fetch(`${seller.origin}/free`)).status).toBe(200)
  })

  test('R-PAY-33 is bought anew after it failed, with its money released', async () => {
    const { market, seller, url } = await openShop()
    const ledger = createMemoryLedger()
    const client = market.client({ ledger })
    market.buyer.injectFault({ kind: 'in-flight' })
    await thrownBy(client.fetch(url))
    market.buyer.resolvePayment(seller.sold[0]!.paymentHash, 'fail')

    const response = await client.fetch(url)
    expect(client.purchaseOf(response)).toMatchObject({ resumed: false })
    expect((await ledger.spending(market.now())).totalMsat).toBe(oneMsat)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-33 stays unknown while the wallet cannot be reached', async () => {
    const { market, url } = await openShop()
    const client = market.client()
    market.buyer.injectFault({ kind: 'timeout', settleAfterMs: 0 })
    await thrownBy(client.fetch(url))
    market.buyer.setReachable(false)
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    market.buyer.setReachable(true)
    expect((await client.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-34 is not over because the wallet has not seen it yet', async () => {
    const { market, url } = await openShop()
    let giveOrder = (): void => undefined
    const slow: Payer = {
      ...market.buyer,
      // The order is on its way to the wallet for longer than anybody waits.
      pay: (invoice, limits) =>
        new Promise((resolve) => {
          giveOrder = () => resolve(market.buyer.pay(invoice, { maxFeeMsat: limits.maxFeeMsat }))
        }),
    }
    const ledger = createMemoryLedger()
    const client = market.client({ payer: slow, paymentTimeoutMs: 20, ledger })
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    market.advance(1)
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    expect((await ledger.list()).length).toBe(1)
    giveOrder()
    expect((await client.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-34 is not over because it failed the first time, while another process tries again', async () => {
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
    const ledger = createMemoryLedger()
    const tokens = createMemoryTokenStore()
    let lookups = 0
    const asking: Payer = {
      ...market.buyer,
      lookupPayment: async (hash, signal) => {
        lookups++
        return market.buyer.lookupPayment(hash, signal)
      },
    }
    const first = market.client({ ledger, tokens, payer: asking })
    market.buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    expect((await thrownBy(first.fetch(seller.origin))).code).toBe('PAYMENT_FAILED')
    let giveOrder = (): void => undefined
    const hesitant: Payer = {
      ...market.buyer,
      pay: (invoice, limits) =>
        new Promise((resolve) => {
          giveOrder = () => resolve(market.buyer.pay(invoice, limits))
        }),
    }
    const second = market.client({ ledger, tokens, payer: hesitant }).fetch(seller.origin)
    while ((await ledger.list())[0]!.state !== 'sending') await new Promise(setImmediate)

    // To the wallet, the payment is one that failed. R-PAY-84: the other process is waited for.
    const waiting = first.fetch(seller.origin)
    while (lookups === 0) await new Promise(setImmediate)
    expect((await ledger.list())[0]!.state).toBe('sending')
    expect((await ledger.spending(market.now())).heldMsat).toBe(15_000n)
    giveOrder()
    expect((await second).status).toBe(200)
    expect((await waiting).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-35 is settled by an answer that comes late', async () => {
    const { market, url } = await openShop()
    let answer = (_: PaymentOutcome): void => undefined
    const ledger = createMemoryLedger()
    const deaf: Payer = {
      ...market.buyer,
      pay: () =>
        new Promise((resolve) => {
          answer = resolve
        }),
      // A wallet that can tell nobody anything about its payments.
      lookupPayment: async () => ({ status: 'unknown' }),
    }
    const paying = market.client({ payer: deaf, paymentTimeoutMs: 20, ledger })
    expect((await thrownBy(paying.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    const [entry] = await ledger.list()
    answer(await market.buyer.pay(decodeInvoice(entry!.invoice), { maxFeeMsat: entry!.maxFeeMsat }))
    await new Promise((resolve) => setImmediate(resolve))
    expect((await ledger.list())[0]).toMatchObject({ state: 'settled', tokenStored: true })
    expect((await paying.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-32 is what a wallet leaves that hangs until the time is over', async () => {
    const { market, url } = await openShop()
    const client = market.client({ paymentTimeoutMs: 30 })
    market.buyer.injectFault({ kind: 'hang' })
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    expect((await client.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-32 is what a caller leaves who gives up while the wallet pays', async () => {
    const { market, url } = await openShop()
    const impatience = new AbortController()
    const payer: Payer = {
      ...market.buyer,
      pay: (invoice, limits) => {
        impatience.abort(new Error('enough'))
        return market.buyer.pay(invoice, { ...limits, signal: AbortSignal.timeout(60_000) })
      },
    }
    const client = market.client({ payer })
    const { code, error } = await thrownBy(client.fetch(url, { signal: impatience.signal }))
    expect(code).toBe('PAYMENT_UNKNOWN')
    expect((error as Error).cause).toEqual(new Error('enough'))
    expect((await client.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-32 is what a wallet leaves that throws anything but NODE_UNAVAILABLE', async () => {
    const { market, url } = await openShop()
    let broken = true
    const payer: Payer = {
      ...market.buyer,
      pay: async (invoice, limits) => {
        const outcome = await market.buyer.pay(invoice, limits)
        if (!broken) return outcome
        broken = false
        throw new Error('ECONNRESET')
      },
    }
    const client = market.client({ payer })
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    expect((await client.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-33 of another process, begun in the last moment, is not paid beside', async () => {
    const { market, url } = await openShop()
    const ledger = createMemoryLedger()
    market.buyer.injectFault({ kind: 'in-flight' })
    await thrownBy(market.client({ ledger }).fetch(url))
    // What this one sees was true a moment ago.
    const late = { ...ledger, unfinished: async () => [] }
    expect((await thrownBy(market.client({ ledger: late }).fetch(url))).code).toBe(
      'PAYMENT_UNKNOWN',
    )
    expect((await ledger.list()).length).toBe(1)
  })

  test('R-PAY-32 never begins for a caller who gives up before the wallet is called', async () => {
    const { market, url } = await openShop()
    const ledger = createMemoryLedger()
    const impatience = new AbortController()
    const slow: typeof ledger = {
      ...ledger,
      send: async (paymentHash, attempt) => {
        impatience.abort(new Error('enough'))
        return ledger.send(paymentHash, attempt)
      },
    }
    const client = market.client({ ledger: slow })
    const { error } = await thrownBy(client.fetch(url, { signal: impatience.signal }))
    expect(error).toEqual(new Error('enough'))
    expect((await ledger.spending(market.now())).totalMsat).toBe(0n)
    expect(market.spentMsat()).toBe(0n)
  })

  test('R-PAY-36 is what a wrong preimage leaves: it is neither kept nor sent', async () => {
    const { market, seller, url } = await openShop()
    const ledger = createMemoryLedger()
    const client = market.client({ ledger })
    market.buyer.injectFault({ kind: 'wrong-preimage' })
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
    expect(seller.arrived.every(({ headers }) => headers.authorization === undefined)).toBe(true)
    expect((await ledger.list()).map(({ preimage, state }) => [preimage, state])).toEqual([
      [undefined, 'unknown'],
    ])
    // The money is gone, and stays counted.
    expect(market.spentMsat()).toBe(oneMsat)
    expect((await ledger.spending(market.now())).totalMsat).toBe(15_000n)
  })

  test('R-PAY-74 can be written off: then it blocks nothing, and still holds its money', async () => {
    const { market, seller, url } = await openShop()
    const ledger = createMemoryLedger()
    const client = market.client({ ledger })
    market.buyer.injectFault({ kind: 'in-flight' })
    await thrownBy(client.fetch(url))
    await client.abandon(hashHex(seller.sold[0]!))

    expect(client.purchaseOf(await client.fetch(url))).toMatchObject({ resumed: false })
    expect((await ledger.spending(market.now())).heldMsat).toBe(15_000n)
    market.buyer.resolvePayment(seller.sold[0]!.paymentHash, 'settle')
    expect((await client.reconcile()).map(({ state }) => state)).toEqual(['settled'])
    const spending = await ledger.spending(market.now())
    expect([spending.heldMsat, spending.totalMsat]).toEqual([0n, 2n * oneMsat])
    await expect(client.abandon('00')).rejects.toThrow(RangeError)
  })
})

describe('R-PAY-32 a wallet whose answer cannot be read', () => {
  for (const [name, said] of [
    ['nothing', undefined],
    ['null', null],
    ['a status nobody knows', { status: 'paid' }],
    ['a failure for no reason', { status: 'failed' }],
  ] as const) {
    test(`and is ${name} has perhaps paid: it is asked again, and nothing is paid twice`, async () => {
      const { market, seller, url } = await openShop()
      const ledger = createMemoryLedger()
      let broken = true
      const payer: Payer = {
        ...market.buyer,
        pay: async (invoice, limits) => {
          await market.buyer.pay(invoice, limits)
          return said as never
        },
        lookupPayment: async (hash, signal) =>
          broken && said !== undefined
            ? (said as never)
            : broken
              ? ({} as never)
              : market.buyer.lookupPayment(hash, signal),
      }
      const client = market.client({ payer, ledger })
      const { code, details, error } = await thrownBy(client.fetch(url))
      expect([code, client.outcomeOf(error)]).toEqual(['PAYMENT_UNKNOWN', 'unknown'])
      expect(details['paymentHash']).toBe(hashHex(seller.sold[0]!))
      expect((await ledger.list()).map(({ state }) => state)).toEqual(['unknown'])
      expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_UNKNOWN')
      expect((await ledger.spending(market.now())).heldMsat).toBe(15_000n)
      broken = false
      expect((await client.fetch(url)).status).toBe(200)
      expect(market.spentMsat()).toBe(oneMsat)
    })
  }

  test('R-PAY-24 in its fee alone has paid, and its fee counts as all that was allowed', async () => {
    const { market, url } = await openShop()
    const ledger = createMemoryLedger()
    const payer: Payer = {
      ...market.buyer,
      pay: async (invoice, limits) => {
        const outcome = await market.buyer.pay(invoice, limits)
        return { ...outcome, feeMsat: -1000n } as never
      },
    }
    const client = market.client({ payer, ledger })
    const response = await client.fetch(url)
    expect(client.purchaseOf(response)).toMatchObject({ outcome: 'paid_delivered', feeMsat: 5000n })
    const spending = await ledger.spending(market.now())
    expect([spending.heldMsat, spending.totalMsat]).toEqual([0n, 15_000n])
  })
})

describe('R-PAY-24 what a wallet took', () => {
  test('is counted in full, also where it is more than the invoice and its fee', async () => {
    const { market, url } = await openShop()
    const ledger = createMemoryLedger()
    const payer: Payer = {
      ...market.buyer,
      pay: async (invoice, limits) => {
        const outcome = await market.buyer.pay(invoice, limits)
        if (outcome.status !== 'settled') return outcome
        return { ...outcome, amountMsat: msat(outcome.amountMsat + 999n) }
      },
    }
    const client = market.client({ payer, ledger })
    const response = await client.fetch(url)
    expect(client.purchaseOf(response)).toMatchObject({ amountMsat: 10_000n, feeMsat: 2000n })
    expect((await ledger.spending(market.now())).totalMsat).toBe(12_000n)
  })
})

describe('a payment that failed', () => {
  test('R-PAY-32 costs nothing and releases its money', async () => {
    const { market, url } = await openShop()
    const ledger = createMemoryLedger()
    const client = market.client({ ledger })
    market.buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    const { code, details, error } = await thrownBy(client.fetch(url))
    expect([code, details['reason']]).toEqual(['PAYMENT_FAILED', 'no-route'])
    expect(client.outcomeOf(error)).toBe('not_paid')
    expect((await ledger.spending(market.now())).totalMsat).toBe(0n)
    expect((await client.fetch(url)).status).toBe(200)
  })

  test('R-PAY-32 was never ordered when the wallet cannot be reached', async () => {
    const { market, seller, url } = await openShop()
    const ledger = createMemoryLedger()
    const client = market.client({ ledger })
    market.buyer.injectFault({ kind: 'unavailable' })
    const { code, error } = await thrownBy(client.fetch(url))
    expect(code).toBe('NODE_UNAVAILABLE')
    expect(client.outcomeOf(error)).toBe('not_paid')
    expect((await ledger.spending(market.now())).totalMsat).toBe(0n)
    // What is free or was bought works without a wallet.
    await client.fetch(url)
    market.buyer.setReachable(false)
    expect((await client.fetch(url)).status).toBe(200)
    expect((await client.fetch(`${seller.origin}/free`)).status).toBe(200)
  })

  test('R-PAY-31 may be tried again with the same invoice', async () => {
    const market = openMarket()
    let same: Awaited<ReturnType<Seller['demand']>> | undefined
    const seller = await startSeller({
      ...market,
      answer: async (request, by) => {
        if (by.isPaid(request)) return { body: 'paid' }
        same ??= await by.demand()
        return same
      },
    })
    const client = market.client()
    market.buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    await thrownBy(client.fetch(seller.origin))
    expect((await client.fetch(seller.origin)).status).toBe(200)
    expect(seller.sold.length).toBe(1)
  })
})

describe('R-PAY-37 an invoice that is paid already', () => {
  test('by this wallet, which answers as if by another, is not paid twice', async () => {
    const { market, seller, url } = await openShop()
    const client = market.client()
    market.buyer.injectFault({ kind: 'duplicate' })
    const response = await client.fetch(url)
    expect(response.status).toBe(200)
    expect(client.purchaseOf(response)).toMatchObject({ outcome: 'paid_delivered' })
    expect(seller.sold.length).toBe(1)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('by somebody else, is asked for anew', async () => {
    const { market, seller, url } = await openShop()
    const other = market.devnet.addNode('other', { balanceMsat: market.buyer.balanceMsat() })
    const payer: Payer = {
      ...market.buyer,
      pay: async (invoice, limits) => {
        if (seller.sold.length === 1) await other.pay(decodeInvoice(invoice.text), limits)
        return market.buyer.pay(invoice, limits)
      },
    }
    const client = market.client({ payer })
    expect((await client.fetch(url)).status).toBe(200)
    expect(seller.sold.length).toBe(2)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('again and again, is asked for twice and no more', async () => {
    const { market, seller, url } = await openShop()
    const other = market.devnet.addNode('other', { balanceMsat: market.buyer.balanceMsat() })
    const payer: Payer = {
      ...market.buyer,
      pay: async (invoice, limits) => {
        await other.pay(invoice, limits)
        return market.buyer.pay(invoice, limits)
      },
    }
    const client = market.client({ payer })
    const { code, details } = await thrownBy(client.fetch(url))
    expect([code, details['reason']]).toEqual(['PAYMENT_FAILED', 'already-paid'])
    expect(seller.sold.length).toBe(3)
    expect(market.spentMsat()).toBe(0n)
  })

  test('by an earlier call, which used up its token, leads to a fresh challenge', async () => {
    const market = openMarket()
    // One open challenge for everybody, as long as it is not used.
    let open: Awaited<ReturnType<Seller['demand']>> | undefined
    const seller = await startSeller({
      ...market,
      answer: async (request, by) => {
        if (by.isPaid(request)) {
          open = undefined
          return { body: 'paid' }
        }
        open ??= await by.demand({ uses: 1 })
        return open
      },
    })
    const client = market.client()
    const calls = Array.from({ length: 5 }, () => client.fetch(seller.origin))
    for (const call of calls) expect((await call).status).toBe(200)
    expect(market.spentMsat()).toBe(5n * oneMsat)
  })
})
