import 'reflect-metadata'
import { createHash, webcrypto } from 'node:crypto'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import * as x509 from '@peculiar/x509'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeBase64, encodeHex, encodeUtf8 } from '../../library/src/bytes/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import { decodeInvoice, hashPreimage, preimage } from '../../library/src/invoice/index.ts'
import { NodeLink } from '../../library/src/lightning/adapter/index.ts'
import type { Settlement } from '../../library/src/lightning/index.ts'
import type { PhoenixdOptions } from '../../library/src/lightning/phoenixd/index.ts'
import { createPhoenixd } from '../../library/src/lightning/phoenixd/index.ts'
import {
  readIncoming,
  readInfo,
  readOrderAnswer,
  readOutgoing,
  readReceived,
} from '../../library/src/lightning/phoenixd/phoenixd-answers.ts'
import type { SocketEvent } from '../../library/src/lightning/web-socket/index.ts'
import { FrameReader } from '../../library/src/lightning/web-socket/index.ts'
import type { ConformanceRig } from '../../library/src/testing/index.ts'
import {
  invoiceFaultCases,
  orderFaultCases,
  payeeConformance,
  payerConformance,
} from '../../library/src/testing/index.ts'
import type { PhoenixdLookAlikeOptions } from '../../library/src/testing/look-alike/phoenixd.ts'
import { servePhoenixd } from '../../library/src/testing/look-alike/phoenixd.ts'
import { closers, controlsOf, createNodes, limits, makeInvoice, marked } from './look-alike-rig.ts'

const wrongPassword =
  'Invalid authentication (use basic auth with the http password set in phoenix.conf)'

type WorldOptions = PhoenixdLookAlikeOptions & {
  /** Whose node phoenixd is. */
  readonly of?: 'payer' | 'payee'
  readonly isLimited?: boolean
  readonly wallet?: Partial<PhoenixdOptions>
}

