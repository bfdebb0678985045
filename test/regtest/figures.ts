import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import type { Invoice } from '../../library/src/invoice/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { LndWallet } from '../../library/src/lightning/lnd/index.ts'
import { createHttpsJson } from './https-json.ts'
import { openLnd } from './lnd-conformance.ts'
import type { LndNode } from './lnd-node.ts'
import type { Regtest } from './network.ts'

const rounds = 48
const batches = 4
const warmUp = 20
/** Beyond the wire, and what the same request costs without the adapter. */
const mostMs = 2
const order = { amountMsat: msat(1_000n), description: 'figures', expirySeconds: 600 }

/** What the adapter costs, beside what the nodes do in the same time. */
export function describeFigures(network: () => Regtest, report: (line: string) => void): void {
  describe('the adapter of lnd', () => {
    let payee: LndWallet
    let payer: LndWallet
    beforeAll(() => {
      payee = openLnd(network().seller, 'receive')
      payer = openLnd(network().buyer, 'pay')
    })
    afterAll(() => {
      payee.close()
      payer.close()
    })

    const measure = async (
      what: string,
      nodes: readonly LndNode[],
      work: () => Promise<unknown>,
    ): Promise<number> => {
      for (let i = 0; i < warmUp; i++) await work() // compiled, connected
      const nodesBefore = nodes.map((node) => node.cpuMs())
      const began = performance.now()
      const batchesMs: number[] = []
      for (let batch = 0; batch < batches; batch++) {
        const before = process.cpuUsage()
        for (let i = 0; i < rounds / batches; i++) await work()
        const { user, system } = process.cpuUsage(before)
        batchesMs.push((user + system) / 1000 / (rounds / batches))
      }
      const wallMs = (performance.now() - began) / rounds
      // What else runs on the machine only ever adds to it.
      const ownMs = Math.min(...batchesMs)
      const theirs = nodes.map(
        (node, i) => `${node.name} ${((node.cpuMs() - nodesBefore[i]!) / rounds).toFixed(1)}`,
      )
      report(
        `${what}: ${ownMs.toFixed(2)} ms CPU here, ${theirs.join(', ')} in the nodes; ${wallMs.toFixed(1)} ms in all`,
      )
      return ownMs
    }

    test('R-LN-1 takes at most 2 ms of CPU for an invoice', async () => {
      const { seller } = network()
      const body = { value_msat: '1000', memo: 'figures', expiry: '600' }
      const bareMs = await measure('an invoice by a bare request', [seller], () =>
        seller.rest('/v1/invoices', body),
      )
      const ownMs = await measure('an invoice by the adapter', [seller], () =>
        payee.payee.createInvoice(order),
      )
      expect(ownMs - bareMs).toBeLessThan(mostMs)
    })

    test('R-LN-7 takes at most 2 ms of CPU for a payment', async () => {
      const { buyer, hop, seller } = network()
      const nodes = [buyer, hop, seller]
      const invoices = await Promise.all(
        Array.from({ length: 2 * (rounds + warmUp) }, async () => {
          const { invoice } = await payee.payee.createInvoice(order)
          return decodeInvoice(invoice)
        }),
      )
      const next = (): Invoice => {
        const invoice = invoices.pop()
        if (invoice === undefined) throw new Error('No invoice is left.')
        return invoice
      }
      const bareMs = await measure('a payment by a bare request', nodes, async () => {
        const body = {
          payment_request: next().text,
          fee_limit_msat: '10000',
          timeout_seconds: 60,
          no_inflight_updates: true,
        }
        // On a connection of its own, as the adapter sends an order.
        const { certificate, port, admin } = buyer
        const headers = () => ({ 'grpc-metadata-macaroon': Buffer.from(admin).toString('hex') })
        const own = createHttpsJson({ port, certificate, headers })
        await own.ask('/v2/router/send', body)
        own.close()
      })
      const ownMs = await measure('a payment by the adapter', nodes, async () => {
        const outcome = await payer.payer.pay(next(), { maxFeeMsat: msat(10_000n) })
        expect(outcome.status).toBe('settled')
      })
      expect(ownMs - bareMs).toBeLessThan(mostMs)
    })
  })
}
