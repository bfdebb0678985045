import { decodeInvoice, encodeHex, msat } from 'satway'
import type { Payee, Settlement } from 'satway/lightning'
import { createDevnet } from 'satway/lightning/devnet'
import type { ConformanceRig } from 'satway/testing'
import { payeeConformance, testClock } from 'satway/testing'
import { describe, expect, test } from 'vitest'
import { SettlementHub } from './settlement-hub.ts'
import { sharePayee } from './shared-payee.ts'

function open() {
  const clock = testClock()
  const devnet = createDevnet({ now: clock.now })
  const seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
  const buyer = devnet.addNode('buyer', { balanceMsat: msat(10_000_000n) })
  let streams = 0
  const counting: Payee = {
    network: seller.network,
    maxDescriptionBytes: 639,
    createInvoice: seller.createInvoice,
    lookupInvoice: seller.lookupInvoice,
    settlements: (signal) => {
      streams++
      return seller.settlements(signal)
    },
  }
  const hub = new SettlementHub(counting, { settled: () => undefined, broken: () => undefined })
  const pay = async (): Promise<string> => {
    const order = { amountMsat: msat(1000n), description: '', expirySeconds: 60 }
    const invoice = decodeInvoice((await seller.createInvoice(order)).invoice)
    await buyer.pay(invoice, { maxFeeMsat: msat(10_000n) })
    return encodeHex(invoice.paymentHash)
  }
  const payee = sharePayee(counting, hub)
  return { clock, seller, buyer, hub, payee, streams: () => streams, pay }
}

describe('R-WRK-12 all services of a process read one stream of the wallet', () => {
  test('each is told everything, once, and the wallet has one reader', async () => {
    const { hub, payee, streams, pay } = open()
    const stop = new AbortController()
    const readers = Array.from({ length: 5 }, () => payee.settlements(stop.signal))
    const paid = [await pay(), await pay()]
    for (const reader of readers) {
      const told: Settlement[] = []
      for await (const settlement of reader) {
        told.push(settlement)
        if (told.length === 2) break
      }
      expect(told.map(({ paymentHash }) => encodeHex(paymentHash))).toEqual(paid)
    }
    expect(streams()).toBe(1)
    stop.abort()
    await hub.stop()
  })

  test('a stream that breaks breaks for all of them', async () => {
    const { hub, payee, seller } = open()
    const stop = new AbortController()
    const waiting = [1, 2].map(() => payee.settlements(stop.signal)[Symbol.asyncIterator]().next())
    seller.setReachable(false)
    for (const one of waiting) await expect(one).rejects.toThrow('cannot be reached')
    const late = payee.settlements(stop.signal)[Symbol.asyncIterator]()
    await expect(late.next()).rejects.toThrow('cannot be reached')
    await hub.stop()
  })

  test('what the wallet cannot say in an invoice is known of it too', () => {
    expect(open().payee).toMatchObject({ network: 'regtest', maxDescriptionBytes: 639 })
  })
})

describe('R-WRK-10 the shared payee conforms to the port', () => {
  const rig = async (): Promise<ConformanceRig> => {
    const { payee, seller, buyer, hub, clock } = open()
    return {
      payee,
      payer: buyer,
      controls: {
        advance: clock.advance,
        otherPayer: buyer,
        createHoldInvoice: async (paymentHash, amountMsat) => {
          const order = { amountMsat, description: '', expirySeconds: 600, paymentHash }
          return (await seller.createHoldInvoice(order)).invoice
        },
        settleHold: seller.settleHold,
        cancelHold: seller.cancelHold,
        setReachable: seller.setReachable,
      },
      close: () => hub.stop(),
    }
  }
  for (const { name, run } of payeeConformance(rig)) {
    test(name, async () => expect(await run()).toBeUndefined())
  }
})
