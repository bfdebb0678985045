import { afterEach, describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import type { Invoice } from '../../library/src/invoice/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { Settlement } from '../../library/src/lightning/index.ts'
import type { LndWallet } from '../../library/src/lightning/lnd/index.ts'
import { watchSettlements } from '../../library/src/server/index.ts'
import { openLnd } from './lnd-conformance.ts'
import type { Regtest } from './network.ts'
import { openTcpProxy } from './tcp-proxy.ts'
import { until } from './until.ts'

const maxFeeMsat = msat(10_000n)
const order = { amountMsat: msat(7_000n), description: 'reconnect', expirySeconds: 600 }
const mostMs = 5_000

/** A node that goes and comes back is used again by itself, and nothing that settled is missed. */
export function describeReconnect(network: () => Regtest): void {
  describe('R-LN-15 a node that returns is used again within 5 s', () => {
    const wallets: LndWallet[] = []
    afterEach(() => {
      for (const wallet of wallets.splice(0)) wallet.close()
    })
    const open = (name: 'buyer' | 'seller', role: 'pay' | 'receive'): LndWallet => {
      const wallet = openLnd(network()[name], role)
      wallets.push(wallet)
      return wallet
    }

    for (const how of ['stop', 'kill'] as const) {
      test(`as a payee, after a ${how}: sells, and is told of what settles`, async () => {
        const { seller } = network()
        const { payee } = open('seller', 'receive')
        const { payer } = open('buyer', 'pay')
        const told: Settlement[] = []
        let broken = 0
        const stop = watchSettlements(payee, {
          settled: (settlement) => told.push(settlement),
          broken: () => broken++,
        })
        const isTold = (text: string): boolean => {
          const hash = encodeHex(decodeInvoice(text).paymentHash)
          return told.some(({ paymentHash }) => encodeHex(paymentHash) === hash)
        }
        const sell = async (): Promise<string> => (await payee.createInvoice(order)).invoice
        const pay = (text: string) => payer.pay(decodeInvoice(text), { maxFeeMsat })

        const first = await sell()
        expect((await pay(first)).status).toBe('settled')
        await until('the first settlement', async () => isTold(first))

        const early = await sell()
        await seller[how]()
        await until('the break to be seen', async () => broken > 0)
        await seller.start()
        const back = performance.now()
        // The first invoice after the return, asked for until there is one.
        const late = await until('an invoice after the return', sell)
        const sellsMs = performance.now() - back
        await network().untilLinked()
        const linked = performance.now()
        for (const text of [early, late]) expect((await pay(text)).status).toBe('settled')
        for (const text of [early, late]) {
          await until('a settlement after the return', async () => isTold(text), {
            limitMs: mostMs,
          })
        }
        const tellsMs = performance.now() - linked
        await stop()
        expect(sellsMs).toBeLessThan(mostMs)
        expect(tellsMs).toBeLessThan(mostMs)
        expect(told).toHaveLength(3)
      })
    }

    test('R-LND-8 as a payee that was cut off: what settled meanwhile is told once, also of another process', async () => {
      const { seller } = network()
      const proxy = await openTcpProxy(seller.port)
      const own = openLnd(seller, 'receive', proxy.port)
      wallets.push(own)
      const other = open('seller', 'receive')
      const { payer } = open('buyer', 'pay')
      const told: string[] = []
      let broken = 0
      const stop = watchSettlements(own.payee, {
        settled: ({ paymentHash }) => told.push(encodeHex(paymentHash)),
        broken: () => broken++,
      })
      try {
        const sell = async ({ payee }: LndWallet) =>
          decodeInvoice((await payee.createInvoice(order)).invoice)
        const buy = async (invoice: Invoice): Promise<string> => {
          expect((await payer.pay(invoice, { maxFeeMsat })).status).toBe('settled')
          return encodeHex(invoice.paymentHash)
        }
        // One that was made elsewhere is told by the stream alone: so it stands.
        const before = [await buy(await sell(own)), await buy(await sell(other))]
        await until('what settled before', async () => told.length === 2)
        const invoices = [await sell(own), await sell(other)]
        await proxy.setReachable(false)
        await until('the break to be seen', async () => broken > 0)
        const meanwhile = []
        for (const invoice of invoices) meanwhile.push(await buy(invoice))
        expect(told).toHaveLength(2)
        await proxy.setReachable(true)
        const back = { limitMs: mostMs }
        await until('what settled meanwhile', async () => told.length >= 4, back)
        const after = await buy(await sell(other))
        await until('what settles after', async () => told.includes(after))
        expect(told.toSorted()).toEqual([...before, ...meanwhile, after].toSorted())
      } finally {
        await stop()
        own.close()
        await proxy.close()
      }
    })

    test('as a payer: pays as soon as its channels can be used', async () => {
      const { buyer } = network()
      const { payee } = open('seller', 'receive')
      const { payer } = open('buyer', 'pay')
      const invoice = decodeInvoice((await payee.createInvoice(order)).invoice)
      await buyer.kill()
      await expect(payer.pay(invoice, { maxFeeMsat })).rejects.toMatchObject({
        code: 'NODE_UNAVAILABLE',
      })
      await buyer.start()
      await network().untilLinked()
      const back = performance.now()
      expect((await payer.pay(invoice, { maxFeeMsat })).status).toBe('settled')
      expect(performance.now() - back).toBeLessThan(mostMs)
    })
  })
}
