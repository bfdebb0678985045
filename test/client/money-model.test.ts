import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Msat } from '../../library/src/amount/index.ts'
import { msat, satToMsat } from '../../library/src/amount/index.ts'
import { decodeHex, encodeHex, sha256 } from '../../library/src/bytes/index.ts'
import type { Client, Ledger, TokenStore } from '../../library/src/client/index.ts'
import {
  createClient,
  createMemoryLedger,
  createMemoryTokenStore,
} from '../../library/src/client/index.ts'
import { isL402Error, L402Error } from '../../library/src/errors.ts'
import type { PaymentHash, Preimage } from '../../library/src/invoice/index.ts'
import { decodeInvoice, hashPreimage, preimage } from '../../library/src/invoice/index.ts'
import type { Journal } from '../../library/src/journal/index.ts'
import { openJournal } from '../../library/src/journal/index.ts'
import {
  decodeIdentifier,
  encodeIdentifier,
  formatChallenge,
  parseCredential,
  purchaseCaveats,
} from '../../library/src/l402/index.ts'
import type { DevnetNode, Fault } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import type { Payer } from '../../library/src/lightning/index.ts'
import { decodeToken, encodeToken, mint } from '../../library/src/macaroon/index.ts'

// Any history of calls, faults, restarts, clocks and failing disks. The judge is the network: what it
// says has left the wallet. The client's own word counts for nothing.

const priceSat = 10n
const items = 4
const budgetMsat = satToMsat(42n)
const startMsat = satToMsat(100_000n)
const rootKey = sha256(Buffer.from('the root key of the model'))

