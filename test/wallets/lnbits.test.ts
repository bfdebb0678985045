import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import type { PaymentHash } from '../../library/src/invoice/index.ts'
import { decodeInvoice, hashPreimage, preimage } from '../../library/src/invoice/index.ts'
import type { Settlement } from '../../library/src/lightning/index.ts'
import type { LnbitsOptions } from '../../library/src/lightning/lnbits/index.ts'
import { createLnbits } from '../../library/src/lightning/lnbits/index.ts'
import {
  incomingOf,
  invoiceStatusOf,
  outgoingOf,
  readEntries,
  readError,
  readReceived,
  toldBy,
} from '../../library/src/lightning/lnbits/lnbits-answers.ts'
import type { ConformanceRig } from '../../library/src/testing/index.ts'
import {
  invoiceFaultCases,
  orderFaultCases,
  payeeConformance,
  payerConformance,
} from '../../library/src/testing/index.ts'
import type { LnbitsLookAlikeOptions } from '../../library/src/testing/look-alike/lnbits.ts'
import { serveLnbits } from '../../library/src/testing/look-alike/lnbits.ts'
import { closers, controlsOf, createNodes, limits, makeInvoice, marked } from './look-alike-rig.ts'

type WorldOptions = LnbitsLookAlikeOptions & {
  /** Whose node LNbits uses. */
  readonly of?: 'payer' | 'payee'
  readonly keyOf?: 'invoice' | 'admin'
  readonly wallet?: Partial<LnbitsOptions>
}

/** A look-alike over one node of a network whose fees are never zero, and a wallet that speaks to it. */
async function createWorld(options: WorldOptions = {}) {
  const { of = 'payer', keyOf = 'admin', wallet: changes, ...served } = options
  const nodes = createNodes(of)
  const { clock, node } = nodes
  const lookAlike = await serveLnbits(node, { now: clock.now, payWaitMs: 200, ...served })
  const wallet = createLnbits({
    url: lookAlike.url,
    key: keyOf === 'admin' ? lookAlike.adminKey : lookAlike.invoiceKey,
    network: 'regtest',
    timeoutMs: 300,
    orderTimeoutMs: 400,
    now: clock.now,
    ...changes,
  })
  const close = async (): Promise<void> => {
    wallet.close()
    await lookAlike.close()
  }
  closers.push(close)
  const orders = (): number => lookAlike.seen.filter(({ role }) => role === 'order').length
  return { ...nodes, lookAlike, wallet, orders, close }
}

type World = Awaited<ReturnType<typeof createWorld>>

const keyOnlyReceives = JSON.stringify({ detail: 'Invoice (or Admin) key required.' })

function rigControls(world: World): NonNullable<ConformanceRig['controls']> {
  const { lookAlike } = world
  return controlsOf(world, () => {
    const how = { kind: 'answer', status: 403, body: keyOnlyReceives } as const
    lookAlike.inject('order', { executed: false, how })
  })
}

/** What no node behind LNbits tells: that somebody else has paid. */
const skips: ReadonlySet<string> = new Set(['R-LN-13 what another payer paid is not paid again'])

describe('R-LNB-1 LNbits conforms as a payer', () => {
  const createRig = async (): Promise<ConformanceRig> => {
    const world = await createWorld()
    const { wallet, payee, close } = world
    return { payer: wallet.payer, payee, controls: rigControls(world), close }
  }
  // R-LNB-6: what failed at its node is never sent again.
  for (const { name, run } of payerConformance(createRig, { retriesFailed: false })) {
    test(name, async () => {
      expect(await run()).toBe(skips.has(name) ? 'the rig has no control otherPayer' : undefined)
    })
  }

  for (const { name, run } of orderFaultCases(async () => {
    const { wallet, node, payee, lookAlike, close } = await createWorld()
    return { payer: wallet.payer, node, payee, lookAlike, retriesFailed: false, close }
  })) {
    test.concurrent(name, async () => expect(await run()).toBeUndefined())
  }

  test('what somebody else has paid has failed, and nothing moves', async () => {
    const { wallet, invoice, other, payer } = await createWorld()
    const one = await invoice()
    await other.pay(one, limits)
    const before = payer.balanceMsat()
    expect(await wallet.payer.pay(one, limits)).toEqual({ status: 'failed', reason: 'rejected' })
    expect(payer.balanceMsat()).toBe(before)
  })
})

