import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { msat, satToMsat } from 'satway'
import type { Payee } from 'satway/lightning'
import type { DevnetNode } from 'satway/lightning/devnet'
import { createDevnet } from 'satway/lightning/devnet'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { State } from '../../program/src/gateway/state/index.ts'
import { openState } from '../../program/src/gateway/state/index.ts'
import type { Stage } from './stage.ts'
import { openStage, payFor, paymentHashOf } from './stage.ts'
import { openUpstream } from './upstream.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

type World = {
  readonly seller: DevnetNode
  readonly buyer: DevnetNode
  readonly payee: Payee & { lookups(): number }
  readonly file: string
  /** A gateway on the state and the wallet of this world. */
  start(): Promise<{ readonly stage: Stage; readonly state: State }>
}

async function makeWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'satway-gaps-'))
  open.push(() => rmSync(folder, { recursive: true, force: true }))
  const upstream = await openUpstream()
  open.push(() => upstream.close())
  const devnet = createDevnet()
  const seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
  const buyer = devnet.addNode('buyer', { balanceMsat: satToMsat(10_000_000n) })
  let lookups = 0
  const payee = {
    network: seller.network,
    createInvoice: seller.createInvoice,
    lookupInvoice: (...given: Parameters<Payee['lookupInvoice']>) => {
      lookups++
      return seller.lookupInvoice(...given)
    },
    settlements: seller.settlements,
    lookups: () => lookups,
  }
  const file = join(folder, 'state.db')
  let starts = 0
  return {
    seller,
    buyer,
    payee,
    file,
    start: async () => {
      const state = openState({ file, owner: `gateway-${++starts}` })
      const text = `services:
  - name: shop
    upstream: ${upstream.url}
    routes: { GET /a: { price: 10 sat, uses: 5 }, GET /b: 1500msat }
`
      const stage = await openStage(text, { state, payee })
      open.push(() => stage.close())
      return { stage, state }
    },
  }
}

async function challengeOf(stage: Stage, path = '/a'): Promise<string> {
  const response = await fetch(stage.url + path)
  await response.body?.cancel()
  return response.headers.get('www-authenticate')!
}

/** With timers that the test moves, nothing else may wait by them. */
async function until(isSo: () => boolean): Promise<void> {
  const beganAt = performance.now()
  while (!isSo()) {
    if (performance.now() - beganAt > 30_000) throw new Error('it did not come to pass')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const flushed = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 1200))

describe('R-GWW-20 what was sold is known as long as it can be paid', () => {
  test('its hash is written within a second, and forgotten with its payment', async () => {
    const { start, buyer } = await makeWorld()
    const { stage, state } = await start()
    const challenge = await challengeOf(stage)
    expect(state.openSales(0)).toHaveLength(1)
    expect(state.transactions({ limit: 10 }).items).toEqual([])
    await flushed()
    expect(state.openSales(0)).toMatchObject([{ service: 'shop', capability: 'get.a' }])
    await payFor(buyer, challenge)
    await vi.waitFor(() => expect(state.openSales(0)).toEqual([]), 5000)
    expect(state.transactions({ limit: 10 }).items).toMatchObject([
      { service: 'shop', capability: 'get.a', amountMsat: 10_000n, isReported: true },
    ])
  })

  test('of many the newest 20 000 are kept, and what can no longer be paid is forgotten', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] })
    open.push(() => vi.useRealTimers())
    const { file } = await makeWorld()
    let now = 1_800_000_000
    const state = openState({ file, owner: 'flood', now: () => now })
    open.push(() => state.close())
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 10_000; n++) {
        state.noteSale({
          paymentHash: (round * 10_000 + n).toString(16).padStart(64, '0'),
          service: 'shop',
          capability: 'x',
          untilSeconds: now + 600 + round,
        })
      }
      vi.advanceTimersByTime(1000)
      const oldest = (Math.max(round - 1, 0) * 10_000).toString(16).padStart(64, '0')
      await until(() => {
        const hashes = state.openSales(0).map(({ paymentHash }) => paymentHash)
        return hashes.length === 10_000 * Math.min(round + 1, 2) && hashes.toSorted()[0] === oldest
      })
    }
    // Swept once a minute.
    const leftAfterMinute = (): number => {
      vi.advanceTimersByTime(60_000)
      return state.openSales(0).length
    }
    now += 601
    await until(() => leftAfterMinute() === 10_000)
    now += 10
    await until(() => leftAfterMinute() === 0)
  })
})