type Step =
  | { readonly op: 'buy'; readonly item: number; readonly hold: boolean; readonly again: boolean }
  | { readonly op: 'abort'; readonly item: number }
  | { readonly op: 'fault'; readonly fault: Fault }
  | { readonly op: 'advance'; readonly seconds: number }
  | { readonly op: 'resolve'; readonly nth: number | 'all'; readonly end: 'settle' | 'fail' }
  | { readonly op: 'settle-holds' | 'cancel-holds' | 'reconcile' | 'restart' }
  | { readonly op: 'ask' | 'hear' | 'other-wallet' }
  | { readonly op: 'disk'; readonly state: 'good' | 'full' | 'full-after-next' }
  | { readonly op: 'wallet'; readonly reachable: boolean }

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    kind: fc.constant('timeout' as const),
    settleAfterMs: fc.constantFrom(0, 5000, 3_600_000, 20_000_000),
  }),
  fc.constantFrom<Fault>(
    { kind: 'in-flight' },
    { kind: 'fail', reason: 'no-route' },
    { kind: 'wrong-preimage' },
    { kind: 'duplicate' },
    { kind: 'unavailable' },
  ),
)
const item = fc.nat(items - 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('buy' as const),
      item,
      hold: fc.constant(false),
      // The shop may offer the invoice that it offered before.
      again: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('buy' as const),
      item,
      hold: fc.constant(true),
      again: fc.constant(false),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('abort' as const), item }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('fault' as const), fault }) },
  {
    weight: 3,
    // Clocks are set back, too.
    arbitrary: fc.record({
      op: fc.constant('advance' as const),
      seconds: fc.constantFrom(1, 30, 120, 3600, 20_000, 90_000, -60, -86_400),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('resolve' as const),
      nth: fc.nat(5),
      end: fc.constantFrom('settle' as const, 'fail' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom(
        'settle-holds' as const,
        'cancel-holds' as const,
        'reconcile' as const,
        'restart' as const,
      ),
    }),
  },
  {
    weight: 4,
    // Another process asks the wallet, and hears the answer when other things have happened.
    arbitrary: fc.record({ op: fc.constantFrom('ask' as const, 'hear' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('other-wallet' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('disk' as const),
      state: fc.constantFrom('good' as const, 'full' as const, 'full-after-next' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('wallet' as const), reachable: fc.boolean() }),
  },
)

/** What is heard of the first attempt at an invoice while the second one is under way. */
const secondAttempt: fc.Arbitrary<readonly Step[]> = fc
  .record({ item, end: fc.constantFrom('settle' as const, 'fail' as const) })
  .map(({ item, end }) => {
    const buy = { op: 'buy', item, hold: false, again: true } as const
    const inFlight = { op: 'fault', fault: { kind: 'in-flight' } } as const
    const later = { op: 'advance', seconds: 120 } as const
    const failed = { op: 'resolve', nth: 'all', end: 'fail' } as const
    const ended = { op: 'resolve', nth: 'all', end } as const
    const [ask, hear] = [{ op: 'ask' }, { op: 'hear' }] as const
    return [inFlight, buy, later, failed, ask, inFlight, buy, later, hear, ended]
  })

/** @param most - How many steps there are, where none is more than one. */
function histories(most: number): fc.Arbitrary<readonly Step[]> {
  const one = step.map((alone) => [alone])
  const some = fc.oneof({ weight: 30, arbitrary: one }, { weight: 1, arbitrary: secondAttempt })
  return fc.array(some, { minLength: 5, maxLength: most, size: 'max' }).map((all) => all.flat())
}

type Store = {
  readonly ledger: Ledger
  readonly tokens: TokenStore
  reopen(): Promise<Store>
  close(): Promise<void>
}

class World {
  seconds = 1_900_000_000
  /** The client's clock alone: the network's does not go back. */
  skew = 0
  readonly devnet = createDevnet({ now: () => this.seconds })
  readonly wallets: readonly DevnetNode[] = ['one', 'two'].map((name) =>
    this.devnet.addNode(name, { balanceMsat: startMsat }),
  )
  /** The wallet in use. */
  buyer: DevnetNode = this.wallets[0]!
  readonly seller: DevnetNode = this.devnet.addNode('seller', { balanceMsat: msat(0n) })
  /** Every invoice that was asked for, by item. */
  readonly invoices = new Map<number, PaymentHash[]>()
  readonly holds = new Map<string, Preimage>()
  isHold = false
  isAgain = false
  tokens = 0
  readonly #challenges = new Map<number, string>()

  /** A shop without a network between: it answers as a server would. */
  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    init.signal?.throwIfAborted()
    const wanted = Number(new URL(url).pathname.slice('/item'.length))
    const line = new Headers(init.headers).get('authorization')
    if (line !== null && this.#isPaid(line, wanted)) return new Response(`item ${wanted}`)
    return await this.#demand(wanted)
  }

  #isPaid(line: string, wanted: number): boolean {
    const credential = parseCredential([line])
    if (credential === undefined) return false
    const macaroon = decodeToken(credential.tokens[0]!)
    const { paymentHash } = decodeIdentifier(macaroon.identifier)
    const caveats = macaroon.unverifiedCaveats.map(({ identifier }) =>
      String(Buffer.from(identifier)),
    )
    return (
      Buffer.from(hashPreimage(credential.preimage)).equals(paymentHash) &&
      caveats.includes(`model_capabilities=item${wanted}`)
    )
  }

  async #demand(wanted: number): Promise<Response> {
    const before = this.#challenges.get(wanted)
    if (this.isAgain && before !== undefined) return askToPay(before)
    const order = { amountMsat: satToMsat(priceSat), description: '', expirySeconds: 600 }
    let text: string
    if (this.isHold) {
      const secret = preimage(sha256(Buffer.from(`hold ${this.tokens}`)))
      const paymentHash = hashPreimage(secret)
      text = (await this.seller.createHoldInvoice({ ...order, paymentHash })).invoice
      this.holds.set(encodeHex(paymentHash), secret)
    } else text = (await this.seller.createInvoice(order)).invoice
    const { paymentHash } = decodeInvoice(text)
    this.invoices.set(wanted, [...(this.invoices.get(wanted) ?? []), paymentHash])
    const token = encodeToken(
      mint({
        rootKey,
        identifier: encodeIdentifier({
          paymentHash,
          tokenId: sha256(Buffer.from(String(this.tokens++))),
        }),
        caveats: purchaseCaveats({
          service: 'model',
          tier: 0,
          capability: `item${wanted}`,
          validUntilSeconds: 4_000_000_000,
          amountMsat: satToMsat(priceSat),
        }),
      }),
    )
    const challenge = formatChallenge({ token, invoice: text })
    this.#challenges.set(wanted, challenge)
    return askToPay(challenge)
  }

  async settled(wanted: number): Promise<number> {
    let count = 0
    for (const hash of this.invoices.get(wanted) ?? []) {
      if ((await this.seller.lookupInvoice(hash)).status === 'settled') count++
    }
    return count
  }

  spentMsat(): Msat {
    const leftMsat = this.wallets.reduce((sum, one) => sum + one.balanceMsat(), 0n)
    return msat(startMsat * BigInt(this.wallets.length) - leftMsat)
  }

  /** Ends a payment that is on its way, whichever wallet makes it. */
  resolve(hash: PaymentHash, end: 'settle' | 'fail'): void {
    for (const wallet of this.wallets) {
      try {
        wallet.resolvePayment(hash, end)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError) // it is not on its way
      }
    }
  }
}

function askToPay(challenge: string): Response {
  return new Response('pay', { status: 402, headers: { 'www-authenticate': challenge } })
}

