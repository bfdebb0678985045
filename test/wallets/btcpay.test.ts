import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import type { Invoice } from '../../library/src/invoice/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import { readAnswer } from '../../library/src/lightning/btcpay/greenfield.ts'
import type { BtcpayOptions } from '../../library/src/lightning/btcpay/index.ts'
import { createBtcpay } from '../../library/src/lightning/btcpay/index.ts'
import { powersOf } from '../../library/src/lightning/btcpay/powers.ts'
import type { Settlement } from '../../library/src/lightning/index.ts'
import type { ConformanceRig } from '../../library/src/testing/index.ts'
import {
  invoiceFaultCases,
  orderFaultCases,
  payeeConformance,
  payerConformance,
} from '../../library/src/testing/index.ts'
import type { BtcpayLookAlikeOptions } from '../../library/src/testing/look-alike/btcpay.ts'
import { serveBtcpay } from '../../library/src/testing/look-alike/btcpay.ts'
import { closers, controlsOf, createNodes, limits, marked } from './look-alike-rig.ts'

type WorldOptions = BtcpayLookAlikeOptions & {
  /** Whose node BTCPay uses. */
  readonly of?: 'payer' | 'payee'
  readonly wallet?: Partial<BtcpayOptions>
}

/** A look-alike over one node of a network whose fees are never zero, and a wallet that speaks to it. */
async function createWorld({ of = 'payer', wallet: changes, ...options }: WorldOptions = {}) {
  const nodes = createNodes(of)
  const { clock, node } = nodes
  const lookAlike = await serveBtcpay(node, { now: clock.now, ...options })
  const wallet = createBtcpay({
    url: lookAlike.url,
    storeId: lookAlike.storeId,
    key: lookAlike.key,
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
  return { ...nodes, lookAlike, wallet, close }
}

type World = Awaited<ReturnType<typeof createWorld>>

function rigControls(world: World): NonNullable<ConformanceRig['controls']> {
  const { lookAlike } = world
  const controls = controlsOf(world, () => {
    const body = JSON.stringify({ code: 'lightning-not-configured', message: 'not set up' })
    lookAlike.inject('order', { executed: false, how: { kind: 'answer', status: 404, body } })
  })
  return { ...controls, otherPayer: world.other }
}

/** No node behind BTCPay tells that somebody else has paid, or that a route costs too much. */
const saysInstead = { 'already-paid': 'rejected', 'fee-limit': 'no-route' } as const

describe('R-BTP-1 BTCPay conforms as a payer', () => {
  const createRig = async (): Promise<ConformanceRig> => {
    const world = await createWorld()
    const { wallet, payee, close } = world
    return { payer: wallet.payer, payee, controls: rigControls(world), close }
  }
  for (const { name, run } of payerConformance(createRig, { saysInstead })) {
    test(name, async () => expect(await run()).toBeUndefined())
  }

  for (const { name, run } of orderFaultCases(async () => {
    const { wallet, node, payee, lookAlike, close } = await createWorld()
    return { payer: wallet.payer, node, payee, lookAlike, close }
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

describe('R-BTP-2 BTCPay conforms as a payee', () => {
  const createRig = async (): Promise<ConformanceRig> => {
    const world = await createWorld({ of: 'payee' })
    const { wallet, payer, close } = world
    return { payer, payee: wallet.payee, controls: rigControls(world), close }
  }
  for (const { name, run } of payeeConformance(createRig)) {
    test(name, async () => expect(await run()).toBeUndefined())
  }
  for (const backend of ['lnd', 'cln'] as const) {
    test(`R-LN-4 an invoice that expired is closed, at ${backend}`, async () => {
      const { wallet, clock } = await createWorld({ of: 'payee', backend })
      const { invoice } = await makeInvoice(wallet.payee)
      clock.advance(601)
      const { status } = await wallet.payee.lookupInvoice(invoice.paymentHash)
      expect(status).toBe('closed')
    })
  }

  for (const { name, run } of invoiceFaultCases(async () => {
    const { wallet, lookAlike, close } = await createWorld({ of: 'payee' })
    return { payee: wallet.payee, lookAlike, close }
  })) {
    test.concurrent(name, async () => expect(await run()).toBeUndefined())
  }

  test('an invoice is found by another process, by its hash', async () => {
    const world = await createWorld({ of: 'payee' })
    const { invoice } = await makeInvoice(world.wallet.payee)
    const { url, storeId, key } = world.lookAlike
    const other = createBtcpay({ url, storeId, key, network: 'regtest' })
    closers.push(other.close)
    expect(await other.payee.lookupInvoice(invoice.paymentHash)).toEqual({ status: 'open' })
    await world.payer.pay(invoice, limits)
    const settled = await other.payee.lookupInvoice(invoice.paymentHash)
    expect(settled).toEqual({
      status: 'settled',
      amountMsat: 21_000n,
      settledAtSeconds: world.clock.now(),
    })
  })
})

async function makeInvoice(payee: World['wallet']['payee'], description = 'tea') {
  const request = { amountMsat: msat(21_000n), description, expirySeconds: 600 }
  const { invoice: text } = await payee.createInvoice(request)
  return { text, invoice: decodeInvoice(text) }
}

describe('R-BTP-3 the fee ceiling', () => {
  test('is told in whole satoshis, rounded down, beside the time to give up', async () => {
    const { lookAlike, wallet, invoice } = await createWorld()
    const one = await invoice()
    await wallet.payer.pay(one, { maxFeeMsat: msat(2999n) })
    expect(lookAlike.orders).toEqual([{ BOLT11: one.text, maxFeeFlat: '2', sendTimeout: 1 }])
  })

  test('below one satoshi has the payment fail, and nothing is ordered', async () => {
    const { lookAlike, wallet, invoice } = await createWorld()
    for (const maxFeeMsat of [msat(0n), msat(999n)]) {
      const outcome = await wallet.payer.pay(await invoice(), { maxFeeMsat })
      expect(outcome).toEqual({ status: 'failed', reason: 'fee-limit' })
    }
    expect(lookAlike.orders).toEqual([])
  })

  test('is kept: a payment that would cost more fails', async () => {
    const { devnet: _, wallet, invoice, payer } = await createWorld()
    const before = payer.balanceMsat()
    const one = await invoice(msat(9_000_000n)) // costs 1900 msat
    const outcome = await wallet.payer.pay(one, { maxFeeMsat: msat(1899n) })
    expect(outcome).toEqual({ status: 'failed', reason: 'no-route' })
    expect(payer.balanceMsat()).toBe(before)
    const paid = await wallet.payer.pay(one, { maxFeeMsat: msat(2000n) })
    expect(paid).toMatchObject({ status: 'settled', feeMsat: 1900n, amountMsat: 9_000_000n })
  })
})

/** Answers of BTCPay to an order, as its source has them, and what they mean. */
const orderAnswers: readonly (readonly [
  what: string,
  status: number,
  body: unknown,
  verdict: string,
])[] = [
  ['no such key', 401, { code: 'unauthenticated', message: 'm' }, 'not given'],
  [
    'a permission that lacks',
    403,
    {
      code: 'missing-permission',
      message: 'm',
      missingPermission: 'btcpay.store.canuselightningnode',
    },
    'not given',
  ],
  ['no node', 404, { code: 'lightning-not-configured', message: 'm' }, 'not given'],
  ['no store', 404, { code: 'store-not-found', message: 'm' }, 'not given'],
  ['another coin', 404, { code: 'unknown-cryptocode', message: 'm' }, 'not given'],
  ['an invoice that it cannot read', 422, [{ path: 'BOLT11', message: 'invalid' }], 'failed'],
  ['no route, and no payment', 400, { code: 'could-not-find-route', message: 'm' }, 'failed'],
  ['an error, and no payment', 400, { code: 'generic-error', message: 'm' }, 'unknown'],
  ['the node is away', 503, { code: 'lightning-node-unavailable', message: 'm' }, 'unknown'],
  ['401 of somebody else', 401, { error: 'unauthorized' }, 'unknown'],
  ['a code with another status', 502, { code: 'unauthenticated', message: 'm' }, 'unknown'],
  ['403 without a code', 403, {}, 'unknown'],
  ['404 of a proxy', 404, '<html>', 'unknown'],
  ['422 of somebody else', 422, { detail: [] }, 'unknown'],
  ['422 with nothing in it', 422, [], 'unknown'],
  ['a payment that is not known how', 202, { status: 'Unknown' }, 'unknown'],
  ['a payment on its way', 202, { status: 'Pending', paymentHash: 'HASH' }, 'unknown'],
  ['a payment that is called failed', 200, { status: 'Failed', paymentHash: 'HASH' }, 'unknown'],
  ['complete without a proof', 200, { status: 'Complete', paymentHash: 'HASH' }, 'unknown'],
  [
    'complete with zeros for a proof',
    200,
    { status: 'Complete', paymentHash: 'HASH', preimage: '0'.repeat(64) },
    'unknown',
  ],
  [
    'another payment',
    200,
    { status: 'Complete', paymentHash: '11'.repeat(32), preimage: '22'.repeat(32) },
    'unknown',
  ],
]

describe('R-BTP-4 R-BTP-5 an order that was not carried out', () => {
  for (const [what, status, body, verdict] of orderAnswers) {
    test(`${what}: ${verdict}`, async () => {
      const { lookAlike, wallet, invoice, payer } = await createWorld()
      const one = await invoice()
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      lookAlike.inject('order', {
        executed: false,
        how: {
          kind: 'answer',
          status,
          body: text.replace('HASH', encodeHex(one.paymentHash)),
        },
      })
      const outcome = await wallet.payer.pay(one, limits).catch((error: unknown) => error)
      if (verdict === 'not given') {
        expect(isL402Error(outcome, 'NODE_UNAVAILABLE')).toBe(true)
        expect(outcome).toMatchObject({ details: { refused: true } })
      } else expect(outcome).toMatchObject({ status: verdict })
      expect(payer.balanceMsat()).toBe(10_000_000n)
    })
  }

  test('R-BTP-5 and what BTCPay calls an error is no failure while the node pays', async () => {
    const { lookAlike, wallet, invoice, payer } = await createWorld()
    const one = await invoice()
    payer.injectFault({ kind: 'in-flight' })
    for (const code of ['could-not-find-route', 'generic-error']) {
      const body = JSON.stringify({ code, message: 'm' })
      lookAlike.inject('order', { executed: true, how: { kind: 'answer', status: 400, body } })
    }
    expect(await wallet.payer.pay(one, limits)).toEqual({ status: 'unknown' })
    payer.resolvePayment(one.paymentHash, 'settle')
    expect(await wallet.payer.pay(one, limits)).toMatchObject({ status: 'settled' })
  })
})

describe('R-BTP-6 a payment that a look-up calls failed', () => {
  const failed = (invoice: Invoice, createdAt: number | null): string =>
    JSON.stringify({
      status: 'Failed',
      paymentHash: encodeHex(invoice.paymentHash),
      createdAt,
    })
  for (const [what, backend, ageSeconds, verdict] of [
    ['has failed at lnd', 'lnd', 0, 'failed'],
    ['may be between two attempts elsewhere', 'cln', 60, 'unknown'],
    ['has failed elsewhere when its attempts are over', 'cln', 120, 'failed'],
    ['may be tried still where nobody says when it began', 'cln', undefined, 'unknown'],
  ] as const) {
    test(what, async () => {
      const { lookAlike, wallet, invoice } = await createWorld({ backend })
      const one = await invoice()
      // What is injected comes with the time of this machine.
      const nowSeconds = Math.floor(Date.now() / 1000)
      const body = failed(one, ageSeconds === undefined ? null : nowSeconds - ageSeconds)
      lookAlike.inject('look-up', { executed: false, how: { kind: 'answer', status: 200, body } })
      expect(await wallet.payer.lookupPayment(one.paymentHash)).toMatchObject({ status: verdict })
    })
  }
})

describe('R-BTP-6 a payment that failed and is ordered anew', () => {
  test('has not failed because the old one has, while the new order may be on its way', async () => {
    const { lookAlike, wallet, invoice, payer, clock } = await createWorld()
    const one = await invoice()
    payer.injectFault({ kind: 'fail', reason: 'no-route' })
    expect(await wallet.payer.pay(one, limits)).toEqual({ status: 'failed', reason: 'no-route' })
    clock.advance(1)
    lookAlike.inject('order', { executed: false, how: { kind: 'reset' } })
    expect(await wallet.payer.pay(one, limits)).toEqual({ status: 'unknown' })
    expect(await wallet.payer.lookupPayment(one.paymentHash)).toEqual({ status: 'unknown' })
    // It arrives after all.
    await payer.pay(one, limits)
    expect(await wallet.payer.pay(one, limits)).toMatchObject({ status: 'settled' })
  })

  test('is ordered at once, at whichever node, when BTCPay said that it was over', async () => {
    const { wallet, invoice, payer } = await createWorld({ backend: 'cln' })
    const one = await invoice()
    payer.injectFault({ kind: 'fail', reason: 'no-route' })
    expect(await wallet.payer.pay(one, limits)).toMatchObject({ status: 'failed' })
    expect(await wallet.payer.lookupPayment(one.paymentHash)).toMatchObject({ status: 'failed' })
    expect(await wallet.payer.pay(one, limits)).toMatchObject({ status: 'settled' })
  })
})

describe('R-BTP-7 a payment is not there', () => {
  for (const [what, status, body] of [
    ['404 of a proxy', 404, '<html>'],
    ['404 with nothing', 404, ''],
    ['404 with {}', 404, '{}'],
    ['another code', 404, '{"code":"invoice-not-found","message":"m"}'],
    ['the code with another status', 502, '{"code":"payment-not-found","message":"m"}'],
    ['a code without a message', 404, '{"code":"payment-not-found"}'],
    ['another payment', 200, '{"status":"Failed","paymentHash":"00"}'],
    ['a list', 200, '[]'],
  ] as const) {
    test(`not by ${what}`, async () => {
      const { lookAlike, wallet, invoice } = await createWorld()
      const { paymentHash } = await invoice()
      lookAlike.inject('look-up', { executed: false, how: { kind: 'answer', status, body } })
      await expect(wallet.payer.lookupPayment(paymentHash)).rejects.toMatchObject({
        code: 'NODE_UNAVAILABLE',
      })
      expect(await wallet.payer.lookupPayment(paymentHash)).toBeUndefined()
    })
  }

  test('and an order of this process that BTCPay does not know may arrive for ten minutes', async () => {
    const { wallet } = await createWorld()
    expect(wallet.payer.orderLagSeconds).toBe(600)
  })
})

describe('R-BTP-8 amounts', () => {
  test('are exact to the msat, in both directions', async () => {
    const { wallet, payer } = await createWorld({ of: 'payee' })
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: 1n, max: 100_000n }), async (amount) => {
        const request = { amountMsat: msat(amount), description: '', expirySeconds: 60 }
        const invoice = decodeInvoice((await wallet.payee.createInvoice(request)).invoice)
        expect(invoice.amountMsat).toBe(amount)
        await payer.pay(invoice, limits)
        const found = await wallet.payee.lookupInvoice(invoice.paymentHash)
        expect(found).toMatchObject({ status: 'settled', amountMsat: amount })
      }),
      { numRuns: 20 },
    )
  })

  for (const [what, fields] of [
    ['more than a JSON number can hold', { amountReceived: 2 ** 53, amount: '1e3' }],
    ['part of an msat', { amountReceived: '1.5', amount: '1.5' }],
    ['nothing', { amountReceived: null, amount: null }],
    ['more than there is', { amountReceived: '2100000000000000001' }],
  ] as const) {
    test(`an amount that is ${what} is none: the invoice is not called settled`, async () => {
      const { wallet, lookAlike } = await createWorld({ of: 'payee' })
      const { invoice } = await makeInvoice(wallet.payee)
      const paymentHash = encodeHex(invoice.paymentHash)
      const body = JSON.stringify({ status: 'Paid', paymentHash, paidAt: 1, ...fields })
      lookAlike.inject('invoice-look-up', {
        executed: false,
        how: { kind: 'answer', status: 200, body },
      })
      await expect(wallet.payee.lookupInvoice(invoice.paymentHash)).rejects.toMatchObject({
        code: 'NODE_UNAVAILABLE',
      })
    })
  }
})

describe('R-BTP-9 settlements', () => {
  test('are asked about, told once, and go on after BTCPay was away', async () => {
    const { wallet, payer, lookAlike } = await createWorld({ of: 'payee' })
    const stop = new AbortController()
    const first = wallet.payee.settlements(stop.signal)[Symbol.asyncIterator]()
    const one = await makeInvoice(wallet.payee)
    await payer.pay(one.invoice, limits)
    const told: Settlement = (await first.next()).value
    expect(encodeHex(told.paymentHash)).toBe(encodeHex(one.invoice.paymentHash))

    const two = await makeInvoice(wallet.payee)
    await lookAlike.setReachable(false)
    await expect(first.next()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    await payer.pay(two.invoice, limits)
    await lookAlike.setReachable(true)
    const again = wallet.payee.settlements(stop.signal)[Symbol.asyncIterator]()
    const next: Settlement = (await again.next()).value
    expect(encodeHex(next.paymentHash)).toBe(encodeHex(two.invoice.paymentHash))
    stop.abort()
    expect((await again.next()).done).toBe(true)
  })
})

const store = (name: string, id = STORE): string => `btcpay.store.${name}:${id}`
const STORE = '9CiNzKoANXxmk5ayZngSXrHTiVvvgCrwrpFQd4m2K776'

describe('R-BTP-10 what an API key allows', () => {
  const keys: readonly (readonly [
    what: string,
    permissions: readonly string[],
    receive: boolean,
    spend: boolean,
    beyond: readonly string[],
  ])[] = [
    [
      'least to be paid',
      [store('cancreatelightninginvoice'), store('canviewlightninginvoice')],
      true,
      false,
      [],
    ],
    ['making invoices alone', [store('cancreatelightninginvoice')], false, false, []],
    ['least to pay', [store('canuselightningnode')], true, true, ['open channels']],
    [
      'of all stores',
      ['btcpay.store.canuselightningnode'],
      true,
      true,
      ['open channels', 'the same in other stores'],
    ],
    [
      'of another store',
      [store('canuselightningnode', 'x')],
      false,
      false,
      ['the same in other stores'],
    ],
    [
      'of the store',
      [store('canmodifystoresettings')],
      true,
      true,
      [
        'open channels',
        'approve payouts',
        'make pull payments, which others withdraw',
        'change the store',
      ],
    ],
    ['to approve payouts', [store('canmanagepayouts')], false, false, ['approve payouts']],
    ['that BTCPay does not have', ['constructor', '__proto__', ''], false, false, []],
  ]
  for (const [what, permissions, receive, spend, beyond] of keys) {
    test(`${what}`, async () => {
      expect(powersOf(permissions, STORE)).toEqual({ receive, spend, beyond })
      const { wallet } = await createWorld({ keys: { 'some-key': permissions } })
      const facts = await wallet.examine()
      expect(facts.powers).toEqual({ receive, spend, beyond })
      expect(facts.notReady).toBeUndefined()
      expect(facts.network).toBeUndefined()
    })
  }

  test('without limits is everything', () => {
    const powers = powersOf(['unrestricted'], STORE)
    expect(powers).toMatchObject({ receive: true, spend: true })
    expect(powers.beyond).toContain('everything that its user may do')
    expect(powers.beyond).toContain('use the node of the whole server')
  })

  test('spends, where it is paid and can spend in another way or place', async () => {
    const paid = [store('cancreatelightninginvoice'), store('canviewlightninginvoice')]
    expect(powersOf(paid, STORE)).toEqual({ receive: true, spend: false, beyond: [] })
    for (const more of [
      store('canmanagepayouts'),
      store('cancreatepullpayments'),
      store('canmanagepullpayments'),
      store('canmanagewallettransactions'),
      store('canuselightningnode', 'x'),
      store('canmodifystoresettings', 'x'),
      'btcpay.store.canmanagepayouts',
      'btcpay.server.canuseinternallightningnode',
      'BTCPay.Server.CanManageUsers',
      'btcpay.server.canmodifyserversettings',
    ]) {
      const permissions = [...paid, more]
      expect([more, powersOf(permissions, STORE).spend]).toEqual([more, true])
      const { wallet } = await createWorld({ keys: { 'some-key': permissions } })
      const { powers, notReady } = await wallet.examine()
      expect([more, powers.spend, notReady]).toEqual([more, true, undefined])
    }
    for (const more of [store('canviewinvoices'), store('canviewlightninginvoice', 'x')]) {
      expect([more, powersOf([...paid, more], STORE).spend]).toEqual([more, false])
    }
  })

  test('does not include spending from the node of the whole server', async () => {
    const { wallet, invoice } = await createWorld({ internalNode: true })
    expect((await wallet.examine()).powers).toMatchObject({ receive: true, spend: false })
    await expect(wallet.payer.pay(await invoice(), limits)).rejects.toMatchObject({
      details: {
        reason:
          'btcpay: the API key lacks btcpay.server.canuseinternallightningnode: make one that has it for this store',
      },
    })
  })
})

describe('R-BTP-11 whoever sets it up is told what to mend', () => {
  const refusal = async (world: World): Promise<Readonly<Record<string, unknown>>> => {
    const error = await world.wallet.examine().catch((caught: unknown) => caught)
    if (!isL402Error(error, 'NODE_UNAVAILABLE')) throw new Error('expected NODE_UNAVAILABLE')
    return error.details
  }

  test('a key that BTCPay does not know', async () => {
    expect(await refusal(await createWorld({ wallet: { key: 'wrong' } }))).toEqual({
      refused: true,
      reason:
        'btcpay: it does not know the API key: make one under Account, Manage Account, API Keys, and name that',
    })
  })

  test('a store without a node', async () => {
    expect(await refusal(await createWorld({ withoutNode: true }))).toEqual({
      refused: true,
      reason: 'btcpay: no Lightning node is set up for the store: set one up in its settings',
    })
  })

  test('a URL of something else', async () => {
    const world = await createWorld()
    const how = { kind: 'answer', status: 404, body: '<html>' } as const
    world.lookAlike.inject('other', { executed: false, how })
    expect(await refusal(world)).toEqual({
      reason: 'btcpay: it answered 404, and not as BTCPay does: is the URL right?',
    })
  })

  test('nothing that listens', async () => {
    const world = await createWorld()
    await world.lookAlike.setReachable(false)
    expect(await refusal(world)).toEqual({ reason: 'btcpay: nothing listens there' })
  })

  test('a node that is away is not ready', async () => {
    for (const permissions of [
      [store('canuselightningnode')],
      [store('cancreatelightninginvoice'), store('canviewlightninginvoice')],
    ]) {
      const { wallet, node } = await createWorld({ keys: { key: permissions } })
      node.setReachable(false)
      expect((await wallet.examine()).notReady).toBe('its Lightning node cannot be reached')
    }
  })

  test('the time of the server is told', async () => {
    const { wallet, clock } = await createWorld()
    expect((await wallet.examine()).nowSeconds).toBe(clock.now())
  })

  test('a caller who leaves, and one who has left', async () => {
    const { wallet, lookAlike } = await createWorld({ wallet: { timeoutMs: 60_000 } })
    await expect(wallet.examine(AbortSignal.abort())).rejects.toMatchObject({
      details: { reason: 'btcpay: aborted' },
    })
    lookAlike.inject('other', { executed: false, how: { kind: 'hang' } })
    await expect(wallet.examine(AbortSignal.timeout(50))).rejects.toMatchObject({
      code: 'NODE_UNAVAILABLE',
    })
  })
})

describe('R-BTP-12 options and secrets', () => {
  const good: BtcpayOptions = {
    url: 'https://btcpay.example.com',
    storeId: STORE,
    key: marked,
  }
  for (const [what, changes, option] of [
    ['a URL that is none', { url: 'btcpay.example.com' }, 'url'],
    ['http elsewhere', { url: 'http://btcpay.example.com' }, 'url'],
    ['a user in the URL', { url: 'https://u:p@btcpay.example.com' }, 'url'],
    ['a query in the URL', { url: 'https://btcpay.example.com?x=1' }, 'url'],
    ['no store', { storeId: '' }, 'storeId'],
    ['a store with a path', { storeId: '../x' }, 'storeId'],
    ['a key with a line end', { key: `${marked}\r\nx: y` }, 'key'],
    ['no key', { key: '' }, 'key'],
    ['a time that is none', { timeoutMs: 0 }, 'timeoutMs'],
    ['half a time', { orderTimeoutMs: 1.5 }, 'orderTimeoutMs'],
    ['no network', { network: 'x' as never }, 'network'],
    ['a certificate that is none', { certificate: marked }, 'certificate'],
  ] as const) {
    test(`${what} is a RangeError that names the option and not its value`, () => {
      let error: unknown
      try {
        createBtcpay({ ...good, ...changes })
      } catch (caught) {
        error = caught
      }
      expect(error).toBeInstanceOf(RangeError)
      expect(String(error)).toContain(`${option}: `)
      expect(inspect(error)).not.toContain(marked)
    })
  }

  test('a server behind a path is reached', async () => {
    const { lookAlike, payer } = await createWorld()
    const wallet = createBtcpay({
      ...good,
      url: `${lookAlike.url}/shop/`,
      network: 'regtest',
      timeoutMs: 300,
    })
    closers.push(wallet.close)
    await expect(wallet.examine()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    expect(lookAlike.seen.at(-1)?.path).toBe('/shop/api/v1/api-keys/current')
    expect(payer.name).toBe('payer')
  })

  test('the name of the wallet is the same for another key, and no secret', async () => {
    const one = createBtcpay(good)
    const two = createBtcpay({ ...good, key: 'other', url: `${good.url}/` })
    const elsewhere = createBtcpay({ ...good, storeId: 'x' })
    expect(one.payer.id).toMatch(/^[0-9a-f]{64}$/)
    expect(two.payer.id).toBe(one.payer.id)
    expect(elsewhere.payer.id).not.toBe(one.payer.id)
  })

  test('no error and no inspection shows a key, or what BTCPay said', async () => {
    const world = await createWorld({ wallet: { key: marked } })
    const { wallet, lookAlike, invoice } = world
    const one = await invoice()
    const texts: string[] = [
      inspect(wallet, { depth: 9, showHidden: true }),
      JSON.stringify(wallet),
    ]
    const keep = (error: unknown): void => {
      texts.push(
        inspect(error, { depth: 9, showHidden: true }),
        String(error),
        JSON.stringify(error),
      )
    }
    const said = JSON.stringify({ code: 'generic-error', message: marked, apiKey: marked })
    for (const [role, status] of [
      ['order', 401],
      ['order', 404],
      ['look-up', 500],
      ['look-up', 200],
      ['invoice', 400],
      ['invoice', 200],
      ['invoice-look-up', 400],
      ['other', 401],
    ] as const) {
      lookAlike.inject(role, { executed: false, how: { kind: 'answer', status, body: said } })
    }
    await wallet.payer.pay(one, limits).catch(keep)
    for (let i = 0; i < 3; i++) {
      await wallet.payer.pay(one, limits).catch(keep)
      await wallet.payer.lookupPayment(one.paymentHash).catch(keep)
      await makeInvoice(wallet.payee).catch(keep)
      await wallet.payee.lookupInvoice(one.paymentHash).catch(keep)
      await wallet.examine().catch(keep)
    }
    expect(texts.length).toBeGreaterThan(20)
    for (const text of texts) expect(text).not.toContain(marked)
  })

  test('the reader of answers is total', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), fc.json(), (status, text) => {
        const { says } = readAnswer({ kind: 'answered', status, text })
        expect(['done', 'problem', 'invalid', 'nonsense']).toContain(says)
        if (says === 'done') expect([200, 202]).toContain(status)
      }),
    )
    expect(readAnswer({ kind: 'answered', status: 200, text: undefined }).says).toBe('nonsense')
  })
})