/** A look-alike over one node of a network whose fees are those of phoenixd. */
async function createWorld(options: WorldOptions = {}) {
  const { of = 'payer', isLimited = false, wallet: changes, ...served } = options
  const nodes = createNodes(of, {
    feeBaseMsat: msat(4000n),
    feeProportionalMillionths: 4000,
  })
  const { clock, node } = nodes
  const lookAlike = await servePhoenixd(node, { now: clock.now, ...served })
  const wallet = createPhoenixd({
    url: lookAlike.url,
    password: isLimited ? lookAlike.limitedPassword : lookAlike.password,
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

function rigControls(world: World): NonNullable<ConformanceRig['controls']> {
  const { lookAlike } = world
  return controlsOf(world, () => {
    const how = { kind: 'answer', status: 401, body: wrongPassword } as const
    lookAlike.inject('order', { executed: false, how })
  })
}

/** What no phoenixd tells: that somebody else has paid. */
const skips: ReadonlySet<string> = new Set(['R-LN-13 what another payer paid is not paid again'])

describe('R-PHX-1 phoenixd conforms as a payer', () => {
  const createRig = async (): Promise<ConformanceRig> => {
    const world = await createWorld()
    const { wallet, payee, close } = world
    return { payer: wallet.payer, payee, controls: rigControls(world), close }
  }
  for (const { name, run } of payerConformance(createRig)) {
    test(name, async () => {
      expect(await run()).toBe(skips.has(name) ? 'the rig has no control otherPayer' : undefined)
    })
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

describe('R-PHX-1 phoenixd conforms as a payee, with the limited password', () => {
  const createRig = async (): Promise<ConformanceRig> => {
    const world = await createWorld({ of: 'payee', isLimited: true })
    const { wallet, payer, close } = world
    return { payer, payee: wallet.payee, controls: rigControls(world), close }
  }
  for (const { name, run } of payeeConformance(createRig)) {
    test(name, async () => expect(await run()).toBeUndefined())
  }
  for (const { name, run } of invoiceFaultCases(async () => {
    const { wallet, lookAlike, close } = await createWorld({ of: 'payee', isLimited: true })
    return { payee: wallet.payee, lookAlike, close }
  })) {
    test.concurrent(name, async () => expect(await run()).toBeUndefined())
  }

  test('an invoice is found by another process, by its hash', async () => {
    const { wallet, lookAlike, payer, clock } = await createWorld({ of: 'payee' })
    const invoice = await makeInvoice(wallet.payee)
    const { url, limitedPassword: password } = lookAlike
    const other = createPhoenixd({ url, password, network: 'regtest' })
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

describe('R-PHX-2 the fee ceiling', () => {
  for (const [amountMsat, feeMsat] of [
    [1000n, 4004n],
    [123_456n, 4494n], // 4493.824
    [5_000_000n, 24_000n],
  ] as const) {
    test(`${amountMsat} msat are not ordered for less than ${feeMsat} msat`, async () => {
      const { wallet, invoice, orders } = await createWorld()
      const one = await invoice(msat(amountMsat))
      const outcome = await wallet.payer.pay(one, { maxFeeMsat: msat(feeMsat - 1n) })
      expect(outcome).toEqual({ status: 'failed', reason: 'fee-limit' })
      expect(orders()).toBe(0)
      const paid = await wallet.payer.pay(one, { maxFeeMsat: msat(feeMsat) })
      expect(paid.status).toBe('settled')
    })
  }
})

describe('R-PHX-3 the fee that is told', () => {
  test('is exact, in the answer and in a look-up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: 1n, max: 2_000_000n }), async (amount) => {
        const { wallet, invoice, payer, lookAlike, close } = await createWorld()
        const one = await invoice(msat(amount))
        const before = payer.balanceMsat()
        const outcome = await wallet.payer.pay(one, limits)
        const feeMsat = before - payer.balanceMsat() - amount
        expect(outcome).toMatchObject({ status: 'settled', amountMsat: amount, feeMsat })
        const { url, password } = lookAlike
        const other = createPhoenixd({ url, password, network: 'regtest' })
        const found = await other.payer.lookupPayment(one.paymentHash)
        expect(found).toMatchObject({ status: 'settled', amountMsat: amount, feeMsat })
        other.close()
        await close()
      }),
      { numRuns: 10 },
    )
  })

  test('is the most that the answer allows where it is not the usual one', async () => {
    const { wallet, payee, lookAlike } = await createWorld()
    const secret = preimage(new Uint8Array(32).fill(3))
    const { invoice: text } = await payee.createHoldInvoice({
      amountMsat: msat(5000n),
      description: '',
      expirySeconds: 600,
      paymentHash: hashPreimage(secret),
    })
    const one = decodeInvoice(text)
    const body = JSON.stringify({
      recipientAmountSat: 5,
      routingFeeSat: 9,
      paymentHash: encodeHex(one.paymentHash),
      paymentPreimage: encodeHex(secret),
    })
    lookAlike.inject('order', { executed: false, how: { kind: 'answer', status: 200, body } })
    expect(await wallet.payer.pay(one, limits)).toMatchObject({
      status: 'settled',
      feeMsat: 9999n,
    })
  })
})

/** Answers to an order as phoenixd words them, and what they mean. */
const orderAnswers: readonly (readonly [
  what: string,
  status: number,
  body: unknown,
  verdict: string,
])[] = [
  ['a password that only receives', 401, wrongPassword, 'not given'],
  [
    'an invoice that it cannot read',
    400,
    "Request parameter invoice couldn't be parsed/converted to bolt11invoice",
    'rejected',
  ],
  [
    'not enough funds',
    200,
    { reason: 'not enough funds in wallet to afford payment' },
    'insufficient-balance',
  ],
  ['not enough funds in a channel', 200, { reason: 'not enough funds' }, 'insufficient-balance'],
  [
    'too much for its channel',
    200,
    { reason: 'the payment amount is too large' },
    'insufficient-balance',
  ],
  ['a payee that is away', 200, { reason: 'recipient node is offline or unreachable' }, 'no-route'],
  [
    'a payee without liquidity',
    200,
    { reason: 'liquidity issue at the recipient node' },
    'no-route',
  ],
  [
    'a route that breaks',
    200,
    { reason: 'a node in the route had a temporary failure' },
    'no-route',
  ],
  ['fees that are too low', 200, { reason: 'routing fees are insufficient' }, 'no-route'],
  [
    'attempts that are over',
    200,
    { reason: 'payment attempts exhausted without success' },
    'no-route',
  ],
  ['a payee that refuses', 200, { reason: 'recipient node rejected the payment' }, 'rejected'],
  ['a reason of tomorrow', 200, { reason: 'the moon is full' }, 'rejected'],
  [
    'a payment that it has made',
    200,
    { reason: 'this invoice has already been paid' },
    'already-paid',
  ],
  [
    'a payment under way',
    200,
    { reason: 'another payment is in progress for that invoice' },
    'unknown',
  ],
  ['401 of somebody else', 401, 'Unauthorized', 'unknown'],
  ['403 of somebody else', 403, '<html>', 'unknown'],
  ['404 of a proxy', 404, 'Not found', 'unknown'],
  ['a parameter of another kind', 400, 'Request parameter amountSat is missing', 'unknown'],
  ['an exception', 500, 'boom', 'unknown'],
  ['a reason beside a proof', 200, { reason: 'x', paymentPreimage: '00'.repeat(32) }, 'unknown'],
  [
    'a proof of another payment',
    200,
    { paymentPreimage: '22'.repeat(32), routingFeeSat: 4 },
    'unknown',
  ],
  ['no proof', 200, { routingFeeSat: 4, recipientAmountSat: 5 }, 'unknown'],
  ['another payment', 200, { paymentHash: '11'.repeat(32), reason: 'not enough funds' }, 'unknown'],
  ['text', 200, 'not enough funds in wallet to afford payment', 'unknown'],
]

describe('R-PHX-4 R-PHX-5 R-PHX-7 what the answer to an order means', () => {
  for (const [what, status, body, verdict] of orderAnswers) {
    test(`${what}: ${verdict}`, async () => {
      const { lookAlike, wallet, invoice, payer } = await createWorld()
      const one = await invoice()
      const named = { paymentHash: encodeHex(one.paymentHash) }
      const text = typeof body === 'string' ? body : JSON.stringify({ ...named, ...Object(body) })
      lookAlike.inject('order', { executed: false, how: { kind: 'answer', status, body: text } })
      const outcome = await wallet.payer.pay(one, limits).catch((error: unknown) => error)
      if (verdict === 'not given') {
        expect(isL402Error(outcome, 'NODE_UNAVAILABLE')).toBe(true)
        expect(outcome).toMatchObject({ details: { refused: true } })
        expect(await wallet.payer.lookupPayment(one.paymentHash)).toBeUndefined()
      } else if (verdict === 'unknown') expect(outcome).toEqual({ status: 'unknown' })
      else expect(outcome).toEqual({ status: 'failed', reason: verdict })
      expect(payer.balanceMsat()).toBe(10_000_000n)
    })
  }

  for (const [what, status, body] of [
    ['a refusal', 401, wrongPassword],
    ['a failure', 200, { reason: 'recipient node rejected the payment' }],
  ] as const) {
    test(`R-PHX-5 ${what} is no failure while phoenixd pays`, async () => {
      const { lookAlike, wallet, invoice, payer } = await createWorld()
      const one = await invoice()
      payer.injectFault({ kind: 'in-flight' })
      // Somebody else orders it, between our question and our order.
      const paymentHash = encodeHex(one.paymentHash)
      const text = typeof body === 'string' ? body : JSON.stringify({ paymentHash, ...body })
      const password = encodeBase64(encodeUtf8(`:${lookAlike.password}`))
      const stop = new AbortController()
      lookAlike.inject('look-up', { executed: true, how: { kind: 'late', ms: 100 } })
      const paying = wallet.payer.pay(one, limits)
      const others = fetch(`${lookAlike.url}/payinvoice`, {
        method: 'POST',
        headers: { authorization: `Basic ${password}` },
        body: new URLSearchParams({ invoice: one.text }),
        signal: stop.signal,
      }).catch(() => undefined)
      while ((await payer.lookupPayment(one.paymentHash)) === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      lookAlike.inject('order', { executed: false, how: { kind: 'answer', status, body: text } })
      expect(await paying).toEqual({ status: 'unknown' })
      payer.resolvePayment(one.paymentHash, 'settle')
      expect(await wallet.payer.pay(one, limits)).toMatchObject({ status: 'settled' })
      stop.abort()
      await others
    })
  }
})

describe('R-PHX-6 a payment is not there', () => {
  for (const [what, status, body] of [
    ['a page of a proxy', 404, '<html>Not found</html>'],
    ['404 with nothing', 404, ''],
    ['words of another server', 404, 'Not Found'],
    ['a release that knows no such look-up', 404, 'Unknown endpoint (check api doc)'],
    ['204', 204, ''],
    ['the words with another status', 502, 'Not found'],
    ['another payment', 200, `{"paymentHash":"${'11'.repeat(32)}","isPaid":false}`],
    ['a list', 200, '[]'],
    ['a password that is not taken', 401, wrongPassword],
  ] as const) {
    test(`not by ${what}`, async () => {
      for (const role of ['look-up', 'invoice-look-up'] as const) {
        const { lookAlike, wallet, invoice } = await createWorld()
        const { paymentHash } = await invoice()
        const ask = () =>
          role === 'look-up'
            ? wallet.payer.lookupPayment(paymentHash)
            : wallet.payee.lookupInvoice(paymentHash)
        lookAlike.inject(role, { executed: false, how: { kind: 'answer', status, body } })
        await expect(ask()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
        expect(await ask()).toEqual(role === 'look-up' ? undefined : { status: 'not-found' })
      }
    })
  }
})

describe('R-PHX-8 an order is given once', () => {
  test('phoenixd is asked before the first order of a process', async () => {
    const { lookAlike, wallet, invoice, orders } = await createWorld()
    const one = await invoice()
    expect((await wallet.payer.pay(one, limits)).status).toBe('settled')
    const { url, password } = lookAlike
    const restarted = createPhoenixd({ url, password, network: 'regtest' })
    closers.push(restarted.close)
    expect((await restarted.payer.pay(one, limits)).status).toBe('settled')
    expect(orders()).toBe(1)
  })

  test('nobody says how long an order may be on its way; its name outlives the process', async () => {
    const { lookAlike, wallet } = await createWorld()
    expect(wallet.payer.orderLagSeconds).toBeUndefined()
    const { url, limitedPassword } = lookAlike
    const same = createPhoenixd({ url: `${url}/`, password: limitedPassword })
    const another = createPhoenixd({ url: `${url}/two`, password: lookAlike.password })
    expect(same.payer.id).toBe(wallet.payer.id)
    expect(another.payer.id).not.toBe(wallet.payer.id)
  })
})

describe('R-PHX-9 what an invoice cannot say', () => {
  test('is a RangeError, and phoenixd is not asked', async () => {
    const { wallet, lookAlike } = await createWorld({ of: 'payee' })
    const order = { amountMsat: msat(21_000n), description: 'tea', expirySeconds: 600 }
    for (const bad of [
      { ...order, amountMsat: msat(21_001n) },
      { ...order, description: 'x'.repeat(129) },
      { ...order, description: '☕'.repeat(43) },
    ]) {
      await expect(wallet.payee.createInvoice(bad)).rejects.toThrow(RangeError)
    }
    expect(lookAlike.seen).toEqual([])
    expect(wallet.payee).toMatchObject({ amountStepMsat: 1000n, maxDescriptionBytes: 128 })
    const { invoice } = await wallet.payee.createInvoice({ ...order, description: 'x'.repeat(128) })
    expect(decodeInvoice(invoice).description).toBe('x'.repeat(128))
  })

  test('signs that mean something in a form arrive as they are', async () => {
    const { wallet } = await createWorld({ of: 'payee' })
    const text = fc.string({ maxLength: 30, unit: 'grapheme-ascii' })
    await fc.assert(
      fc.asyncProperty(fc.oneof(text, fc.constant('a=b&c+d%20 ☕')), async (description) => {
        const order = { amountMsat: msat(1000n), description, expirySeconds: 60 }
        const { invoice } = await wallet.payee.createInvoice(order)
        expect(decodeInvoice(invoice).description).toBe(description)
      }),
      { numRuns: 20 },
    )
  })
})

const someHash = hashPreimage(preimage(new Uint8Array(32).fill(9)))
const incoming = {
  paymentHash: encodeHex(someHash),
  isPaid: true,
  isExpired: false,
  requestedSat: 1000,
  receivedSat: 1000,
  fees: 0,
  completedAt: 1_700_000_000_999,
}

describe('R-PHX-10 how an invoice stands', () => {
  const read = (changes: object) =>
    readIncoming(JSON.stringify({ ...incoming, ...changes }), someHash)
  for (const [what, changes, amountMsat] of [
    ['paid exactly', {}, 1_000_000n],
    ['paid, and a channel was opened of it', { receivedSat: 876, fees: 123_456 }, 1_000_000n],
    ['paid more than was asked for', { receivedSat: 1500 }, 1_500_000n],
    ['paid of an invoice without an amount', { requestedSat: undefined, receivedSat: 3 }, 3000n],
    ['paid late', { isExpired: true }, 1_000_000n],
  ] as const) {
    test(what, () => {
      expect(read(changes)).toEqual({
        status: 'settled',
        amountMsat,
        settledAtSeconds: 1_700_000_000,
      })
    })
  }
  for (const [what, changes, status] of [
    ['open', { isPaid: false }, 'open'],
    ['expired', { isPaid: false, isExpired: true }, 'closed'],
    ['paid, nobody knows what', { receivedSat: 'x' }, undefined],
    ['paid, more than a JSON number can hold', { receivedSat: 2 ** 53 }, undefined],
    ['paid less than nothing', { receivedSat: -1 }, undefined],
    ['paid, nobody knows when', { completedAt: undefined }, undefined],
    ['neither', { isPaid: 'true' }, undefined],
    ['another', { paymentHash: '11'.repeat(32) }, undefined],
  ] as const) {
    test(what, () => expect(read(changes)?.status).toBe(status))
  }
})

describe('R-PHX-4 R-PHX-5 how a payment stands', () => {
  const secret = preimage(new Uint8Array(32).fill(9))
  const outgoing = {
    paymentHash: encodeHex(someHash),
    isPaid: true,
    preimage: encodeHex(secret),
    fees: 4004,
    completedAt: 1,
  }
  for (const [what, changes, status] of [
    ['paid', {}, 'settled'],
    ['paid without a proof', { preimage: undefined }, 'unknown'],
    ['paid with zeros for a proof', { preimage: '0'.repeat(64) }, 'unknown'],
    ['paid with the proof of another', { preimage: '11'.repeat(32) }, 'unknown'],
    ['under way', { isPaid: false, completedAt: undefined }, 'unknown'],
    ['over, and not paid', { isPaid: false }, 'failed'],
    ['over at no time', { isPaid: false, completedAt: 'yes' }, undefined],
    ['neither', { isPaid: null }, undefined],
  ] as const) {
    test(what, () => {
      const told = readOutgoing(JSON.stringify({ ...outgoing, ...changes }), someHash)
      expect(told?.status).toBe(status)
      if (told?.status === 'settled') expect(told.feeMsat).toBe(4004n)
    })
  }
})

describe('the readers take anything', () => {
  test('and throw nothing', () => {
    const value = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .record(
          {
            paymentHash: fc.constantFrom(encodeHex(someHash), 'x', 7),
            isPaid: fc.anything(),
            preimage: fc.anything(),
            paymentPreimage: fc.anything(),
            receivedSat: fc.anything(),
            invoice: fc.anything(),
            channels: fc.array(fc.anything()),
            nodeId: fc.string(),
            chain: fc.constantFrom('mainnet', '__proto__', 'toString', 7),
            type: fc.constantFrom('payment_received', 'x'),
          },
          { requiredKeys: [] },
        )
        .map((record) => JSON.stringify(record, (_, one) => (typeof one === 'bigint' ? 0 : one))),
    )
    fc.assert(
      fc.property(value, (text) => {
        readOrderAnswer(text, someHash)
        readOutgoing(text, someHash)
        readIncoming(text, someHash)
        readReceived(text)
        const network = readInfo(text)?.network
        expect(network === undefined || typeof network === 'string').toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('R-PHX-11 settlements', () => {
  test('are told once and in order; what settles while phoenixd is away is told afterwards', async () => {
    const { wallet, payer, lookAlike } = await createWorld({ of: 'payee', isLimited: true })
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
  })

  test('an event is believed only when a look-up says the same', async () => {
    const { wallet, lookAlike, payer } = await createWorld({ of: 'payee' })
    const open = await makeInvoice(wallet.payee)
    const { paymentHash } = open
    const body = JSON.stringify({
      type: 'payment_received',
      amountSat: 21,
      paymentHash: encodeHex(paymentHash),
    })
    const events = [body, 'null', '{', '{"type":"payment_received","paymentHash":"zz"}']
    const socket = await serveFrames(events.map(textFrame), (request) =>
      fetch(`${lookAlike.url}${request.path}`, { headers: request.headers }),
    )
    const forged = createPhoenixd({
      url: socket.url,
      password: lookAlike.password,
      network: 'regtest',
      timeoutMs: 300,
    })
    closers.push(forged.close)
    const stop = new AbortController()
    const stream = forged.payee.settlements(stop.signal)[Symbol.asyncIterator]()
    const reading = stream.next()
    await socket.isSent
    await payer.pay(open, limits)
    socket.send(textFrame(body))
    expect((await reading).value).toMatchObject({ amountMsat: 21_000n })
    const more = stream.next()
    socket.send(textFrame(body))
    stop.abort()
    expect((await more).done).toBe(true)
  })

  test('open invoices are asked about where a proxy lets no WebSocket through', async () => {
    const { wallet, payer, lookAlike } = await createWorld({ of: 'payee' })
    const stop = new AbortController()
    const how = { kind: 'answer', status: 426, body: '' } as const
    lookAlike.inject('settlements', { executed: false, how })
    const stream = wallet.payee.settlements(stop.signal)[Symbol.asyncIterator]()
    const one = await makeInvoice(wallet.payee)
    await payer.pay(one, limits)
    const told: Settlement = (await stream.next()).value
    expect(encodeHex(told.paymentHash)).toBe(encodeHex(one.paymentHash))
    stop.abort()
  })

  for (const [what, how] of [
    ['resets', { kind: 'reset' }],
    ['answers 502', { kind: 'answer', status: 502, body: '' }],
    ['answers 401', { kind: 'answer', status: 401, body: wrongPassword }],
    ['answers 200', { kind: 'answer', status: 200, body: '' }],
  ] as const) {
    test(`a stream whose server ${what} is broken`, async () => {
      const { wallet, lookAlike } = await createWorld({ of: 'payee' })
      lookAlike.inject('settlements', { executed: false, how })
      const stream = wallet.payee.settlements(new AbortController().signal)[Symbol.asyncIterator]()
      await expect(stream.next()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    })
  }

  test('a stream ends with its wallet', async () => {
    const { wallet, lookAlike } = await createWorld({ of: 'payee' })
    const stream = wallet.payee.settlements(new AbortController().signal)[Symbol.asyncIterator]()
    const reading = stream.next()
    while (lookAlike.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    // The answer may still be on its way.
    setTimeout(wallet.close, 50)
    await expect(reading).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
  })
})

function textFrame(text: string): Uint8Array {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.of(0x81, 126, bytes.length >> 8, bytes.length & 0xff), bytes])
}

type Identity = { readonly key: string; readonly cert: string }

async function createIdentity(): Promise<Identity> {
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=phoenixd.test',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm,
    keys,
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { key: x509.PemConverter.encode(key, 'PRIVATE KEY'), cert: certificate.toString('pem') }
}

type RawRequest = { readonly path: string; readonly headers: Record<string, string> }

/** A server of one WebSocket that sends bytes as they are; what else is asked is answered by another. */
async function serveFrames(
  frames: readonly Uint8Array[],
  answer: (request: RawRequest) => Promise<Response> = async () =>
    new Response('', { status: 404 }),
  identity?: Identity,
) {
  const server = identity === undefined ? createHttp() : createHttps(identity)
  server.on('request', (message, response) => {
    const headers = { authorization: String(message.headers.authorization) }
    answer({ path: String(message.url), headers }).then(async (found) => {
      response.writeHead(found.status).end(await found.text())
    })
  })
  const sent = Promise.withResolvers<void>()
  let send: (bytes: Uint8Array) => void = () => undefined
  const received: Buffer[] = []
  server.on('upgrade', ({ headers }, socket) => {
    closers.push(() => socket.destroy())
    const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash('sha1').update(key).digest('base64')
    send = (bytes) => socket.write(bytes)
    socket.on('data', (chunk: Buffer) => received.push(chunk)).on('error', () => undefined)
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    for (const frame of frames) send(frame)
    sent.resolve()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  const { port } = server.address() as { readonly port: number }
  return {
    url: `${identity === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    isSent: sent.promise,
    send: (bytes: Uint8Array) => send(bytes),
    received,
  }
}

function pushAll(bytes: Uint8Array, partBytes: number, maxBytes = 1000): readonly SocketEvent[] {
  const reader = new FrameReader(maxBytes)
  const events: SocketEvent[] = []
  for (let at = 0; at < bytes.length; at += partBytes) {
    events.push(...reader.push(bytes.subarray(at, at + partBytes)))
  }
  return events
}

const patience = (): AbortSignal => AbortSignal.timeout(20_000)

describe('R-ADP-26 a WebSocket', () => {
  const text = (value: string): SocketEvent => ({ kind: 'text', text: value })
  for (const [what, bytes, events] of [
    ['a text', [0x81, 2, 104, 105], [text('hi')]],
    ['an empty text', [0x81, 0], [text('')]],
    ['a text in pieces', [0x01, 1, 104, 0x80, 1, 105], [text('hi')]],
    [
      'a ping between pieces',
      [0x01, 1, 104, 0x89, 0, 0x80, 1, 105],
      [{ kind: 'ping' }, text('hi')],
    ],
    ['bytes, which are read over', [0x82, 1, 0, 0x81, 1, 104], [text('h')]],
    ['a pong', [0x8a, 1, 1, 0x81, 1, 104], [text('h')]],
    ['a close', [0x81, 1, 104, 0x88, 0, 0x81, 1, 104], [text('h'), { kind: 'close' }]],
    ['a length in two bytes', [0x81, 126, 0, 1, 104], [text('h')]],
    ['a length in eight bytes', [0x81, 127, 0, 0, 0, 0, 0, 0, 0, 1, 104], [text('h')]],
  ] as const) {
    test(`is read: ${what}, however it is cut`, () => {
      for (const partBytes of [1, 2, 3, 100]) {
        expect(pushAll(Uint8Array.from(bytes), partBytes)).toMatchObject(events)
      }
    })
  }
  for (const [what, bytes] of [
    ['a mask', [0x81, 0x81, 1, 2, 3, 4, 5]],
    ['an extension', [0xc1, 1, 104]],
    ['an unknown opcode', [0x83, 0]],
    ['a ping in pieces', [0x09, 0]],
    ['a long ping', [0x89, 126, 0, 126]],
    ['a piece of nothing', [0x80, 0]],
    ['a text inside a text', [0x01, 0, 0x81, 0]],
    ['no UTF-8', [0x81, 1, 0xff]],
    ['too long a text', [0x81, 126, 0x03, 0xe9]],
    ['a length beyond all', [0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255]],
    ['too many pieces', [...Array(1001).fill([0x00, 1, 104])].flat().with(0, 0x01)],
  ] as const) {
    test(`is refused: ${what}`, () => {
      expect(() => pushAll(Uint8Array.from(bytes), 7)).toThrow(RangeError)
    })
  }

  test('answers pings, and is dead when nothing comes', async () => {
    const server = await serveFrames([Uint8Array.of(0x89, 2, 7, 8)])
    const link = new NodeLink({ baseUrl: server.url })
    closers.push(() => link.close())
    const opened = await link.openWebSocket({ path: '/websocket' }, patience(), 100)
    if (opened.kind !== 'opened') throw new Error(opened.kind)
    const reading = opened.socket.messages[Symbol.asyncIterator]().next()
    await expect(reading).rejects.toThrow('nothing came for too long')
    const [first, second, ...rest] = Buffer.concat(server.received)
    expect([first, second]).toEqual([0x8a, 0x82])
    const mask = rest.slice(0, 4)
    expect(rest.slice(4).map((byte, i) => byte ^ (mask[i] ?? 0))).toEqual([7, 8])
  })

  test('goes over TLS, to the certificate that was named and no other', async () => {
    x509.cryptoProvider.set(webcrypto as typeof globalThis.crypto)
    const own = await createIdentity()
    const stranger = await createIdentity()
    const server = await serveFrames([textFrame('over TLS')], undefined, own)
    const link = new NodeLink({ baseUrl: server.url, certificate: own.cert })
    closers.push(() => link.close())
    const opened = await link.openWebSocket({ path: '/websocket' }, patience())
    if (opened.kind !== 'opened') throw new Error(opened.kind)
    const { value } = await opened.socket.messages[Symbol.asyncIterator]().next()
    expect(value).toBe('over TLS')
    const other = new NodeLink({ baseUrl: server.url, certificate: stranger.cert })
    closers.push(() => other.close())
    const refused = await other.openWebSocket({ path: '/websocket' }, patience())
    expect(refused.kind).toBe('not-sent')
  })

  test('is none without the right answer to its key', async () => {
    const server = createServer((socket) => {
      socket
        .on('error', () => undefined)
        .on('data', () => {
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: no\r\n\r\n',
          )
        })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => server.close())
    const { port } = server.address() as { readonly port: number }
    const link = new NodeLink({ baseUrl: `http://127.0.0.1:${port}` })
    closers.push(() => link.close())
    const opened = await link.openWebSocket({ path: '/websocket' }, patience())
    expect(opened).toEqual({ kind: 'lost', reason: 'it does not speak WebSocket there' })
  })
})

describe('R-PHX-12 phoenixd is examined', () => {
  test('http-password allows everything', async () => {
    const { wallet, lookAlike } = await createWorld()
    expect(await wallet.examine()).toEqual({
      network: 'regtest',
      notReady: undefined,
      powers: {
        receive: true,
        spend: true,
        beyond: ['send on chain', 'close channels', 'log in with LNURL'],
      },
      nowSeconds: expect.any(Number),
    })
    expect(lookAlike.seen.map(({ path }) => path)).toEqual(['/getinfo', '/payinvoice'])
  })

  test('http-password-limited-access only receives', async () => {
    const { wallet } = await createWorld({ isLimited: true })
    const { powers } = await wallet.examine()
    expect(powers).toEqual({ receive: true, spend: false, beyond: [] })
  })

  test('what a proxy says about an order tells nothing of the password', async () => {
    const { wallet, lookAlike } = await createWorld()
    const how = { kind: 'answer', status: 403, body: 'Forbidden' } as const
    lookAlike.inject('order', { executed: false, how })
    expect((await wallet.examine()).powers.spend).toBeUndefined()
  })

  test('a wrong password is refused, with what to mend', async () => {
    const { wallet } = await createWorld({ wallet: { password: marked } })
    const error = await wallet.examine().catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'NODE_UNAVAILABLE', details: { refused: true } })
    expect(inspect(error)).toContain('http-password-limited-access')
    expect(inspect(error)).not.toContain(marked)
  })

  for (const [chain, network] of [
    ['mainnet', 'bitcoin'],
    ['testnet3', 'testnet'],
    ['testnet', 'testnet'],
    ['testnet4', undefined],
    ['constructor', undefined],
  ] as const) {
    test(`${chain} is ${network}`, async () => {
      const { wallet } = await createWorld({ chain })
      expect((await wallet.examine()).network).toBe(network)
    })
  }

  for (const [states, isReady] of [
    [[], true],
    [['Offline(Normal)'], false],
    [['Closing', 'Syncing(Normal)'], false],
    [['Closing', 'Normal'], true],
  ] as const) {
    test(`with channels ${states.join(', ')} it is ${isReady ? '' : 'not '}ready`, async () => {
      const { wallet } = await createWorld({ channels: states })
      expect((await wallet.examine()).notReady === undefined).toBe(isReady)
    })
  }

  for (const [status, body] of [
    [200, '{}'],
    [200, 'null'],
    [502, '<html>'],
    [404, 'Unknown endpoint (check api doc)'],
  ] as const) {
    test(`${status} ${body} is no phoenixd`, async () => {
      const { wallet, lookAlike } = await createWorld()
      lookAlike.inject('other', { executed: false, how: { kind: 'answer', status, body } })
      await expect(wallet.examine()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    })
  }

  test('one that does not answer ends in time, and with its caller', async () => {
    const { wallet, lookAlike } = await createWorld()
    lookAlike.inject('other', { executed: false, how: { kind: 'hang' } })
    await expect(wallet.examine()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    await expect(wallet.examine(AbortSignal.abort())).rejects.toMatchObject({
      code: 'NODE_UNAVAILABLE',
    })
  })
})

describe('R-PHX-13 options and secrets', () => {
  for (const [option, bad] of [
    ['url', { url: 'http://phoenixd.example.com:9740' }],
    ['url', { url: marked }],
    ['url', { url: `http://:${marked}@127.0.0.1:9740` }],
    ['password', { password: '' }],
    ['password', { password: `${marked}\n` }],
    ['password', { password: 7 as unknown as string }],
    ['certificate', { certificate: marked }],
    ['network', { network: 'mainnet' as 'bitcoin' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['orderTimeoutMs', { orderTimeoutMs: Number.NaN }],
  ] as const) {
    test(`${option} ${inspect(bad).replaceAll(marked, '…')} is a RangeError that names it`, () => {
      const url = option === 'certificate' ? 'https://localhost' : 'http://127.0.0.1:9740'
      const work = () => createPhoenixd({ url, password: 'ok', ...bad })
      expect(work).toThrow(RangeError)
      expect(work).toThrow(option)
      expect(work).not.toThrow(marked)
    })
  }

  test('nothing shows the password, an invoice or a preimage', async () => {
    const { wallet, lookAlike, invoice } = await createWorld({ wallet: { password: marked } })
    const one = await invoice()
    const encoded = encodeBase64(encodeUtf8(`:${marked}`))
    const shown: unknown[] = [wallet, wallet.payer, wallet.payee]
    const order = { amountMsat: msat(1000n), description: marked, expirySeconds: 60 }
    const works = [
      () => wallet.payer.pay(one, limits),
      () => wallet.payer.lookupPayment(one.paymentHash),
      () => wallet.payee.createInvoice(order),
      () => wallet.payee.lookupInvoice(one.paymentHash),
      () => wallet.payee.settlements(new AbortController().signal)[Symbol.asyncIterator]().next(),
      () => wallet.examine(),
    ]
    for (const status of [200, 400, 401, 500]) {
      for (const work of works) {
        for (const role of ['order', 'look-up', 'invoice', 'invoice-look-up', 'other'] as const) {
          const body = `${marked} ${one.text}`
          lookAlike.inject(role, { executed: false, how: { kind: 'answer', status, body } })
        }
        shown.push(await work().catch((error: unknown) => error))
      }
    }
    for (const one_ of shown) {
      const text = `${inspect(one_, { depth: 9, showHidden: true })}${JSON.stringify(one_, (_, value) => (typeof value === 'bigint' ? String(value) : value))}${String(one_)}`
      for (const secret of [marked, encoded, one.text]) expect(text).not.toContain(secret)
    }
  })

  test('nothing is sent before the first call', async () => {
    const { lookAlike } = await createWorld()
    expect(lookAlike.seen).toEqual([])
  })
})