/** A process that only asks: what the wallet tells it is true at that moment, and heard later. */
class Asking {
  #hear = (): void => undefined
  #reconciling: Promise<unknown> | undefined

  ask(world: World, store: Store): void {
    if (this.#reconciling !== undefined) return
    const gate = new Promise<void>((resolve) => {
      this.#hear = resolve
    })
    const { buyer } = world
    const payer: Payer = {
      ...buyer,
      lookupPayment: async (hash, signal) => {
        const said = await buyer.lookupPayment(hash, signal)
        await gate
        return said
      },
    }
    const { ledger, tokens } = store
    const now = (): number => world.seconds + world.skew
    const policy = { maxPaymentMsat: '20 sat', maxTotalMsat: budgetMsat }
    const client = createClient({ policy, payer, ledger, tokens, now, fetch: world.fetch })
    this.#reconciling = client.reconcile()
  }

  async hear(): Promise<void> {
    this.#hear()
    await this.#reconciling
    this.#reconciling = undefined
  }
}

/** A store whose disk fills up. What fails has changed nothing, as the port demands. */
class Disk {
  state: 'good' | 'full' | 'full-after-next' = 'good'

  wrap<Port extends object>(port: Port, reads: readonly string[]): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== 'function' || reads.includes(String(name))) return method
        return async (...given: unknown[]): Promise<unknown> => {
          if (this.state === 'full') {
            throw new L402Error('STORE_UNAVAILABLE', { reason: 'the disk is full' })
          }
          if (this.state === 'full-after-next') this.state = 'full'
          return await Reflect.apply(method, target, given)
        }
      },
    })
  }
}

const ledgerReads = ['find', 'unfinished', 'list', 'limitReached', 'spending', 'paidBefore']
const tokenReads = ['find', 'usable', 'list', 'countOwed']

async function play(steps: readonly Step[], opened: Store, seen: Set<string>): Promise<void> {
  const world = new World()
  const disk = new Disk()
  let store = opened
  const makeClient = (): Client =>
    createClient({
      policy: { maxPaymentMsat: '20 sat', maxTotalMsat: budgetMsat, maxUndelivered: 100 },
      payer: { ...world.buyer },
      ledger: disk.wrap(store.ledger, ledgerReads),
      tokens: disk.wrap(store.tokens, tokenReads),
      fetch: world.fetch,
      now: () => world.seconds + world.skew,
    })
  let client = makeClient()
  const asking = new Asking()
  const bought = new Set<number>()

  const buy = async (wanted: number, signal?: AbortSignal): Promise<void> => {
    try {
      // What a dead process left open is waited for; with a clock that was set back, for long.
      const init = { signal: signal ?? AbortSignal.timeout(200) }
      const response = await client.fetch(`https://shop.test/item${wanted}`, init)
      seen.add(`${response.status}`)
      if (response.ok) bought.add(wanted)
    } catch (error) {
      const code = isL402Error(error) ? error.code : String(error)
      seen.add(code)
      // C6: what may still cost money is never reported as a failure.
      if (isL402Error(error, 'PAYMENT_FAILED')) {
        const hash = String(error.details['paymentHash'])
        for (const wallet of world.wallets) {
          const outcome = await wallet
            .lookupPayment(decodeHex(hash) as PaymentHash)
            .catch(() => undefined)
          expect(outcome?.status ?? 'failed').toBe('failed')
        }
      }
    }
  }

  for (const one of steps) {
    switch (one.op) {
      case 'buy':
        world.isHold = one.hold
        world.isAgain = one.again
        await buy(one.item)
        world.isHold = false
        world.isAgain = false
        break
      case 'abort': {
        const controller = new AbortController()
        const call = buy(one.item, controller.signal)
        await Promise.resolve()
        controller.abort(new Error('given up'))
        await call
        break
      }
      case 'fault':
        world.buyer.injectFault(one.fault)
        break
      case 'advance':
        if (one.seconds < 0) world.skew += one.seconds
        else world.seconds += one.seconds
        world.devnet.tick()
        break
      case 'resolve': {
        const hashes = [...world.invoices.values()].flat()
        const { nth } = one
        const some = hashes.filter((_, i) => nth === 'all' || i === nth % hashes.length)
        for (const hash of some) world.resolve(hash, one.end)
        break
      }
      case 'settle-holds':
      case 'cancel-holds':
        for (const [hash, secret] of world.holds) {
          try {
            if (one.op === 'settle-holds') world.seller.settleHold(secret)
            else world.seller.cancelHold(decodeHex(hash) as PaymentHash)
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError)
          }
        }
        break
      case 'reconcile':
        await client.reconcile().catch((error: unknown) => {
          if (!isL402Error(error, 'STORE_UNAVAILABLE')) throw error
        })
        break
      case 'ask':
        asking.ask(world, store)
        break
      case 'hear':
        await asking.hear()
        break
      case 'other-wallet':
        world.buyer = world.wallets.find((wallet) => wallet !== world.buyer)!
        client = makeClient()
        // What the process before had under way is not over by itself.
        world.seconds += 100
        world.devnet.tick()
        break
      case 'restart':
        await asking.hear()
        // A process that dies keeps what is on the disk, and nothing else.
        store = await store.reopen()
        client = makeClient()
        // Its leases run out: who it was is alive here, and so they are not over by themselves.
        world.seconds += 100
        world.devnet.tick()
        break
      case 'disk':
        disk.state = one.state
        break
      case 'wallet':
        world.buyer.setReachable(one.reachable)
        break
      default:
        one satisfies never
    }
    await compare(world, store)
    for (const { attempt } of await store.ledger.list()) {
      if (attempt > 1) seen.add('another attempt')
    }
  }
  await asking.hear()

  // Liveness: the faults stop, and everything comes to its end without anybody's help.
  disk.state = 'good'
  for (const wallet of world.wallets) wallet.setReachable(true)
  for (const hash of [...world.invoices.values()].flat()) world.resolve(hash, 'settle')
  for (const secret of world.holds.values()) {
    try {
      world.seller.settleHold(secret)
    } catch {
      // nobody pays it, or it is settled
    }
  }
  world.skew = 0
  world.seconds += 400_000
  world.devnet.tick()
  store = await store.reopen()
  for (const wallet of world.wallets) {
    world.buyer = wallet
    await makeClient().reconcile()
  }
  await compare(world, store)
  const { totalMsat, heldMsat } = await store.ledger.spending(world.seconds)
  // A wallet that gives a wrong proof never tells the right one: that money stays set aside.
  const open = await store.ledger.unfinished()
  for (const entry of open) seen.add(`open at the end: ${entry.state}`)
  const openMsat = open.reduce((sum, one) => sum + one.amountMsat + one.maxFeeMsat, 0n)
  expect(heldMsat).toBe(openMsat)
  if (open.length === 0) expect(totalMsat).toBe(world.spentMsat())
  await store.close()
}

