import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeHex } from '../../library/src/bytes/index.ts'
import { makeHome } from '../e2e/satway.ts'
import type { TestUpstream } from '../gateway/upstream.ts'
import { openUpstream } from '../gateway/upstream.ts'
import type { RunningGateway } from './gateway.ts'
import { startGateway } from './gateway.ts'
import type { Regtest } from './network.ts'
import { walletUri } from './network.ts'
import type { Balances } from './node-control.ts'
import { balancesOf, invoicesOf, paymentsOf } from './node-control.ts'
import type { Purse } from './purse.ts'
import { openPurse } from './purse.ts'
import { until } from './until.ts'

const inTurn = Number(process.env['SATWAY_REGTEST_PURCHASES'] ?? 1000)
const atOnce = 50
const priceMsat = 10_000n

/** Many purchases through the gateway, then four books side by side. */
export function describePurchases(network: () => Regtest, report: (line: string) => void): void {
  describe(`${inTurn} purchases in turn, ${atOnce} at once`, () => {
    const home = makeHome()
    let upstream: TestUpstream
    let gateway: RunningGateway
    let purse: Purse
    let before: Balances
    const balances = () => balancesOf(network())
    const buy = async (item: string): Promise<void> => {
      const response = await purse.client.fetch(`${gateway.url}/item/${item}`)
      expect([response.status, await response.text()]).toEqual([200, 'served'])
    }

    beforeAll(async () => {
      upstream = await openUpstream()
      gateway = await startGateway({
        folder: join(home.path, 'gateway'),
        upstream: upstream.url,
        wallet: walletUri(network().seller, 'receive'),
        routes: [`GET /item/:id: { price: ${priceMsat / 1000n} sat, uses: 1 }`],
      })
      purse = await openPurse(network(), network().buyer, { paymentTimeoutMs: 60_000 })
      before = await balances()
    })
    afterAll(async () => {
      await purse?.close()
      await gateway?.stop()
      await upstream?.close()
      home.remove()
    })

    test('R-REG-2 each is paid once and served', async () => {
      const began = performance.now()
      for (let i = 0; i < inTurn; i++) await buy(`turn-${i}`)
      const turnSeconds = (performance.now() - began) / 1000
      report(`${inTurn} purchases in turn: ${(inTurn / turnSeconds).toFixed(1)} a second`)
      const together = performance.now()
      await Promise.all(Array.from({ length: atOnce }, (_, i) => buy(`once-${i}`)))
      const onceSeconds = (performance.now() - together) / 1000
      report(`${atOnce} purchases at once: ${(atOnce / onceSeconds).toFixed(1)} a second`)
      expect(upstream.seen).toHaveLength(inTurn + atOnce)
    }, 600_000)

    test('R-REG-2 the books of both nodes, of the buyer and of the gateway agree to the msat', async () => {
      const { buyer, seller } = network()
      const ours = new Map<string, { readonly amountMsat: bigint; readonly feeMsat: bigint }>()
      for (const { payment_hash: hash, ...payment } of await paymentsOf(buyer)) {
        const entry = await purse.journal.ledger.find(hash)
        if (entry === undefined) continue
        expect(payment.status).toBe('SUCCEEDED')
        const { amountMsat, feeMsat = -1n } = entry
        expect([amountMsat, feeMsat].map(String)).toEqual([payment.value_msat, payment.fee_msat])
        ours.set(hash, { amountMsat, feeMsat })
      }
      expect(ours.size).toBe(inTurn + atOnce)

      const received = new Map<string, bigint>()
      for (const invoice of await invoicesOf(seller)) {
        const hash = encodeHex(Buffer.from(invoice.r_hash, 'base64'))
        if (ours.has(hash)) received.set(hash, BigInt(invoice.amt_paid_msat))
      }
      const expected = new Map([...ours].map(([hash, { amountMsat }]) => [hash, amountMsat]))
      expect(received).toEqual(expected)
      const ledger = await until('the gateway to have heard of all', async () => {
        const heard = await gateway.ledger()
        return heard.size >= ours.size && heard
      })
      expect(ledger).toEqual(expected)

      const amountsMsat = sum([...ours.values()].map(({ amountMsat }) => amountMsat))
      const feesMsat = sum([...ours.values()].map(({ feeMsat }) => feeMsat))
      expect(amountsMsat).toBe(priceMsat * BigInt(inTurn + atOnce))
      expect(await purse.spent()).toMatchObject({
        totalMsat: amountsMsat + feesMsat,
        heldMsat: 0n,
      })
      const after = await balances()
      expect(before.buyer - after.buyer).toBe(amountsMsat + feesMsat)
      expect(after.hop - before.hop).toBe(feesMsat)
      expect(after.seller - before.seller).toBe(amountsMsat)
    })
  })
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
