import { secp256k1 } from '@noble/curves/secp256k1.js'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Msat } from '../../amount/index.ts'
import { maxMsat, msat } from '../../amount/index.ts'
import { encodeHex, randomBytes } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { Invoice, PaymentHash, Preimage } from '../../invoice/index.ts'
import {
  decodeInvoice,
  encodeInvoice,
  expiresAtSeconds,
  hashPreimage,
  preimage,
  provesPayment,
} from '../../invoice/index.ts'
import type { Settlement } from '../index.ts'
import type { Devnet, DevnetNode } from './index.ts'
import { createDevnet } from './index.ts'

const price = msat(50_000n)
/** 1000 msat and 100 millionths of the price. */
const fee = msat(1005n)
const funds = msat(1_000_000n)
const limits = { maxFeeMsat: msat(10_000n) } as const

let now = 1_800_000_000
let devnet: Devnet
let buyer: DevnetNode
let other: DevnetNode
let seller: DevnetNode

beforeEach(() => {
  now = 1_800_000_000
  devnet = createDevnet({ now: () => now })
  buyer = devnet.addNode('buyer', { balanceMsat: funds })
  other = devnet.addNode('other', { balanceMsat: funds })
  seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
})

afterEach(() => {
  expect(devnet.totalMsat(), 'R-LN-20 money is conserved').toBe(2n * funds)
})

describe('invoices', () => {
  test.each([1n, 999n, 1001n, 123_456_789n, 2_099_999_999_999_999_999n])(
    'R-LN-1 say what was asked for, %s msat exactly',
    async (amount) => {
      const amountMsat = msat(amount)
      const request = { amountMsat, description: 'tea, 2 cups ☕', expirySeconds: 31_536_000 }
      const invoice = decodeInvoice((await seller.createInvoice(request)).invoice)
      expect(invoice).toMatchObject(request)
    },
  )

  test.each([
    ['an amount of zero', { amountMsat: msat(0n) }],
    ['a description of 640 bytes', { description: 'é'.repeat(320) }],
    ['an expiry of zero', { expirySeconds: 0 }],
    ['an expiry of more than a year', { expirySeconds: 31_536_001 }],
    ['half a second', { expirySeconds: 0.5 }],
    ['no number', { expirySeconds: Number.NaN }],
  ])('R-LN-3 cannot be made with %s', async (_, change) => {
    const request = { amountMsat: price, description: '', expirySeconds: 60, ...change }
    await expect(seller.createInvoice(request)).rejects.toThrow(RangeError)
    const paymentHash = hashPreimage(preimage(randomBytes(32)))
    const hold = seller.createHoldInvoice({ ...request, paymentHash })
    await expect(hold).rejects.toThrow(RangeError)
  })

  test('R-LN-21 are real lnbcrt invoices, signed by the node', async () => {
    const request = { amountMsat: msat(1n), description: 'tea', expirySeconds: 60 }
    const { invoice: text } = await seller.createInvoice(request)
    expect(text).toMatch(/^lnbcrt10p1/)
    const invoice = decodeInvoice(text)
    expect(encodeHex(invoice.payee)).toBe(encodeHex(seller.nodeId))
    expect(invoice.network).toBe('regtest')
    expect(expiresAtSeconds(invoice)).toBe(now + 60)
  })

  test('R-LN-2 take the preimage from the generator that was given', async () => {
    let counter = 0
    const random = (length: number): Uint8Array => new Uint8Array(length).fill(++counter)
    const first = createDevnet({ now: () => now, random })
    const node = first.addNode('a', { balanceMsat: msat(0n) })
    const text = await node.createInvoice({ amountMsat: price, description: '', expirySeconds: 60 })
    counter = 0
    const second = createDevnet({ now: () => now, random })
    const twin = second.addNode('a', { balanceMsat: msat(0n) })
    const same = await twin.createInvoice({ amountMsat: price, description: '', expirySeconds: 60 })
    expect(same).toEqual(text)
  })

  test('R-LN-2 a generator that repeats itself is noticed', async () => {
    const stuck = createDevnet({ random: (length) => new Uint8Array(length).fill(5) })
    const node = stuck.addNode('a', { balanceMsat: msat(0n) })
    const request = { amountMsat: price, description: '', expirySeconds: 60 }
    await node.createInvoice(request)
    await expect(node.createInvoice(request)).rejects.toThrow(RangeError)
    expect(() => stuck.addNode('b', { balanceMsat: msat(0n) })).toThrow(RangeError)
  })

  test('R-LN-2 a generator that reuses its buffer does no harm', async () => {
    const buffer = new Uint8Array(64)
    const random = (length: number): Uint8Array => {
      crypto.getRandomValues(buffer)
      return buffer.subarray(0, length)
    }
    const reusing = createDevnet({ random })
    const node = reusing.addNode('a', { balanceMsat: msat(0n) })
    const payer = reusing.addNode('b', { balanceMsat: funds })
    const invoice = await invoiceOf(node)
    await invoiceOf(node)
    const outcome = await payer.pay(invoice, limits)
    expect(
      outcome.status === 'settled' && provesPayment(outcome.preimage, invoice.paymentHash),
    ).toBe(true)
  })

  test('R-LN-24 are valid before their expiry and not from it on', async () => {
    const early = await invoiceOf(seller)
    const late = await invoiceOf(seller)
    now += 599.999
    expect((await buyer.pay(early, limits)).status).toBe('settled')
    expect(await seller.lookupInvoice(late.paymentHash)).toEqual({ status: 'open' })
    now += 0.001
    expect(await seller.lookupInvoice(late.paymentHash)).toEqual({ status: 'closed' })
    expect(await buyer.pay(late, limits)).toEqual({ status: 'failed', reason: 'expired' })
  })

  test('R-LN-24 a clock that gives no number is refused', async () => {
    const broken = createDevnet({ now: () => Number.NaN })
    const node = broken.addNode('a', { balanceMsat: msat(0n) })
    await expect(invoiceOf(node)).rejects.toThrow(RangeError)
  })

  test('R-LN-4 are found by the node that issued them and by no other', async () => {
    const invoice = await invoiceOf(seller)
    expect(await other.lookupInvoice(invoice.paymentHash)).toEqual({ status: 'not-found' })
    await buyer.pay(invoice, limits)
    expect(await seller.lookupInvoice(invoice.paymentHash)).toEqual({
      status: 'settled',
      amountMsat: price,
      settledAtSeconds: now,
    })
  })
})