/** What must hold at every moment. */
async function compare(world: World, store: Store): Promise<void> {
  const { totalMsat } = await store.ledger.spending(world.seconds)
  // C3: what left the wallet, or may, is counted; and what is counted is within the budget.
  expect(totalMsat).toBeGreaterThanOrEqual(world.spentMsat())
  expect(totalMsat).toBeLessThanOrEqual(budgetMsat)
  const entries = await store.ledger.list()
  for (let wanted = 0; wanted < items; wanted++) {
    // C1: one thing is paid for once.
    expect(await world.settled(wanted)).toBeLessThanOrEqual(1)
  }
  for (const entry of entries) {
    if (entry.state !== 'settled') continue
    // C2: a preimage that the journal has proves the payment.
    const proof = hashPreimage(preimage(decodeHex(entry.preimage!)))
    expect(encodeHex(proof)).toBe(entry.paymentHash)
  }
}

function inMemory(): Store {
  const ledger = createMemoryLedger()
  const tokens = createMemoryTokenStore()
  const store: Store = { ledger, tokens, reopen: async () => store, close: async () => undefined }
  return store
}

async function onDisk(path: string): Promise<Store> {
  const journal: Journal = await openJournal({ path, key: new Uint8Array(32).fill(5) })
  return {
    ledger: journal.ledger,
    tokens: journal.tokens,
    reopen: async () => {
      await journal.close()
      return await onDisk(path)
    },
    close: () => journal.close(),
  }
}

test('R-PAY-24 R-PAY-33 R-PAY-39 any history keeps the budget, pays for nothing twice and converges', async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(histories(50), (steps) => play(steps, inMemory(), seen)),
    { numRuns: 400, seed: 402 },
  )
  // A generator that never gets anywhere would prove nothing.
  for (const what of [
    '200',
    'PAYMENT_UNKNOWN',
    'PAYMENT_FAILED',
    'BUDGET_EXCEEDED',
    'STORE_UNAVAILABLE',
    'NODE_UNAVAILABLE',
    'another attempt',
  ]) {
    expect(seen).toContain(what)
  }
})

test('R-JRN-1 and so it does with the journal on a disk', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'satway-model-'))
  let run = 0
  try {
    await fc.assert(
      fc.asyncProperty(histories(40), async (steps) => {
        await play(steps, await onDisk(join(folder, String(run++), 'journal.db')), new Set())
      }),
      { numRuns: 60, seed: 403 },
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
