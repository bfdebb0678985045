import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeHex, encodeHex } from '../../library/src/bytes/index.ts'
import { crashPoints } from '../../library/src/client/crash-point.ts'
import { hashPreimage, preimage } from '../../library/src/invoice/index.ts'
import { openJournal } from '../../library/src/journal/index.ts'
import type { LndWallet } from '../../library/src/lightning/lnd/index.ts'
import type { BuyerNews, BuyerOrder } from './buyer.ts'
import { openLnd } from './lnd-conformance.ts'
import type { Regtest } from './network.ts'
import { buyerBalance, invoicesOf, paymentsOf } from './node-control.ts'
import type { Shop } from './shop.ts'
import { openShop } from './shop.ts'

/** How often a buyer dies at each point, and at moments of chance. */
const deathsAtEachPoint = 2
const deathsByChance = 24
/** How many buyers at a time, on one journal. */
const chains = 4
const paymentTimeoutMs = 20_000

/** Buyers that are killed while they pay with a real node, judged by the books of the nodes. */
export function describeCrashes(network: () => Regtest): void {
  describe('R-PAY-39 buyers on lnd that die while they buy', () => {
    let shop: Shop
    let payee: LndWallet
    let journalFile: string
    let balanceBefore: bigint
    const items: string[] = []
    const news: BuyerNews[] = []
    const failures: string[] = []

    const play = async (
      plan: Pick<BuyerOrder, 'finish' | 'buy' | 'dieAt'>,
      killAfterMs?: number,
    ): Promise<void> => {
      const { buyer } = network()
      const order: BuyerOrder = {
        journal: journalFile,
        wallet: {
          url: buyer.url,
          macaroonFile: buyer.files.pay,
          certificateFile: buyer.certificateFile,
        },
        origin: shop.origin,
        paymentTimeoutMs,
        ...plan,
      }
      const child = spawn(
        process.execPath,
        ['--no-warnings', join(import.meta.dirname, 'buyer.ts'), JSON.stringify(order)],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      )
      const { signal, stderr } = await follow(child, async (one) => {
        news.push(one)
        if (one.kind !== 'buying' || killAfterMs === undefined) return
        await pause(killAfterMs)
        child.kill('SIGKILL')
      })
      if (signal !== 'SIGKILL' && child.exitCode !== 0) failures.push(stderr.slice(-1000))
    }

    beforeAll(async () => {
      const { seller, folder } = network()
      journalFile = join(folder, 'crash', 'journal.db')
      payee = openLnd(seller, 'receive')
      shop = await openShop(payee.payee)
      balanceBefore = await buyerBalance(network())

      const deaths = [
        ...crashPoints.flatMap((dieAt) => Array.from({ length: deathsAtEachPoint }, () => dieAt)),
        ...Array.from({ length: deathsByChance }, () => undefined),
      ]
      let number = 0
      const chain = async (): Promise<void> => {
        let finish: readonly string[] = []
        for (;;) {
          const death = number++
          if (death >= deaths.length) break
          const item = `crash-${death}`
          items.push(item)
          const dieAt = deaths[death]
          const plan = { finish, buy: [item], ...(dieAt !== undefined && { dieAt }) }
          // A purchase takes some hundred ms, of which the payment is the most.
          await play(plan, dieAt === undefined ? randomInt(250) : undefined)
          finish = [item]
        }
        await play({ finish, buy: [] })
      }
      await Promise.all(Array.from({ length: chains }, chain))
    }, 600_000)
    afterAll(async () => {
      await shop?.close()
      payee?.close()
    })

    test('died at every point, finished everything, and failed nowhere else', () => {
      expect(failures).toEqual([])
      const died = news.flatMap((one) => (one.kind === 'dying' ? [one.point] : []))
      for (const point of crashPoints) {
        expect(died.filter((one) => one === point)).toHaveLength(deathsAtEachPoint)
      }
      expect(news.filter(({ kind }) => kind === 'refused')).toEqual([])
      for (const item of items) expect(shop.delivered(item), item).toBeGreaterThan(0)
    })

    test('paid for nothing twice: the seller has one settled invoice for each item', async () => {
      const settled = (await invoicesOf(network().seller))
        .filter(({ state, memo }) => state === 'SETTLED' && memo.startsWith('crash-'))
        .map(({ memo }) => memo)
      expect(settled.toSorted()).toEqual(items.toSorted())
    })

    test('has every preimage, and counts to the msat what the node paid', async () => {
      const { buyer } = network()
      const journal = await openJournal({ path: journalFile, key: new Uint8Array(32).fill(9) })
      try {
        const payments = await paymentsOf(buyer)
        let spentMsat = 0n
        let found = 0
        for (const payment of payments) {
          const entry = await journal.ledger.find(payment.payment_hash)
          if (entry === undefined || payment.status !== 'SUCCEEDED') continue
          found++
          spentMsat += BigInt(payment.value_msat) + BigInt(payment.fee_msat)
          const proof = preimage(decodeHex(entry.preimage ?? ''))
          expect(encodeHex(hashPreimage(proof))).toBe(payment.payment_hash)
          expect(entry.tokenStored).toBe(true)
        }
        expect(found).toBe(items.length)
        const { totalMsat, heldMsat } = await journal.ledger.spending(Date.now() / 1000)
        expect(totalMsat).toBe(spentMsat)
        expect(heldMsat).toBe(0n)
        expect(balanceBefore - (await buyerBalance(network()))).toBe(spentMsat)
      } finally {
        await journal.close()
      }
    })

    test('recovered within 5 s of the next start', () => {
      const ms = news.flatMap((one) => (one.kind === 'recovered' ? [one.ms] : []))
      const sorted = ms.toSorted((a, b) => a - b)
      expect(sorted[sorted.length >> 1]).toBeLessThan(5000)
    })
  })
}

/** Hears what a child says until it ends. */
async function follow(
  child: ChildProcess,
  hear: (news: BuyerNews) => Promise<void>,
): Promise<{ readonly signal: NodeJS.Signals | null; readonly stderr: string }> {
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += String(chunk)
  })
  const lines = createInterface({ input: child.stdout! })
  lines.on('line', (line) => void hear(JSON.parse(line) as BuyerNews))
  const limit = setTimeout(() => child.kill('SIGTERM'), 60_000)
  await once(child, 'close')
  clearTimeout(limit)
  return { signal: child.signalCode, stderr }
}