describe('payments', () => {
  test('R-LN-22 cost the amount and the fee, and bring the amount', async () => {
    const outcome = await buyer.pay(await invoiceOf(seller), limits)
    expect(outcome).toMatchObject({ status: 'settled', amountMsat: price, feeMsat: fee })
    expect(buyer.balanceMsat()).toBe(funds - price - fee)
    expect(seller.balanceMsat()).toBe(price)
  })

  test.each([
    ['1', 0n, 0],
    ['9999', 0n, 100],
    ['10000', 1n, 100],
    ['999999', 0n, 1],
    ['1000000', 1n, 1],
    ['33333', 33_333n, 1_000_000],
  ] as const)(
    'R-LN-22 the proportional fee of %s msat is rounded down to %s',
    async (amount, expected, millionths) => {
      const net = createDevnet({ feeBaseMsat: msat(0n), feeProportionalMillionths: millionths })
      const from = net.addNode('from', { balanceMsat: msat(10_000_000n) })
      const to = net.addNode('to', { balanceMsat: msat(0n) })
      const invoice = await invoiceOf(to, msat(BigInt(amount)))
      expect(await from.pay(invoice, { maxFeeMsat: msat(expected) })).toMatchObject({
        feeMsat: expected,
      })
    },
  )

  test('R-LN-7 the ceiling lets its own value pass and nothing more', async () => {
    const invoice = await invoiceOf(seller)
    expect(await buyer.pay(invoice, { maxFeeMsat: msat(fee - 1n) })).toEqual({
      status: 'failed',
      reason: 'fee-limit',
    })
    expect((await buyer.pay(invoice, { maxFeeMsat: fee })).status).toBe('settled')
  })

  test('R-LN-13 the balance must cover amount and fee', async () => {
    const short = await invoiceOf(seller, msat(funds - 1000n - 98n))
    const exact = await invoiceOf(seller, msat(funds - 1000n - 99n))
    expect(await buyer.pay(short, limits)).toMatchObject({ reason: 'insufficient-balance' })
    expect((await buyer.pay(exact, limits)).status).toBe('settled')
    expect(buyer.balanceMsat()).toBe(0n)
  })

  test('R-LN-8 a hundred calls at once, from two nodes, pay once', async () => {
    const invoice = await invoiceOf(seller)
    const calls = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? buyer : other))
    const outcomes = await Promise.all(calls.map((payer) => payer.pay(invoice, limits)))
    expect(outcomes.filter(({ status }) => status === 'settled')).toHaveLength(50)
    expect(
      outcomes.filter((o) => o.status === 'failed' && o.reason === 'already-paid'),
    ).toHaveLength(50)
    expect(buyer.balanceMsat()).toBe(funds - price - fee)
    expect(other.balanceMsat()).toBe(funds)
    expect(seller.balanceMsat()).toBe(price)
  })

  test('R-LN-8 the first outcome is given again after the expiry, and a wiped copy does not hurt it', async () => {
    const invoice = await invoiceOf(seller)
    const first = await buyer.pay(invoice, limits)
    if (first.status !== 'settled') throw new Error(first.status)
    first.preimage.fill(0)
    now += 1000
    const again = await buyer.pay(invoice, { maxFeeMsat: msat(0n) })
    expect(again.status === 'settled' && provesPayment(again.preimage, invoice.paymentHash)).toBe(
      true,
    )
  })

  test('R-LN-9 a failure is remembered, and the next attempt replaces it', async () => {
    const invoice = await invoiceOf(seller)
    const failure = await buyer.pay(invoice, { maxFeeMsat: msat(0n) })
    expect(await buyer.lookupPayment(invoice.paymentHash)).toEqual(failure)
    await buyer.pay(invoice, limits)
    expect(await buyer.lookupPayment(invoice.paymentHash)).toMatchObject({ status: 'settled' })
  })

  const key = new Uint8Array(32).fill(9)
  const foreign = {
    network: 'regtest',
    amountMsat: price as Msat | undefined,
    timestampSeconds: 1_800_000_000,
    paymentHash: hashPreimage(preimage(new Uint8Array(32).fill(3))),
    paymentSecret: new Uint8Array(32),
    description: 'x',
  } as const
  const refusals: readonly (readonly [string, string, string])[] = [
    ['of mainnet', encodeInvoice({ ...foreign, network: 'bitcoin' }, key), 'wrong-network'],
    ['of testnet', encodeInvoice({ ...foreign, network: 'testnet' }, key), 'wrong-network'],
    ['of signet', encodeInvoice({ ...foreign, network: 'signet' }, key), 'wrong-network'],
    ['without an amount', encodeInvoice({ ...foreign, amountMsat: undefined }, key), 'rejected'],
    ['of a node elsewhere', encodeInvoice(foreign, key), 'no-route'],
  ]
  test.each(refusals)(
    'R-LN-13 R-LN-14 R-LN-21 an invoice %s is not paid',
    async (_, text, reason) => {
      expect(await buyer.pay(decodeInvoice(text), limits)).toEqual({ status: 'failed', reason })
      expect(buyer.balanceMsat()).toBe(funds)
    },
  )

  test('R-LN-23 an invoice that its payee signed but did not issue is rejected', async () => {
    const privateKey = new Uint8Array(48).fill(77)
    const net = createDevnet({
      now: () => now,
      random: (n) => (n === 48 ? privateKey : randomBytes(n)),
    })
    const payee = net.addNode('payee', { balanceMsat: msat(0n) })
    // The key that the seed above becomes: what a node would sign with if it were turned.
    const { secretKey } = secp256k1.keygen(privateKey)
    const issued = await invoiceOf(payee)
    const cheaper = encodeInvoice({ ...foreign, ...issued, amountMsat: msat(1n) }, secretKey)
    expect(encodeHex(decodeInvoice(cheaper).payee)).toBe(encodeHex(payee.nodeId))
    let calls = 0
    const second = createDevnet({
      now: () => now,
      random: (n) => (n === 48 && ++calls === 1 ? privateKey : randomBytes(n)),
    })
    const twin = second.addNode('twin', { balanceMsat: msat(0n) })
    const payer = second.addNode('payer', { balanceMsat: funds })
    expect(encodeHex(twin.nodeId)).toBe(encodeHex(payee.nodeId))
    for (const text of [issued.text, cheaper]) {
      expect(await payer.pay(decodeInvoice(text), limits)).toEqual({
        status: 'failed',
        reason: 'rejected',
      })
    }
  })

  test("R-LN-23 an invoice under another's payment hash is no way to that money or proof", async () => {
    const issued = await invoiceOf(seller)
    const thief = decodeInvoice(encodeInvoice({ ...foreign, paymentHash: issued.paymentHash }, key))
    expect(await buyer.pay(thief, limits)).toEqual({ status: 'failed', reason: 'no-route' })
    expect((await buyer.pay(issued, limits)).status).toBe('settled')
  })

  test('R-LN-23 a node does not pay itself', async () => {
    const invoice = await invoiceOf(buyer)
    expect(await buyer.pay(invoice, limits)).toEqual({ status: 'failed', reason: 'rejected' })
    expect(buyer.balanceMsat()).toBe(funds)
  })

  test('R-LN-31 the first reason of the list is told', async () => {
    const paid = await invoiceOf(seller)
    await other.pay(paid, limits)
    const dear = await invoiceOf(seller, msat(2n * funds))
    const zero = { maxFeeMsat: msat(0n) }
    expect(await buyer.pay(dear, zero)).toMatchObject({ reason: 'fee-limit' })
    expect(await buyer.pay(dear, limits)).toMatchObject({ reason: 'insufficient-balance' })
    now += 700
    expect(await buyer.pay(dear, zero)).toMatchObject({ reason: 'expired' })
    expect(await buyer.pay(paid, zero)).toMatchObject({ reason: 'already-paid' })
  })
})

