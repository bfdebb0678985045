import { chmodSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { Running } from '../e2e/satway.ts'
import { freePort, makeHome, satway, startSatway } from '../e2e/satway.ts'
import type { TestUpstream } from '../gateway/upstream.ts'
import { openUpstream } from '../gateway/upstream.ts'
import type { RunningGateway } from './gateway.ts'
import { startGateway, untilServing } from './gateway.ts'
import { openLnd } from './lnd-conformance.ts'
import type { Member, Regtest } from './network.ts'
import { walletUri } from './network.ts'
import { buyerBalance, invoicesOf, paymentsOf } from './node-control.ts'
import { until } from './until.ts'

/** The two commands of the README, with a real node on each side and one in between. */
export function describeDemo(network: () => Regtest): void {
  describe('satway gateway and satway get, each with an lnd node', () => {
    const home = makeHome()
    let upstream: TestUpstream
    let gateway: Running
    let url: string
    const args = (port: number, role: 'admin' | 'receive', ...more: readonly string[]) => {
      const wallet = walletUri(network().seller, role)
      return [
        ...['gateway', '--upstream', upstream.url, '--price', '10sat', '--wallet', wallet],
        ...['--listen', `127.0.0.1:${port}`, '--admin', 'off', ...more],
      ]
    }
    beforeAll(async () => {
      upstream = await openUpstream()
      const port = await freePort()
      url = `http://127.0.0.1:${port}`
      gateway = startSatway(home.path, args(port, 'receive'))
      await untilServing(gateway)
    })
    afterAll(async () => {
      await gateway?.stop('SIGTERM')
      await upstream?.close()
      home.remove()
    })
    /** A flag may name secrets of the home only. */
    const get = (path: string, member: Member, wallet = walletUri(member, 'pay')) =>
      satway(home.path, ['get', '--wallet', wallet, url + path], {
        env: { SATWAY_HOME: member.home },
      })

    test('R-GWW-8 R-REG-1 asks for money, is paid over the hop, serves, and is not paid again', async () => {
      const { buyer, seller } = network()
      const before = await buyerBalance(network())
      const unpaid = await fetch(`${url}/a`)
      expect(unpaid.status).toBe(402)
      const { invoice } = (await unpaid.json()) as { invoice: string }
      expect(decodeInvoice(invoice)).toMatchObject({ network: 'regtest', amountMsat: 10_000n })
      expect(encodeHex(decodeInvoice(invoice).payee)).toBe(seller.nodeId)

      const bought = await get('/a', buyer)
      expect([bought.code, bought.stdout]).toEqual([0, 'served'])
      expect(bought.stderr).toContain('Paid 10 sat')
      const after = await buyerBalance(network())
      const [last] = (await paymentsOf(buyer)).toReversed()
      expect(last).toMatchObject({ status: 'SUCCEEDED', value_msat: '10000', fee_msat: '1000' })
      expect(before - after).toBe(11_000n)

      const again = await get('/a', buyer)
      expect([again.code, again.stdout]).toEqual([0, 'served'])
      expect(again.stderr).not.toContain('Paid')
      expect(await buyerBalance(network())).toBe(after)
      const sold = (await invoicesOf(seller)).findLast(({ state }) => state === 'SETTLED')
      expect(sold?.amt_paid_msat).toBe('10000')
      const { stdout, stderr } = gateway
      for (const file of [seller.receive, buyer.pay]) {
        expect(stdout() + stderr() + bought.stderr).not.toContain(Buffer.from(file).toString('hex'))
      }
    })

    test('R-GWW-11 a gateway whose macaroon can spend does not start, unless it is told to', async () => {
      const other = makeHome()
      const refused = await satway(other.path, args(await freePort(), 'admin'))
      expect(refused.code).toBe(1)
      expect(refused.stderr).toMatch(/spend/)
      expect(refused.stderr).toContain('bakemacaroon')
      const told = startSatway(other.path, args(await freePort(), 'admin', '--allow-spending'))
      await untilServing(told)
      expect(told.stderr()).toMatch(/spend/)
      await told.stop('SIGTERM')
      other.remove()
    })

    test('R-WAL-10 R-LN-15 a macaroon that others may read, or that cannot pay, is named with what to do', async () => {
      // One that has bought nothing yet.
      const { hop } = network()
      const open = join(hop.home, 'open.macaroon')
      copyFileSync(hop.files.pay, open)
      chmodSync(open, 0o644)
      const shown = await get('/b', hop, walletUri(hop, 'pay').replace(hop.files.pay, open))
      expect(shown.code).not.toBe(0)
      expect(shown.stderr).toMatch(/chmod 600|0600/)
      const cannot = await get('/b', hop, walletUri(hop, 'receive'))
      expect(cannot.code).not.toBe(0)
      expect(cannot.stderr).toMatch(/macaroon/)
    })
  })

  describe('satway gateway whose node goes and comes back', () => {
    const home = makeHome()
    let upstream: TestUpstream
    let gateway: RunningGateway
    beforeAll(async () => {
      upstream = await openUpstream()
      gateway = await startGateway({
        folder: join(home.path, 'gateway'),
        upstream: upstream.url,
        wallet: walletUri(network().seller, 'receive'),
        routes: ['GET /item/:id: { price: 10 sat, uses: 1 }'],
      })
    })
    afterAll(async () => {
      await gateway?.stop()
      await upstream?.close()
      home.remove()
    })

    test('R-GWW-12 R-GWW-22 sells again within 5 s, and has what was paid meanwhile in its ledger', async () => {
      const { seller, buyer } = network()
      const wallet = openLnd(buyer, 'pay')
      const ask = async (): Promise<string> => {
        const response = await fetch(`${gateway.url}/item/x`)
        if (response.status !== 402) throw new Error(String(response.status))
        return ((await response.json()) as { invoice: string }).invoice
      }
      const pay = (invoice: string) =>
        wallet.payer.pay(decodeInvoice(invoice), { maxFeeMsat: msat(5_000n) })
      const early = await ask()
      await seller.stop()
      const down = await fetch(`${gateway.url}/item/y`)
      // An open offer is handed out again; a new one cannot be made.
      expect([402, 503]).toContain(down.status)
      await seller.start()
      const back = performance.now()
      const late = await until('an offer', ask)
      expect(performance.now() - back).toBeLessThan(5_000)
      await network().untilLinked()
      const hashes: string[] = []
      for (const invoice of new Set([early, late])) {
        expect((await pay(invoice)).status).toBe('settled')
        hashes.push(encodeHex(decodeInvoice(invoice).paymentHash))
      }
      await until(
        'the ledger to have them',
        async () => {
          const ledger = await gateway.ledger()
          return hashes.every((hash) => ledger.get(hash) === 10_000n)
        },
        { limitMs: 10_000 },
      )
      wallet.close()
    })
  })
}