describe('R-LNB-1 LNbits conforms as a payee, with the invoice key', () => {
  const createRig = async (): Promise<ConformanceRig> => {
    const world = await createWorld({ of: 'payee', keyOf: 'invoice' })
    const { wallet, payer, close } = world
    return { payer, payee: wallet.payee, controls: rigControls(world), close }
  }
  for (const { name, run } of payeeConformance(createRig)) {
    test(name, async () => expect(await run()).toBeUndefined())
  }
  for (const { name, run } of invoiceFaultCases(async () => {
    const { wallet, lookAlike, close } = await createWorld({ of: 'payee', keyOf: 'invoice' })
    return { payee: wallet.payee, lookAlike, close }
  })) {
    test.concurrent(name, async () => expect(await run()).toBeUndefined())
  }

  test('an invoice is found by another process, by its hash', async () => {
    const { wallet, lookAlike, payer, clock } = await createWorld({ of: 'payee' })
    const invoice = await makeInvoice(wallet.payee)
    const { url, invoiceKey: key } = lookAlike
    const other = createLnbits({ url, key, network: 'regtest', now: clock.now })
    closers.push(other.close)
    expect(await other.payee.lookupInvoice(invoice.paymentHash)).toEqual({ status: 'open' })
    await payer.pay(invoice, limits)
    expect(await other.payee.lookupInvoice(invoice.paymentHash)).toEqual({
      status: 'settled',
      amountMsat: 21_000n,
      settledAtSeconds: clock.now(),
    })
  })
})

describe('R-LNB-2 the fee ceiling', () => {
  for (const [amountMsat, served, reserveMsat] of [
    [5000n, {}, 2000n],
    [1_000_000n, {}, 10_000n],
    [1_000_000n, { reserveMinMsat: 25_000, reservePercent: 0.5 }, 25_000n],
    [1_000_000n, { servicePercent: 2 }, 30_000n],
  ] as const) {
    test(`${amountMsat} msat are not ordered for less than ${reserveMsat} msat (${inspect(served)})`, async () => {
      const { wallet, invoice, orders } = await createWorld(served)
      const one = await invoice(msat(amountMsat))
      const outcome = await wallet.payer.pay(one, { maxFeeMsat: msat(reserveMsat - 1n) })
      expect(outcome).toEqual({ status: 'failed', reason: 'fee-limit' })
      expect(orders()).toBe(0)
      const paid = await wallet.payer.pay(one, { maxFeeMsat: msat(reserveMsat) })
      expect(paid.status).toBe('settled')
    })
  }

  for (const [what, status, body] of [
    ['nothing', 200, '{}'],
    ['less than nothing', 200, '{"fee_reserve":-1}'],
    ['more than a JSON number can hold', 200, '{"fee_reserve":9007199254740993}'],
    ['a page', 200, '<html>'],
    ['502', 502, ''],
    ['that it has had too many requests', 429, '{"error":"Rate limit exceeded: 200 per 1 minute"}'],
  ] as const) {
    test(`is not trusted to a server that tells ${what}: nothing is ordered`, async () => {
      const { wallet, invoice, orders, lookAlike } = await createWorld()
      lookAlike.inject('other', { executed: false, how: { kind: 'answer', status, body } })
      await expect(wallet.payer.pay(await invoice(), limits)).rejects.toMatchObject({
        code: 'NODE_UNAVAILABLE',
      })
      expect(orders()).toBe(0)
    })
  }
})

describe('R-LNB-3 the fee that is told', () => {
  test('is what the wallet is charged, exact to the msat, with that of the server', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.bigInt({ min: 1n, max: 2_000_000n }),
        fc.constantFrom(0, 1.5),
        async (amount, servicePercent) => {
          const world = await createWorld({ servicePercent })
          const { wallet, invoice, payer, lookAlike, close } = world
          const one = await invoice(msat(amount))
          const before = payer.balanceMsat()
          const outcome = await wallet.payer.pay(one, limits)
          const routeMsat = before - payer.balanceMsat() - amount
          const serviceMsat = BigInt(Math.trunc((Number(amount) / 100) * servicePercent))
          const feeMsat = routeMsat + serviceMsat
          expect(outcome).toMatchObject({ status: 'settled', amountMsat: amount, feeMsat })
          const { url, adminKey: key } = lookAlike
          const other = createLnbits({ url, key, network: 'regtest' })
          const found = await other.payer.lookupPayment(one.paymentHash)
          expect(found).toMatchObject({ status: 'settled', amountMsat: amount, feeMsat })
          other.close()
          await close()
        },
      ),
      { numRuns: 15 },
    )
  })
})

const hashOf = (n: number): PaymentHash => hashPreimage(preimage(new Uint8Array(32).fill(n)))
const ours = hashOf(9)
const entry = {
  checking_id: encodeHex(ours),
  payment_hash: encodeHex(ours),
  amount: -5000,
  fee: -1004,
  status: 'success',
  preimage: '09'.repeat(32),
}