describe('hold invoices', () => {
  let secret: Preimage
  let hash: PaymentHash
  let invoice: Invoice

  beforeEach(async () => {
    secret = preimage(randomBytes(32))
    hash = hashPreimage(secret)
    const request = { amountMsat: price, description: '', expirySeconds: 600, paymentHash: hash }
    invoice = decodeInvoice((await seller.createHoldInvoice(request)).invoice)
  })

  test('R-LN-26 lock amount and fee, and say so to nobody as money', async () => {
    const settled = settlementsOf(seller)
    expect(await buyer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    expect(buyer.balanceMsat()).toBe(funds - price - fee)
    expect(seller.balanceMsat()).toBe(0n)
    expect(await seller.lookupInvoice(hash)).toEqual({ status: 'open' })
    expect(await buyer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    expect(await settled.count()).toBe(0)
  })

  test('R-LN-26 settle with their preimage', async () => {
    const settled = settlementsOf(seller)
    await buyer.pay(invoice, limits)
    seller.settleHold(secret)
    expect(await buyer.lookupPayment(hash)).toMatchObject({ status: 'settled', feeMsat: fee })
    expect(seller.balanceMsat()).toBe(price)
    expect(await settled.count()).toBe(1)
    expect(() => seller.settleHold(secret)).toThrow(RangeError)
    expect(() => seller.cancelHold(hash)).toThrow(RangeError)
  })

  test('R-LN-26 give everything back when they are cancelled', async () => {
    await buyer.pay(invoice, limits)
    seller.cancelHold(hash)
    expect(await buyer.lookupPayment(hash)).toEqual({ status: 'failed', reason: 'rejected' })
    expect(buyer.balanceMsat()).toBe(funds)
    expect(await seller.lookupInvoice(hash)).toEqual({ status: 'closed' })
    expect(await buyer.pay(invoice, limits)).toEqual({ status: 'failed', reason: 'rejected' })
    expect(() => seller.settleHold(secret)).toThrow(RangeError)
  })

  test('R-LN-26 give everything back when they expire', async () => {
    await buyer.pay(invoice, limits)
    now += 599
    expect(await buyer.lookupPayment(hash)).toEqual({ status: 'unknown' })
    now += 1
    expect(await buyer.lookupPayment(hash)).toEqual({ status: 'failed', reason: 'expired' })
    expect(buyer.balanceMsat()).toBe(funds)
  })

  test('R-LN-26 that settle are not given back later', async () => {
    await buyer.pay(invoice, limits)
    seller.settleHold(secret)
    now += 1000
    devnet.tick()
    expect(buyer.balanceMsat()).toBe(funds - price - fee)
  })

  test('R-LN-26 fail a payment that arrives after they were cancelled or expired', async () => {
    buyer.injectFault({ kind: 'timeout', settleAfterMs: 1000 })
    await buyer.pay(invoice, limits)
    seller.cancelHold(hash)
    expect(await buyer.lookupPayment(hash)).toEqual({ status: 'unknown' })
    now += 1
    expect(await buyer.lookupPayment(hash)).toEqual({ status: 'failed', reason: 'rejected' })
    expect(buyer.balanceMsat()).toBe(funds)
  })

  test('R-LN-26 are settled and cancelled by their payee only, and only once paid', async () => {
    expect(() => seller.settleHold(secret)).toThrow(RangeError)
    await buyer.pay(invoice, limits)
    expect(() => other.settleHold(secret)).toThrow(RangeError)
    expect(() => other.cancelHold(hash)).toThrow(RangeError)
    expect(() => seller.settleHold(preimage(randomBytes(32)))).toThrow(RangeError)
    const plain = await invoiceOf(seller)
    expect(() => seller.cancelHold(plain.paymentHash)).toThrow(RangeError)
  })

  test('R-LN-25 R-LN-26 take no second payment while they hold one', async () => {
    await buyer.pay(invoice, limits)
    expect(await other.pay(invoice, limits)).toEqual({ status: 'failed', reason: 'rejected' })
    seller.settleHold(secret)
    expect(await other.pay(invoice, limits)).toEqual({ status: 'failed', reason: 'already-paid' })
  })

  test('R-LN-2 a payment hash serves one invoice', async () => {
    const request = { amountMsat: price, description: '', expirySeconds: 600, paymentHash: hash }
    await expect(other.createHoldInvoice(request)).rejects.toThrow(RangeError)
  })
})

describe('faults', () => {
  let invoice: Invoice
  beforeEach(async () => {
    invoice = await invoiceOf(seller)
  })

  test('R-LN-27 R-LN-28 a time-out settles when its time has come, whatever the expiry', async () => {
    const settled = settlementsOf(seller)
    buyer.injectFault({ kind: 'timeout', settleAfterMs: 900_500 })
    expect(await buyer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    now += 900.4
    expect(await buyer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    expect(await seller.lookupInvoice(invoice.paymentHash)).toEqual({ status: 'open' })
    expect(seller.balanceMsat()).toBe(0n)
    now += 60
    expect(seller.balanceMsat()).toBe(price)
    expect(await seller.lookupInvoice(invoice.paymentHash)).toEqual({
      status: 'settled',
      amountMsat: price,
      settledAtSeconds: 1_800_000_900, // when it was due, not when somebody looked
    })
    expect(await settled.count()).toBe(1)
    expect((await buyer.pay(invoice, limits)).status).toBe('settled')
    expect(buyer.balanceMsat()).toBe(funds - price - fee)
  })

  test('R-LN-28 a time-out of zero settles at once, unseen', async () => {
    buyer.injectFault({ kind: 'timeout', settleAfterMs: 0 })
    expect(await buyer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    expect((await buyer.lookupPayment(invoice.paymentHash))?.status).toBe('settled')
  })

  test('R-LN-27 tick lets a reader who waits see what is due', async () => {
    const stop = new AbortController()
    const waiting = seller.settlements(stop.signal)[Symbol.asyncIterator]().next()
    buyer.injectFault({ kind: 'timeout', settleAfterMs: 1000 })
    await buyer.pay(invoice, limits)
    now += 1
    devnet.tick()
    expect((await waiting).value).toMatchObject({ amountMsat: price })
    stop.abort()
  })

  test('R-LN-27 a reader who looks again sees what is due without a tick', async () => {
    const stop = new AbortController()
    const stream = seller.settlements(stop.signal)[Symbol.asyncIterator]()
    buyer.injectFault({ kind: 'timeout', settleAfterMs: 1000 })
    await buyer.pay(invoice, limits)
    now += 1
    expect((await stream.next()).value).toMatchObject({ amountMsat: price })
    stop.abort()
  })

  test('R-LN-27 what is due together happens in the order it was due', async () => {
    const stop = new AbortController()
    const stream = seller.settlements(stop.signal)[Symbol.asyncIterator]()
    const delays = [3000, 1000, 2000, 1000]
    const hashes: string[] = []
    for (const settleAfterMs of delays) {
      const next = await invoiceOf(seller)
      buyer.injectFault({ kind: 'timeout', settleAfterMs })
      await buyer.pay(next, limits)
      hashes.push(encodeHex(next.paymentHash))
    }
    now += 5
    const seen: string[] = []
    for (const _ of delays) seen.push(encodeHex((await stream.next()).value.paymentHash))
    expect(seen).toEqual([hashes[1], hashes[3], hashes[2], hashes[0]])
    stop.abort()
  })

  test.each(['settle', 'fail'] as const)(
    'R-LN-28 what is in flight stays so until it is told to %s',
    async (end) => {
      buyer.injectFault({ kind: 'in-flight' })
      expect(await buyer.pay(invoice, limits)).toEqual({ status: 'unknown' })
      now += 1_000_000
      expect(await buyer.lookupPayment(invoice.paymentHash)).toEqual({ status: 'unknown' })
      expect(await seller.lookupInvoice(invoice.paymentHash)).toEqual({ status: 'open' })
      expect(buyer.balanceMsat()).toBe(funds - price - fee)
      buyer.resolvePayment(invoice.paymentHash, end)
      const settles = end === 'settle'
      expect((await buyer.lookupPayment(invoice.paymentHash))?.status).toBe(
        settles ? 'settled' : 'failed',
      )
      expect(buyer.balanceMsat()).toBe(settles ? funds - price - fee : funds)
      expect((await seller.lookupInvoice(invoice.paymentHash)).status).toBe(
        settles ? 'settled' : 'closed',
      )
      expect(() => buyer.resolvePayment(invoice.paymentHash, end)).toThrow(RangeError)
    },
  )

  test('R-LN-28 a time-out that is resolved early does not settle again', async () => {
    buyer.injectFault({ kind: 'timeout', settleAfterMs: 1000 })
    await buyer.pay(invoice, limits)
    buyer.resolvePayment(invoice.paymentHash, 'fail')
    now += 2
    devnet.tick()
    expect(buyer.balanceMsat()).toBe(funds)
    expect((await buyer.lookupPayment(invoice.paymentHash))?.status).toBe('failed')
  })

  test('R-LN-25 while a payment is under way another payer is rejected', async () => {
    buyer.injectFault({ kind: 'in-flight' })
    await buyer.pay(invoice, limits)
    expect(await other.pay(invoice, limits)).toEqual({ status: 'failed', reason: 'rejected' })
    buyer.resolvePayment(invoice.paymentHash, 'fail')
    expect((await other.pay(invoice, limits)).status).toBe('settled')
    expect(await buyer.pay(invoice, limits)).toEqual({ status: 'failed', reason: 'already-paid' })
  })

  test('R-LN-28 a wrong preimage proves nothing, and stays wrong', async () => {
    buyer.injectFault({ kind: 'wrong-preimage' })
    const outcome = await buyer.pay(invoice, limits)
    if (outcome.status !== 'settled') throw new Error(outcome.status)
    expect(provesPayment(outcome.preimage, invoice.paymentHash)).toBe(false)
    expect(await buyer.lookupPayment(invoice.paymentHash)).toEqual(outcome)
    expect(seller.balanceMsat()).toBe(price)
  })

  test('R-LN-28 a duplicate is called already paid, and a lookup knows better', async () => {
    buyer.injectFault({ kind: 'duplicate' })
    const failure = { status: 'failed', reason: 'already-paid' }
    expect(await buyer.pay(invoice, limits)).toEqual(failure)
    expect((await buyer.lookupPayment(invoice.paymentHash))?.status).toBe('settled')
    expect(buyer.balanceMsat()).toBe(funds - price - fee)
  })

  test.each(['no-route', 'rejected'] as const)(
    'R-LN-28 a scripted failure %s moves nothing',
    async (reason) => {
      buyer.injectFault({ kind: 'fail', reason })
      expect(await buyer.pay(invoice, limits)).toEqual({ status: 'failed', reason })
      expect(buyer.balanceMsat()).toBe(funds)
      expect((await buyer.pay(invoice, limits)).status).toBe('settled')
    },
  )

  test('R-LN-28 an order that hangs is carried out, and its caller hears only its own signal', async () => {
    const stop = new AbortController()
    buyer.injectFault({ kind: 'hang' })
    let heard = false
    const paying = buyer.pay(invoice, { ...limits, signal: stop.signal }).then((outcome) => {
      heard = true
      return outcome
    })
    expect((await buyer.lookupPayment(invoice.paymentHash))?.status).toBe('settled')
    expect(heard).toBe(false)
    stop.abort()
    expect(await paying).toEqual({ status: 'unknown' })
  })

  test('R-LN-11 R-LN-28 an unavailable node takes no order', async () => {
    buyer.injectFault({ kind: 'unavailable' })
    await expect(buyer.pay(invoice, limits)).rejects.toSatisfy(isUnavailable)
    expect(await buyer.lookupPayment(invoice.paymentHash)).toBeUndefined()
    expect(buyer.balanceMsat()).toBe(funds)
    expect((await buyer.pay(invoice, limits)).status).toBe('settled')
  })

  test('R-LN-28 faults are used in their order, and one for a hash waits for its hash', async () => {
    const second = await invoiceOf(seller)
    buyer.injectFault({ kind: 'fail', reason: 'rejected' }, second.paymentHash)
    buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    buyer.injectFault({ kind: 'unavailable' })
    const pay = (which: Invoice) => buyer.pay(which, limits)
    expect(await pay(invoice)).toMatchObject({ reason: 'no-route' })
    expect(await pay(second)).toMatchObject({ reason: 'rejected' })
    await expect(pay(second)).rejects.toSatisfy(isUnavailable)
    expect((await pay(second)).status).toBe('settled')
  })

  test('R-LN-28 a payment that is refused anyway leaves the fault for the next', async () => {
    buyer.injectFault({ kind: 'timeout', settleAfterMs: 0 })
    expect(await buyer.pay(invoice, { maxFeeMsat: msat(0n) })).toMatchObject({
      reason: 'fee-limit',
    })
    expect(await buyer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    buyer.injectFault({ kind: 'fail', reason: 'rejected' })
    expect((await buyer.pay(invoice, limits)).status).toBe('settled')
    expect(await buyer.pay(await invoiceOf(seller), limits)).toMatchObject({ reason: 'rejected' })
  })

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])(
    'R-LN-28 a delay of %s ms is refused',
    (settleAfterMs) => {
      expect(() => buyer.injectFault({ kind: 'timeout', settleAfterMs })).toThrow(RangeError)
    },
  )
})

describe('R-LN-10 an abort', () => {
  test('before the call is unknown, and no order is given', async () => {
    const invoice = await invoiceOf(seller)
    const aborted = { ...limits, signal: AbortSignal.abort() }
    buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    expect(await buyer.pay(invoice, aborted)).toEqual({ status: 'unknown' })
    expect(await buyer.lookupPayment(invoice.paymentHash)).toBeUndefined()
    expect(buyer.balanceMsat()).toBe(funds)
  })

  test('after the order changes nothing about the money', async () => {
    const invoice = await invoiceOf(seller)
    const stop = new AbortController()
    const paying = buyer.pay(invoice, { ...limits, signal: stop.signal })
    stop.abort()
    await paying
    expect((await buyer.lookupPayment(invoice.paymentHash))?.status).toBe('settled')
  })
})

describe('settlements', () => {
  test('R-LN-5 are told once to each stream, to readers at the same time, in order', async () => {
    const stop = new AbortController()
    const stream = seller.settlements(stop.signal)[Symbol.asyncIterator]()
    const reads = Array.from({ length: 10 }, () => stream.next())
    const hashes: string[] = []
    for (let i = 0; i < 10; i++) {
      const invoice = await invoiceOf(seller)
      hashes.push(encodeHex(invoice.paymentHash))
      await buyer.pay(invoice, limits)
    }
    const seen = (await Promise.all(reads)).map(({ value }) => encodeHex(value.paymentHash))
    expect(seen.toSorted()).toEqual(hashes.toSorted())
    stop.abort()
  })

  test('R-LN-6 one stream that is left does not end another on the same signal', async () => {
    const stop = new AbortController()
    const left = seller.settlements(stop.signal)
    const kept = seller.settlements(stop.signal)[Symbol.asyncIterator]()
    await buyer.pay(await invoiceOf(seller), limits)
    for await (const _ of left) break
    expect((await kept.next()).done).toBe(false)
    const waiting = kept.next()
    stop.abort()
    expect((await waiting).done).toBe(true)
  })

  test('R-LN-6 a stream that is left while it waits is over', async () => {
    const stream = seller.settlements(new AbortController().signal)[Symbol.asyncIterator]()
    const waiting = stream.next()
    await stream.return?.()
    expect((await waiting).done).toBe(true)
    await buyer.pay(await invoiceOf(seller), limits)
    expect((await stream.next()).done).toBe(true)
  })

  test('R-LN-6 an abort wins over what was not read yet', async () => {
    const stop = new AbortController()
    const stream = seller.settlements(stop.signal)[Symbol.asyncIterator]()
    await buyer.pay(await invoiceOf(seller), limits)
    stop.abort()
    expect((await stream.next()).done).toBe(true)
  })

  test('R-LN-30 break when the node cannot be reached, also under a reader that waits', async () => {
    const stream = seller.settlements(new AbortController().signal)[Symbol.asyncIterator]()
    const waiting = stream.next()
    seller.setReachable(false)
    await expect(waiting).rejects.toSatisfy(isUnavailable)
    seller.setReachable(true)
    expect((await stream.next()).done).toBe(true)
  })
})

describe('the network', () => {
  test('R-LN-20 adds no node without a name and a balance', () => {
    const network = createDevnet()
    for (const options of [undefined, null, {}, { balanceMsat: 5 }]) {
      expect(() => network.addNode('x', options as never)).toThrow(
        new TypeError('addNode: expected { balanceMsat }, such as { balanceMsat: satToMsat(10n) }'),
      )
    }
    const balance = { balanceMsat: msat(1n) }
    expect(() => network.addNode(undefined as never, balance)).toThrow(TypeError)
    expect(network.totalMsat()).toBe(0n)
  })

  const names = ['production', 'development'] as const
  test.each(names)('R-LN-29 in %s', (name) => {
    vi.stubEnv('NODE_ENV', name)
    try {
      if (name === 'production') {
        expect(() => createDevnet()).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
        expect(() => createDevnet({ force: false })).toThrow()
      } else {
        createDevnet()
      }
      createDevnet({ force: true })
    } finally {
      vi.unstubAllEnvs()
    }
  })

  test('R-LN-30 answers for a node that cannot be reached with NODE_UNAVAILABLE', async () => {
    const invoice = await invoiceOf(seller)
    const request = { amountMsat: price, description: '', expirySeconds: 60 }
    const paymentHash = hashPreimage(preimage(randomBytes(32)))
    buyer.setReachable(false)
    for (const work of [
      () => buyer.createInvoice(request),
      () => buyer.createHoldInvoice({ ...request, paymentHash }),
      () => buyer.lookupInvoice(invoice.paymentHash),
      () => buyer.pay(invoice, limits),
      () => buyer.lookupPayment(invoice.paymentHash),
    ]) {
      await expect(work()).rejects.toSatisfy(isUnavailable)
    }
    buyer.setReachable(true)
    expect(await buyer.lookupPayment(invoice.paymentHash)).toBeUndefined()
  })

  test('R-LN-30 still brings payments to a node that cannot be reached', async () => {
    const invoice = await invoiceOf(seller)
    seller.setReachable(false)
    expect((await buyer.pay(invoice, limits)).status).toBe('settled')
    seller.setReachable(true)
    expect((await seller.lookupInvoice(invoice.paymentHash)).status).toBe('settled')
  })

  test('R-LN-20 holds at most all the money there is, under names of their own', () => {
    expect(() => devnet.addNode('rich', { balanceMsat: maxMsat })).toThrow(RangeError)
    expect(() => devnet.addNode('buyer', { balanceMsat: msat(0n) })).toThrow(RangeError)
    devnet.addNode('rich', { balanceMsat: msat(0n) })
  })

  test.each([-1, 1.5, 1_000_001, Number.NaN])('R-LN-22 refuses %s millionths', (millionths) => {
    expect(() => createDevnet({ feeProportionalMillionths: millionths })).toThrow(RangeError)
  })

  test('R-LN-24 runs on the clock of the system when it is given none', async () => {
    const net = createDevnet()
    const node = net.addNode('a', { balanceMsat: msat(0n) })
    const { timestampSeconds } = await invoiceOf(node)
    expect(Math.abs(timestampSeconds - Date.now() / 1000)).toBeLessThan(60)
  })

  test('R-LN-21 gives every node a key of its own', () => {
    const keys = [buyer, other, seller].map(({ nodeId }) => encodeHex(nodeId))
    expect(new Set(keys).size).toBe(3)
    for (const key of keys) expect(key).toMatch(/^0[23][0-9a-f]{64}$/)
  })
})

async function invoiceOf(node: DevnetNode, amountMsat: Msat = price): Promise<Invoice> {
  const request = { amountMsat, description: 'test', expirySeconds: 600 }
  return decodeInvoice((await node.createInvoice(request)).invoice)
}

/** Counts what a stream tells until nothing more is there. */
function settlementsOf(node: DevnetNode): { count(): Promise<number> } {
  const stop = new AbortController()
  const told: Settlement[] = []
  const reading = (async () => {
    for await (const settlement of node.settlements(stop.signal)) told.push(settlement)
  })()
  return {
    count: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      stop.abort()
      await reading
      return told.length
    },
  }
}

function isUnavailable(error: unknown): boolean {
  return isL402Error(error, 'NODE_UNAVAILABLE')
}