describe('R-GWW-21 what was paid while no gateway was there', () => {
  for (const end of ['closed', 'killed'] as const) {
    test(`is in the ledger of the next one, which was ${end} before`, async () => {
      const { start, buyer, payee } = await makeWorld()
      const { stage, state } = await start()
      const challenges = [await challengeOf(stage), await challengeOf(stage, '/b')]
      await challengeOf(stage) // that nobody pays
      if (end === 'killed') await flushed()
      else {
        await stage.gateway.close(0)
        state.close()
      }
      const paid = await Promise.all(challenges.map((one) => payFor(buyer, one)))

      const before = payee.lookups()
      const next = await start()
      await vi.waitFor(() => {
        const { items } = next.state.transactions({ limit: 10 })
        expect(items.map(({ paymentHash }) => paymentHash).toSorted()).toEqual(
          paid.map(paymentHashOf).toSorted(),
        )
      }, 10_000)
      const { items } = next.state.transactions({ limit: 10 })
      expect(
        items
          .map(({ service, capability, amountMsat }) => [service, capability, amountMsat])
          .toSorted(),
      ).toEqual([
        ['shop', 'get.a', 10_000n],
        ['shop', 'get.b', 1500n],
      ])
      // The one that nobody paid is asked about once, and told by the stream when it is paid.
      expect(payee.lookups() - before).toBe(3)
      expect(next.state.openSales(0)).toHaveLength(1)
    })
  }

  test('and of which only the token was seen, is completed by what the wallet says', async () => {
    const { start, buyer, seller } = await makeWorld()
    const { stage, state } = await start()
    const challenge = await challengeOf(stage)
    await stage.gateway.close(0)
    state.close()
    const authorization = await payFor(buyer, challenge)
    // Its own wallet is deaf while it is used: nobody reports the payment.
    seller.setReachable(false)
    const second = await start()
    const used = await fetch(`${second.stage.url}/a`, { headers: { authorization } })
    expect(used.status).toBe(200)
    const hash = paymentHashOf(authorization)
    await vi.waitFor(
      () => expect(second.state.transaction(hash)).toMatchObject({ isReported: false, uses: 1 }),
      5000,
    )
    seller.setReachable(true)
    await vi.waitFor(
      () => expect(second.state.transaction(hash)).toMatchObject({ isReported: true, uses: 1 }),
      20_000,
    )
  })
})

describe('R-GWW-22 what was paid while the wallet could not be heard', () => {
  test('is in the ledger within five seconds of its return', async () => {
    const { start, buyer, seller } = await makeWorld()
    const { stage, state } = await start()
    const challenges = [await challengeOf(stage), await challengeOf(stage, '/b')]
    seller.setReachable(false)
    const paid = await Promise.all(challenges.map((one) => payFor(buyer, one)))
    // Tokens that were bought meanwhile work: their preimage is proof enough.
    const headers = { authorization: paid[0]! }
    expect((await fetch(`${stage.url}/a`, { headers })).status).toBe(200)
    await flushed()
    expect(state.transactions({ limit: 10 }).items.filter((one) => one.isReported)).toEqual([])
    seller.setReachable(true)
    await vi.waitFor(() => {
      const { items } = state.transactions({ limit: 10 })
      expect(items.filter((one) => one.isReported)).toHaveLength(2)
    }, 15_000)
    expect(await challengeOf(stage)).toContain('L402')
  })

  test('and is counted once, whoever tells of it', async () => {
    const { start, buyer, seller } = await makeWorld()
    const { stage, state } = await start()
    const paid: string[] = []
    for (let round = 0; round < 3; round++) {
      const challenge = await challengeOf(stage)
      if (round === 1) seller.setReachable(false)
      paid.push(await payFor(buyer, challenge))
      seller.setReachable(true)
    }
    await vi.waitFor(() => {
      const { items } = state.transactions({ limit: 10 })
      expect(items.map(({ paymentHash }) => paymentHash).toSorted()).toEqual(
        paid.map(paymentHashOf).toSorted(),
      )
    }, 15_000)
    const [today] = state.stats({ fromSeconds: 0, untilSeconds: 2 ** 33, service: 'shop' })
    expect(today).toMatchObject({ payments: 3, revenueMsat: 30_000n })
  })
})

describe('R-STATE-23 who sold it may tell later what it was', () => {
  test('a payment that was told without its service gets it, and keeps amount and time', async () => {
    const { file } = await makeWorld()
    const state = openState({ file, owner: 'one' })
    open.push(() => state.close())
    const hash = 'ab'.repeat(32)
    const base = { paymentHash: hash, amountMsat: 5n, settledAtSeconds: 1_800_000_000 }
    state.noteSettlement({ ...base, service: undefined, capability: undefined })
    const later = { paymentHash: hash, amountMsat: 6n, settledAtSeconds: 1_800_086_400 }
    state.noteSettlement({ ...later, service: 'shop', capability: 'x' })
    state.noteSettlement({ ...later, service: 'other', capability: 'y' })
    await vi.waitFor(() => {
      expect(state.transaction(hash)).toMatchObject({
        amountMsat: 5n,
        settledAtSeconds: 1_800_000_000,
        service: 'shop',
        capability: 'x',
      })
    })
    expect(state.stats({ fromSeconds: 0, untilSeconds: 2 ** 33 })).toMatchObject([
      { service: 'shop', payments: 1, revenueMsat: 5n },
    ])
  })
})