/** Answers to an order as LNbits words them, and what they mean. `HASH` is that of the invoice. */
const orderAnswers: readonly (readonly [
  what: string,
  status: number,
  body: unknown,
  verdict: string,
])[] = [
  [
    'the key of who only receives',
    403,
    { detail: 'Invoice (or Admin) key required.' },
    'not given',
  ],
  [
    'the same in an older release',
    401,
    { detail: 'Invoice (or Admin) key required.' },
    'not given',
  ],
  ['no such key', 404, { detail: 'Wallet not found.' }, 'not given'],
  ['too many requests', 429, { error: 'Rate limit exceeded: 200 per 1 minute' }, 'not given'],
  [
    'too little',
    520,
    { detail: 'Insufficient balance.', status: 'failed' },
    'insufficient-balance',
  ],
  [
    'too little for the fees',
    520,
    {
      detail: 'You must reserve at least (2  sat) to cover potential routing fees.',
      status: 'failed',
    },
    'insufficient-balance',
  ],
  ['no route', 520, { detail: 'Payment failed: no_route', status: 'failed' }, 'no-route'],
  ['no more', 520, { detail: 'Payment failed: x', status: 'failed' }, 'rejected'],
  [
    'what failed before',
    520,
    { detail: 'Payment is failed node, retrying is not possible.', status: 'failed' },
    'rejected',
  ],
  [
    'an invoice of another wallet of it that was paid',
    520,
    { detail: 'Internal invoice already paid.', status: 'failed' },
    'already-paid',
  ],
  ['what was paid', 520, { detail: 'Payment already paid.', status: 'success' }, 'already-paid'],
  [
    'only incoming payments',
    520,
    { detail: 'Only incoming payments allowed.', status: 'failed' },
    'rejected',
  ],
  ['a limit of the day', 400, { detail: 'Daily withdrawal limit of 5 sats reached.' }, 'rejected'],
  [
    'no spending at all',
    400,
    { detail: 'It is not allowed to spend funds from this server.' },
    'rejected',
  ],
  ['what is under way', 520, { detail: 'Payment is still pending.', status: 'pending' }, 'unknown'],
  ['an error of it', 500, { detail: 'boom', status: 'failed' }, 'unknown'],
  ['520 of a proxy', 520, '<html>', 'unknown'],
  ['520 without a state', 520, { detail: 'Payment failed: x' }, 'unknown'],
  ['another 400', 400, { detail: 'Bech32 string is not valid.' }, 'unknown'],
  ['401 of somebody else', 401, { error: 'unauthorized' }, 'unknown'],
  ['403 of a proxy', 403, '<html>', 'unknown'],
  ['404 of a proxy', 404, '<html>', 'unknown'],
  ['404 of another server', 404, { detail: 'Not Found' }, 'unknown'],
  ['429 of a proxy', 429, '', 'unknown'],
  ['201 with nothing', 201, {}, 'unknown'],
  ['an older release, which tells no state', 201, { payment_hash: 'HASH' }, 'unknown'],
  [
    'what is under way, again',
    201,
    { ...entry, payment_hash: 'HASH', status: 'pending' },
    'unknown',
  ],
  [
    'what failed before, again',
    201,
    { ...entry, payment_hash: 'HASH', status: 'failed' },
    'rejected',
  ],
  ['money that comes', 201, { ...entry, payment_hash: 'HASH', amount: 5000 }, 'unknown'],
  ['no proof', 201, { ...entry, payment_hash: 'HASH', preimage: null }, 'unknown'],
  [
    'zeros for a proof',
    201,
    { ...entry, payment_hash: 'HASH', preimage: '0'.repeat(64) },
    'unknown',
  ],
  ['the proof of another', 201, { ...entry, payment_hash: 'HASH' }, 'unknown'],
  ['another payment', 201, entry, 'unknown'],
]

describe('R-LNB-4 R-LNB-5 R-LNB-7 what the answer to an order means', () => {
  for (const [what, status, body, verdict] of orderAnswers) {
    test(`${what}: ${verdict}`, async () => {
      const { lookAlike, wallet, invoice, payer } = await createWorld()
      const one = await invoice()
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const named = text.replace('HASH', encodeHex(one.paymentHash))
      lookAlike.inject('order', { executed: false, how: { kind: 'answer', status, body: named } })
      const outcome = await wallet.payer.pay(one, limits).catch((error: unknown) => error)
      if (verdict === 'not given') {
        expect(isL402Error(outcome, 'NODE_UNAVAILABLE')).toBe(true)
        expect(await wallet.payer.lookupPayment(one.paymentHash)).toBeUndefined()
      } else if (verdict === 'unknown') expect(outcome).toEqual({ status: 'unknown' })
      else expect(outcome).toEqual({ status: 'failed', reason: verdict })
      expect(payer.balanceMsat()).toBe(10_000_000n)
    })
  }

  for (const [what, status, body] of [
    ['a refusal', 403, keyOnlyReceives],
    ['a balance that is too low', 520, '{"detail":"Insufficient balance.","status":"failed"}'],
  ] as const) {
    test(`R-LNB-5 ${what} is no failure while LNbits pays`, async () => {
      const { lookAlike, wallet, invoice, payer } = await createWorld()
      const one = await invoice()
      payer.injectFault({ kind: 'in-flight' })
      // Another process orders it, between our question and our order.
      const { url, adminKey: key } = lookAlike
      const other = createLnbits({ url, key, network: 'regtest' })
      closers.push(other.close)
      lookAlike.inject('look-up', { executed: true, how: { kind: 'late', ms: 100 } })
      const paying = wallet.payer.pay(one, limits)
      while (!lookAlike.seen.some(({ role }) => role === 'look-up')) {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      const others = other.payer.pay(one, limits)
      while ((await payer.lookupPayment(one.paymentHash)) === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      lookAlike.inject('order', { executed: false, how: { kind: 'answer', status, body } })
      expect(await paying).toEqual({ status: 'unknown' })
      payer.resolvePayment(one.paymentHash, 'settle')
      expect(await wallet.payer.pay(one, limits)).toMatchObject({ status: 'settled' })
      expect(await others).toMatchObject({ status: expect.stringMatching(/unknown|settled/) })
    })
  }
})

describe('R-LNB-4 R-LNB-5 R-LNB-8 what the books say of a payment', () => {
  const read = (...entries: readonly object[]) => {
    const data = entries.map((changes) => ({ ...entry, ...changes }))
    const found = readEntries(JSON.stringify({ data, total: data.length }), ours)
    const outgoing = found === undefined ? undefined : outgoingOf(found)
    return outgoing === undefined ? outgoing : toldBy(outgoing, ours)
  }
  const pending = { status: 'pending' }
  const failed = { status: 'failed' }
  for (const [what, entries, told] of [
    ['paid', [{}], { status: 'settled', amountMsat: 5000n, feeMsat: 1004n }],
    ['paid within the server', [{ fee: 30 }], { status: 'settled', feeMsat: 30n }],
    ['paid without a proof', [{ preimage: null }], { status: 'unknown' }],
    ['paid with zeros for a proof', [{ preimage: '0'.repeat(64) }], { status: 'unknown' }],
    ['paid with the proof of another', [{ preimage: '01'.repeat(32) }], { status: 'unknown' }],
    ['under way', [pending], { status: 'unknown' }],
    ['failed', [failed], { status: 'failed', reason: 'rejected' }],
    ['failed, and paid within the server', [failed, {}], { status: 'settled' }],
    ['failed, and under way', [failed, pending], { status: 'unknown' }],
    ['only received', [{ amount: 5000 }], undefined],
    ['nothing', [], undefined],
    ['a state of tomorrow', [{ status: 'paused' }], undefined],
    ['more than a JSON number can hold', [{ amount: -(2 ** 53) }], undefined],
    ['part of an msat', [{ amount: -1.5 }], undefined],
    ['text for an amount', [{ amount: '-5000' }], undefined],
  ] as const) {
    test(what, () => {
      if (told === undefined) expect(read(...entries)).toBeUndefined()
      else expect(read(...entries)).toMatchObject(told)
    })
  }
})

describe('R-LNB-6 what failed stays failed', () => {
  test('LNbits never sends it again, and another order says so', async () => {
    const { wallet, invoice, payer, payee } = await createWorld()
    const one = await invoice()
    payer.injectFault({ kind: 'fail', reason: 'no-route' })
    expect(await wallet.payer.pay(one, limits)).toEqual({ status: 'failed', reason: 'no-route' })
    expect(await wallet.payer.pay(one, limits)).toEqual({ status: 'failed', reason: 'rejected' })
    expect((await payee.lookupInvoice(one.paymentHash)).status).toBe('open')
    // What was refused before it was sent can be ordered again.
    const two = await invoice()
    await wallet.payer.pay(two, { maxFeeMsat: msat(0n) })
    expect(await wallet.payer.pay(two, limits)).toMatchObject({ status: 'settled' })
  })
})

describe('R-LNB-8 a payment or an invoice is not there', () => {
  const empty = { data: [], total: 0 }
  for (const [what, status, body] of [
    ['a page of a proxy', 404, '<html>'],
    ['404', 404, { detail: 'Payment does not exist.' }],
    ['another status', 502, empty],
    ['a filter that was read over', 200, { data: [], total: 3 }],
    ['entries of others', 200, { data: [{ ...entry, payment_hash: '11'.repeat(32) }], total: 1 }],
    ['no total', 200, { data: [] }],
    ['a list', 200, []],
    ['no list', 200, { data: {}, total: 0 }],
    ['a key that is not taken', 404, { detail: 'Wallet not found.' }],
    ['too many requests', 429, { error: 'Rate limit exceeded: 200 per 1 minute' }],
  ] as const) {
    test(`not by ${what}`, async () => {
      const { lookAlike, wallet, invoice } = await createWorld()
      const { paymentHash } = await invoice()
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      for (const ask of [wallet.payer.lookupPayment, wallet.payee.lookupInvoice]) {
        lookAlike.inject('look-up', {
          executed: false,
          how: { kind: 'answer', status, body: text },
        })
        await expect(ask(paymentHash)).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
      }
      expect(await wallet.payer.lookupPayment(paymentHash)).toBeUndefined()
      expect(await wallet.payee.lookupInvoice(paymentHash)).toEqual({ status: 'not-found' })
    })
  }
})

describe('R-LNB-9 an order is given once', () => {
  test('LNbits is asked before the first order of a process', async () => {
    const { lookAlike, wallet, invoice, orders } = await createWorld()
    const one = await invoice()
    expect((await wallet.payer.pay(one, limits)).status).toBe('settled')
    const { url, adminKey: key } = lookAlike
    const restarted = createLnbits({ url, key, network: 'regtest' })
    closers.push(restarted.close)
    expect((await restarted.payer.pay(one, limits)).status).toBe('settled')
    expect(orders()).toBe(1)
  })

  test('it may be on its way for ten minutes; its name is that of the server and the wallet', async () => {
    const { lookAlike, wallet } = await createWorld()
    expect(wallet.payer.orderLagSeconds).toBe(600)
    const { url, adminKey: key, invoiceKey } = lookAlike
    expect(createLnbits({ url: `${url}/`, key }).payer.id).toBe(wallet.payer.id)
    expect(createLnbits({ url: `${url}/two`, key }).payer.id).not.toBe(wallet.payer.id)
    expect(createLnbits({ url, key: invoiceKey }).payer.id).not.toBe(wallet.payer.id)
    expect(wallet.payer.id).not.toContain(key)
  })
})

describe('R-LNB-10 within one LNbits', () => {
  test('a payment that its books tell no preimage of is unknown, and the invoice is settled', async () => {
    const { wallet, payer } = await createWorld()
    const invoice = await makeInvoice(wallet.payee)
    const before = payer.balanceMsat()
    expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    const found = await wallet.payee.lookupInvoice(invoice.paymentHash)
    expect(found).toMatchObject({ status: 'settled', amountMsat: 21_000n })
    expect(payer.balanceMsat()).toBe(before)
    expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
  })
})

describe('R-LNB-11 what an invoice cannot say', () => {
  test('is a RangeError, and LNbits is not asked', async () => {
    const { wallet, lookAlike } = await createWorld({ of: 'payee' })
    const order = { amountMsat: msat(21_000n), description: 'tea', expirySeconds: 600 }
    for (const bad of [
      { ...order, amountMsat: msat(21_001n) },
      { ...order, amountMsat: msat(999n) },
    ]) {
      await expect(wallet.payee.createInvoice(bad)).rejects.toThrow(RangeError)
    }
    expect(lookAlike.seen).toEqual([])
    expect(wallet.payee.amountStepMsat).toBe(1000n)
  })

  test('an expiry that the node behind it decides is taken, another amount is not', async () => {
    const { wallet, payee, lookAlike } = await createWorld({ of: 'payee' })
    const order = { amountMsat: msat(21_000n), description: 'tea', expirySeconds: 600 }
    for (const [changes, isTaken] of [
      [{ expirySeconds: 3600 }, true],
      [{ amountMsat: msat(22_000n) }, false],
      [{ description: 'coffee' }, false],
    ] as const) {
      const { invoice } = await payee.createInvoice({ ...order, ...changes })
      const body = JSON.stringify({ bolt11: invoice })
      lookAlike.inject('invoice', { executed: false, how: { kind: 'answer', status: 201, body } })
      const work = wallet.payee.createInvoice(order)
      if (isTaken) expect((await work).invoice).toBe(invoice)
      else await expect(work).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    }
  })

  test('LNbits puts its name where the description is empty', async () => {
    const { wallet } = await createWorld({ of: 'payee' })
    const order = { amountMsat: msat(21_000n), description: '', expirySeconds: 600 }
    const { invoice } = await wallet.payee.createInvoice(order)
    expect(decodeInvoice(invoice).description).toBe('LNbits')
  })

  test('an older release names the invoice otherwise', async () => {
    const { wallet, payee, lookAlike } = await createWorld({ of: 'payee' })
    const order = { amountMsat: msat(21_000n), description: 'tea', expirySeconds: 600 }
    const { invoice } = await payee.createInvoice(order)
    const body = JSON.stringify({ payment_hash: '', payment_request: invoice, checking_id: '' })
    lookAlike.inject('invoice', { executed: false, how: { kind: 'answer', status: 201, body } })
    expect((await wallet.payee.createInvoice(order)).invoice).toBe(invoice)
  })
})

describe('R-LNB-12 how an invoice stands', () => {
  const read = async (nowSeconds: number, ...entries: readonly object[]) => {
    const { wallet } = await createWorld({ of: 'payee' })
    const invoice = await makeInvoice(wallet.payee)
    const named = {
      ...entry,
      payment_hash: encodeHex(invoice.paymentHash),
      amount: 21_000,
      bolt11: invoice.text,
      updated_at: '2026-01-02T03:04:05.678901+00:00',
    }
    const data = entries.map((changes) => ({ ...named, ...changes }))
    const text = JSON.stringify({ data, total: data.length })
    const found = incomingOf(readEntries(text, invoice.paymentHash) ?? [])
    return found === undefined
      ? undefined
      : invoiceStatusOf(found, invoice.timestampSeconds + nowSeconds)
  }
  const at = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000
  const settled = { status: 'settled', amountMsat: 21_000n, settledAtSeconds: at }
  const pending = { status: 'pending' }
  for (const [what, nowSeconds, entries, status] of [
    ['paid', 0, [{}], settled],
    ['paid, in the time of no zone', 0, [{ updated_at: '2026-01-02T03:04:05' }], settled],
    [
      'paid, in the time of another zone',
      0,
      [{ updated_at: '2026-01-02T05:34:05+02:30' }],
      settled,
    ],
    ['paid, in seconds', 0, [{ updated_at: at }], settled],
    ['paid, nobody knows when', 0, [{ updated_at: null }], undefined],
    ['paid, at no time', 0, [{ updated_at: '2026-99-99T99:99:99' }], undefined],
    ['open', 599, [pending], { status: 'open' }],
    ['expired', 600, [pending], { status: 'closed' }],
    ['open, nobody knows until when', 0, [{ ...pending, bolt11: 'x' }], undefined],
    ['failed', 0, [{ status: 'failed' }], { status: 'closed' }],
    ['paid by this very wallet', 0, [{ amount: -21_000 }, {}], settled],
    [
      'open, and the server has earned of it',
      0,
      [{ checking_id: 'service_fee_1' }, pending],
      { status: 'open' },
    ],
    ['what this wallet paid elsewhere', 0, [{ amount: -21_000 }], undefined],
  ] as const) {
    test(what, async () => expect(await read(nowSeconds, ...entries)).toEqual(status))
  }
})

test('R-LNB-12 what can be paid by the clock of LNbits is open, whatever ours says', async () => {
  const { lookAlike, clock } = await createWorld({ of: 'payee' })
  const wallet = createLnbits({
    url: lookAlike.url,
    key: lookAlike.invoiceKey,
    network: 'regtest',
    now: () => clock.now() + 7200,
  })
  closers.push(() => wallet.close())
  const { paymentHash: hash } = await makeInvoice(wallet.payee)
  expect(await wallet.payee.lookupInvoice(hash)).toEqual({ status: 'open' })
  clock.advance(600)
  expect(await wallet.payee.lookupInvoice(hash)).toEqual({ status: 'closed' })
})

describe('the readers take anything', () => {
  test('and throw nothing', () => {
    const one = fc.record(
      {
        payment_hash: fc.constantFrom(encodeHex(ours), 'x', 7),
        amount: fc.anything(),
        fee: fc.anything(),
        status: fc.constantFrom('success', 'pending', 'failed', 'x', 7),
        preimage: fc.anything(),
        bolt11: fc.anything(),
        updated_at: fc.oneof(fc.anything(), fc.string(), fc.constant('2026-01-02T03:04:05x')),
        detail: fc.anything(),
      },
      { requiredKeys: [] },
    )
    const page = fc.record({ data: fc.array(one), total: fc.nat(), payment: one })
    const text = fc
      .oneof(page, one)
      .map((value) => JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? 0 : part)))
    fc.assert(
      fc.property(fc.oneof(text, fc.string(), fc.json()), (answer) => {
        readError(answer)
        readReceived(answer)
        for (const each of readEntries(answer, ours) ?? []) {
          toldBy(each, ours)
          const found = invoiceStatusOf(each, 0)
          if (found?.status === 'settled')
            expect(Number.isInteger(found.settledAtSeconds)).toBe(true)
          expect(each.amountMsat >= 0n && each.feeMsat >= 0n).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('R-LNB-13 settlements', () => {
  test('are told once and in order; what settles while LNbits is away is told afterwards', async () => {
    const { wallet, payer, lookAlike } = await createWorld({ of: 'payee', keyOf: 'invoice' })
    const stop = new AbortController()
    const first = wallet.payee.settlements(stop.signal)[Symbol.asyncIterator]()
    const hashes: string[] = []
    for (let i = 0; i < 3; i++) {
      const one = await makeInvoice(wallet.payee)
      await payer.pay(one, limits)
      hashes.push(encodeHex(one.paymentHash))
    }
    for (const hash of hashes) {
      const told: Settlement = (await first.next()).value
      expect(encodeHex(told.paymentHash)).toBe(hash)
    }
    const two = await makeInvoice(wallet.payee)
    await lookAlike.setReachable(false)
    await expect(first.next()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    await payer.pay(two, limits)
    await lookAlike.setReachable(true)
    const again = wallet.payee.settlements(stop.signal)[Symbol.asyncIterator]()
    const next: Settlement = (await again.next()).value
    expect(next).toMatchObject({ amountMsat: 21_000n })
    expect(encodeHex(next.paymentHash)).toBe(encodeHex(two.paymentHash))
    stop.abort()
    expect((await again.next()).done).toBe(true)
  }, 20_000)

  test('a message that somebody else sends to the socket makes nothing paid', async () => {
    const { wallet, lookAlike, payer } = await createWorld({ of: 'payee' })
    const invoice = await makeInvoice(wallet.payee)
    const hash = encodeHex(invoice.paymentHash)
    const paid = { status: 'success', payment_hash: hash, amount: 21_000 }
    const forged = JSON.stringify({ wallet_balance: 1, payment: { ...entry, ...paid } })
    expect(readReceived(forged)).toEqual(invoice.paymentHash)
    for (const text of [
      JSON.stringify({ payment: { payment_hash: hash, amount: -1 } }),
      JSON.stringify({ payment: { payment_hash: hash } }),
      JSON.stringify({ payment: { payment_hash: 'x', amount: 1 } }),
      '{"payment":null}',
      'null',
    ]) {
      expect(readReceived(text)).toBeUndefined()
    }
    // What is told is looked up: here it is still open.
    const stop = new AbortController()
    const stream = wallet.payee.settlements(stop.signal)[Symbol.asyncIterator]()
    const reading = stream.next()
    while (!lookAlike.seen.some(({ role }) => role === 'settlements')) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const other = await makeInvoice(wallet.payee)
    await payer.pay(other, limits)
    const told: Settlement = (await reading).value
    expect(encodeHex(told.paymentHash)).toBe(encodeHex(other.paymentHash))
    expect(await wallet.payee.lookupInvoice(invoice.paymentHash)).toEqual({ status: 'open' })
    stop.abort()
  })

  test('the key is in the path of the socket, and in no other', async () => {
    const { wallet, lookAlike } = await createWorld({ of: 'payee', keyOf: 'invoice' })
    const stop = new AbortController()
    const reading = wallet.payee.settlements(stop.signal)[Symbol.asyncIterator]().next()
    await makeInvoice(wallet.payee)
    while (lookAlike.seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    stop.abort()
    await reading
    const paths = lookAlike.seen
      .map(({ path }) => path)
      .filter((path) => path.includes(lookAlike.invoiceKey))
    expect(paths).toEqual([`/api/v1/ws/${lookAlike.invoiceKey}`])
  })
})

describe('R-LNB-14 LNbits is examined', () => {
  test('the admin key spends, and does more', async () => {
    const { wallet, clock } = await createWorld()
    expect(await wallet.examine()).toEqual({
      network: undefined,
      notReady: undefined,
      powers: {
        receive: true,
        spend: true,
        beyond: ['make wallets for its owner', 'use the extensions of its owner'],
      },
      nowSeconds: clock.now(),
    })
  })

  test('the invoice key only receives', async () => {
    const { wallet } = await createWorld({ keyOf: 'invoice' })
    expect((await wallet.examine()).powers).toEqual({ receive: true, spend: false, beyond: [] })
  })

  test('a wrong key is refused, with what to mend', async () => {
    const { wallet } = await createWorld({ wallet: { key: marked } })
    const error = await wallet.examine().catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'NODE_UNAVAILABLE', details: { refused: true } })
    expect(inspect(error)).toContain('invoice/read key')
    expect(inspect(error)).not.toContain(marked)
  })

  for (const [status, body] of [
    [200, '{}'],
    [200, 'null'],
    [200, '{"name":"x"}'],
    [502, '<html>'],
    [404, '{"detail":"Not Found"}'],
  ] as const) {
    test(`${status} ${body} is no LNbits`, async () => {
      const { wallet, lookAlike } = await createWorld()
      lookAlike.inject('other', { executed: false, how: { kind: 'answer', status, body } })
      const error = await wallet.examine().catch((caught: unknown) => caught)
      expect(error).toMatchObject({ code: 'NODE_UNAVAILABLE' })
      expect(error).not.toMatchObject({ details: { refused: true } })
    })
  }
})

describe('R-LNB-15 options and secrets', () => {
  for (const [option, bad] of [
    ['url', { url: 'http://lnbits.example.com' }],
    ['url', { url: marked }],
    ['url', { url: `https://${marked}@lnbits.example.com` }],
    ['url', { url: `https://lnbits.example.com/?usr=${marked}` }],
    ['key', { key: '' }],
    ['key', { key: `${marked}\n` }],
    ['key', { key: undefined as unknown as string }],
    ['certificate', { certificate: marked }],
    ['network', { network: 'mainnet' as 'bitcoin' }],
    ['timeoutMs', { timeoutMs: -1 }],
    ['orderTimeoutMs', { orderTimeoutMs: Number.POSITIVE_INFINITY }],
  ] as const) {
    test(`${option} ${inspect(bad).replaceAll(marked, '…')} is a RangeError that names it`, () => {
      const work = () => createLnbits({ url: 'https://lnbits.example.com/a', key: 'ok', ...bad })
      expect(work).toThrow(RangeError)
      expect(work).toThrow(option)
      expect(work).not.toThrow(marked)
    })
  }

  test('a key with signs that mean something in a path stays one part of it', async () => {
    const { lookAlike } = await createWorld()
    const wallet = createLnbits({ url: lookAlike.url, key: 'a/../b?c#d', network: 'regtest' })
    closers.push(wallet.close)
    const stop = new AbortController()
    const reading = wallet.payee.settlements(stop.signal)[Symbol.asyncIterator]().next()
    while (lookAlike.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(lookAlike.seen[0]?.path).toBe('/api/v1/ws/a%2F..%2Fb%3Fc%23d')
    stop.abort()
    await reading
  })

  test('nothing shows the key, an invoice or a preimage', async () => {
    const { wallet, lookAlike, invoice } = await createWorld({ wallet: { key: marked } })
    const one = await invoice()
    const shown: unknown[] = [wallet, wallet.payer, wallet.payee]
    const order = { amountMsat: msat(1000n), description: marked, expirySeconds: 60 }
    const signal = new AbortController().signal
    const works = [
      () => wallet.payer.pay(one, limits),
      () => wallet.payer.lookupPayment(one.paymentHash),
      () => wallet.payee.createInvoice(order),
      () => wallet.payee.lookupInvoice(one.paymentHash),
      () => wallet.examine(),
    ]
    for (const status of [200, 400, 401, 500, 520]) {
      for (const body of [
        `${marked} ${one.text}`,
        JSON.stringify({ detail: `${marked} ${one.text}`, status: 'failed' }),
      ]) {
        for (const work of works) {
          for (const role of ['order', 'look-up', 'invoice', 'other', 'settlements'] as const) {
            lookAlike.inject(role, { executed: false, how: { kind: 'answer', status, body } })
          }
          shown.push(await work().catch((error: unknown) => error))
        }
      }
    }
    await lookAlike.setReachable(false)
    const stream = wallet.payee.settlements(signal)[Symbol.asyncIterator]()
    shown.push(await stream.next().catch((error: unknown) => error))
    const asText = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)
    for (const each of shown) {
      const text = [
        inspect(each, { depth: 9, showHidden: true }),
        JSON.stringify(each, asText),
        String(each),
      ].join()
      for (const secret of [marked, one.text]) expect(text).not.toContain(secret)
    }
  })

  test('nothing is sent before the first call', async () => {
    const { lookAlike } = await createWorld()
    expect(lookAlike.seen).toEqual([])
  })
})

test('R-LNB-7 too many requests, said after it was paid, is looked up: a proxy may have asked twice', async () => {
  const { wallet, invoice, lookAlike } = await createWorld()
  const body = '{"error":"Rate limit exceeded: 200 per 1 minute"}'
  lookAlike.inject('order', { executed: true, how: { kind: 'answer', status: 429, body } })
  expect((await wallet.payer.pay(await invoice(), limits)).status).toBe('settled')
})
