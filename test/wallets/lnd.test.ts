import type { WireAnswer } from '../../library/src/testing/look-alike/index.ts'
import 'reflect-metadata'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { Msat } from '../../library/src/amount/index.ts'
import { msat } from '../../library/src/amount/index.ts'
import {
  decodeHex,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
} from '../../library/src/bytes/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import type { Invoice, PaymentHash } from '../../library/src/invoice/index.ts'
import { decodeInvoice, hashPreimage, preimage } from '../../library/src/invoice/index.ts'
import type { Settlement } from '../../library/src/lightning/index.ts'
import type { LndOptions } from '../../library/src/lightning/lnd/index.ts'
import { createLnd } from '../../library/src/lightning/lnd/index.ts'
import {
  attenuate,
  decodeMacaroon,
  encodeMacaroon,
  mint,
} from '../../library/src/macaroon/index.ts'

import {
  invoiceFaultCases,
  orderFaultCases,
  payeeConformance,
  payerConformance,
} from '../../library/src/testing/index.ts'
import type { Script, Served, World } from './lnd-rig.ts'
import {
  createWorld,
  gatewayMacaroon,
  invoiceOf,
  limits,
  line,
  notFound,
  paying,
  receiving,
  serve,
  serveScript,
  stockAdminMacaroon,
  stockInvoiceMacaroon,
  stream,
  unary,
} from './lnd-rig.ts'
import { makeIdentity, openTlsFront } from './lnd-tls.ts'

const toClose: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of toClose.splice(0)) await one.close()
})

function closeAfterTest<One extends { close(): Promise<void> }>(one: One): One {
  toClose.push(one)
  return one
}

async function payerWorld(
  options: Partial<LndOptions> = {},
): Promise<World & Pick<Served, 'lookAlike' | 'lnd'>> {
  const world = createWorld()
  const served = closeAfterTest(await serve(world.node, world.clock, paying, options))
  return { ...world, lookAlike: served.lookAlike, lnd: served.lnd }
}

async function payeeWorld(
  options: Partial<LndOptions> = {},
): Promise<World & Pick<Served, 'lookAlike' | 'lnd'>> {
  const world = createWorld()
  const served = closeAfterTest(await serve(world.payee, world.clock, receiving, options))
  return { ...world, lookAlike: served.lookAlike, lnd: served.lnd }
}

/** What an adapter says of an error, and that it is one that may be shown. */
async function reasonOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (!isL402Error(error, 'NODE_UNAVAILABLE')) throw new Error('expected NODE_UNAVAILABLE')
  return String(error.details['reason'])
}

describe('lnd conforms as a payer', () => {
  const createRig = async () => {
    const { clock, node, otherPayer, payee } = createWorld()
    // As long as lnd says nothing of a payment that is on its way.
    const { lookAlike, lnd, close } = await serve(node, clock, paying, { orderTimeoutMs: 1500 })
    return {
      payer: lnd.payer,
      payee,
      close,
      controls: {
        advance: clock.advance,
        balanceMsat: node.balanceMsat,
        injectFault: node.injectFault,
        otherPayer,
        createHoldInvoice: async (hash: PaymentHash, amountMsat: Msat) => {
          const request = { amountMsat, description: '', expirySeconds: 600, paymentHash: hash }
          return (await payee.createHoldInvoice(request)).invoice
        },
        settleHold: payee.settleHold,
        cancelHold: payee.cancelHold,
        setReachable: lookAlike.setReachable,
      },
    }
  }
  // R-LND-17: lnd has no words for these two.
  const saysInstead = { 'fee-limit': 'no-route', 'already-paid': 'rejected' } as const
  for (const { name, run } of payerConformance(createRig, { saysInstead })) {
    test(`R-LND-17 ${name}`, async () => expect(await run()).toBeUndefined())
  }
})

describe('lnd conforms as a payee', () => {
  const createRig = async () => {
    const { clock, node, payee } = createWorld()
    const { lookAlike, lnd, close } = await serve(payee, clock, receiving)
    return {
      payer: node,
      payee: lnd.payee,
      close,
      controls: { advance: clock.advance, setReachable: lookAlike.setReachable },
    }
  }
  for (const { name, run } of payeeConformance(createRig)) {
    test(name, async () => expect(await run()).toBeUndefined())
  }
})

describe('R-ADP-30 R-ADP-31 faults', () => {
  const waits = { timeoutMs: 300, orderTimeoutMs: 400, orderLagSeconds: 1 }
  const payerRig = async () => {
    const { clock, node, payee } = createWorld()
    const { lookAlike, lnd, close } = await serve(node, clock, paying, waits)
    return { payer: lnd.payer, node, payee, lookAlike, close }
  }
  const payeeRig = async () => {
    const { clock, payee } = createWorld()
    const { lookAlike, lnd, close } = await serve(payee, clock, receiving, { timeoutMs: 400 })
    return { payee: lnd.payee, lookAlike, close }
  }
  for (const { name, run } of [...orderFaultCases(payerRig), ...invoiceFaultCases(payeeRig)]) {
    // Most of their time is waiting.
    test.concurrent(name, async () => expect(await run()).toBeUndefined())
  }
})

describe('R-LND-1 R-LND-2 options', () => {
  const good: LndOptions = { url: 'https://127.0.0.1:8080', macaroon: stockInvoiceMacaroon }
  const bytes = decodeHex(stockInvoiceMacaroon)

  test('a macaroon is taken as the bytes of its file, in hex, and in base64, with a line end or not', () => {
    const texts = [
      stockInvoiceMacaroon,
      `${stockInvoiceMacaroon.toUpperCase()}\n`,
      encodeBase64(bytes),
      ` ${encodeBase64Url(bytes)}\r\n`,
      // In lines, as `base64` and `xxd -p` write it.
      encodeBase64(bytes).replace(/.{76}/g, '$&\n'),
      stockInvoiceMacaroon.replace(/.{60}/g, '$&\n'),
    ]
    const files = texts.map((text) => Uint8Array.from(Buffer.from(text)))
    for (const macaroon of [bytes, ...texts, ...files]) {
      expect(createLnd({ ...good, macaroon }).kind).toBe('lnd')
    }
  })

  test('what is not as it should be is a RangeError that names the option and shows nothing of it', () => {
    const secret = 'dead5ec2e7'
    const bad: readonly (readonly [string, Partial<Record<keyof LndOptions, unknown>>])[] = [
      ['url', { url: `http://node.example:8080/${secret}` }],
      ['url', { url: secret }],
      ['url', { url: `https://me:${secret}@127.0.0.1:8080` }],
      ['url', { url: `https://127.0.0.1:8080?macaroon=${secret}` }],
      ['macaroon', { macaroon: secret }],
      ['macaroon', { macaroon: `${stockInvoiceMacaroon.slice(0, -2)}${secret}` }],
      ['macaroon', { macaroon: '' }],
      ['macaroon', { macaroon: new Uint8Array(0) }],
      ['macaroon', { macaroon: Uint8Array.of(2, 1, 3, 0xff) }],
      ['macaroon', { macaroon: encodeBase64(Uint8Array.from(Buffer.from('0021location x\n'))) }],
      ['certificate', { certificate: secret }],
      [
        'certificate',
        { certificate: `-----BEGIN CERTIFICATE-----\n${secret}\n-----END CERTIFICATE-----` },
      ],
      ['network', { network: secret }],
      ['timeoutMs', { timeoutMs: 0 }],
      ['timeoutMs', { timeoutMs: 1.5 }],
      ['orderTimeoutMs', { orderTimeoutMs: 3_600_001 }],
    ]
    for (const [option, change] of bad) {
      let error: unknown
      try {
        createLnd({ ...good, certificate: undefined, ...change } as unknown as LndOptions)
      } catch (caught) {
        error = caught
      }
      expect(error, option).toBeInstanceOf(RangeError)
      expect((error as Error).message).toContain(`${option}: `)
      expect(inspect(error)).not.toContain(secret)
    }
  })

  test('nothing is connected before the first call', async () => {
    const { lookAlike } = await payerWorld()
    await new Promise((resolve) => setImmediate(resolve))
    expect(lookAlike.seen).toEqual([])
  })
})

describe('R-LND-3 its name', () => {
  test('is the same with another macaroon and certificate, and another for another node or account', () => {
    const url = 'https://127.0.0.1:8080'
    const idWith = (changes: Partial<LndOptions>): string | undefined =>
      createLnd({ url, macaroon: stockAdminMacaroon, ...changes }).payer.id
    const account = (id: string): Uint8Array =>
      encodeMacaroon(
        attenuate(decodeMacaroon(decodeHex(stockAdminMacaroon)), `lnd-custom account ${id}`),
      )
    const id = idWith({})
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(idWith({ macaroon: gatewayMacaroon })).toBe(id)
    expect(idWith({ url: 'https://127.0.0.1:8080/' })).toBe(id)
    const others = [
      idWith({ url: 'https://127.0.0.1:8081' }),
      idWith({ macaroon: account('a1') }),
      idWith({ macaroon: account('a2') }),
    ]
    expect(new Set([id, ...others]).size).toBe(4)
  })
})

describe('R-LND-4 its certificate', () => {
  test('is enough when it is named, whatever names stand in it, and needed when it signed itself', async () => {
    const { clock, node, payee } = createWorld()
    const identity = await makeIdentity(['localhost', 'vm'])
    const other = await makeIdentity(['localhost', 'vm'])
    const { lookAlike } = closeAfterTest(await serve(node, clock, paying))
    const front = closeAfterTest(await openTlsFront(identity, lookAlike.url))
    const over = (certificate: string | undefined) => {
      const lnd = createLnd({
        url: front.url,
        macaroon: lookAlike.bake(paying),
        network: 'regtest',
        now: clock.now,
        ...(certificate !== undefined && { certificate }),
      })
      return closeAfterTest({ ...lnd, close: async () => lnd.close() })
    }
    for (const [certificate, says] of [
      [undefined, 'signed by itself: name it, with cert='],
      [other.cert, 'not the one that was named with cert='],
    ] as const) {
      const lnd = over(certificate)
      expect(await reasonOf(lnd.examine())).toContain(says)
      expect(await reasonOf(lnd.payer.pay(await invoiceOf(payee), limits))).toContain(says)
    }
    expect(lookAlike.seen).toEqual([])
    const pinned = over(identity.cert)
    expect((await pinned.examine()).notReady).toBeUndefined()
    expect((await pinned.payer.pay(await invoiceOf(payee), limits)).status).toBe('settled')
    const either = over(`${other.cert}\n${identity.cert}`)
    expect((await either.payer.pay(await invoiceOf(payee), limits)).status).toBe('settled')
  })
})

const macaroon = gatewayMacaroon
const secret = preimage(new Uint8Array(32).fill(0x77))
const hash = hashPreimage(secret)
const zeros = '0'.repeat(64)

/** A payment as lnd 0.21.1 told it on regtest, in its parts that are read. */
function payment(
  changes: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    payment_hash: encodeHex(hash),
    value: '21',
    fee: '1',
    payment_preimage: encodeHex(secret),
    value_sat: '21',
    value_msat: '21001',
    status: 'SUCCEEDED',
    fee_sat: '1',
    fee_msat: '1002',
    htlcs: [],
    failure_reason: 'FAILURE_REASON_NONE',
    ...changes,
  }
}

async function invoiceFor(): Promise<Invoice> {
  const { payee } = createWorld()
  const request = {
    amountMsat: msat(21_001n),
    description: '',
    expirySeconds: 31_536_000,
    paymentHash: hash,
  }
  const { invoice } = await payee.createHoldInvoice(request)
  return decodeInvoice(invoice)
}

const notInitiated = stream(404, 5, "payment isn't initiated")

async function scripted(script: Script, options: Partial<LndOptions> = {}) {
  return closeAfterTest(await serveScript(script, { macaroon, ...options }))
}

describe('R-LND-9 an order', () => {
  test('is one POST with the fee ceiling in it, without one too', async () => {
    const invoice = await invoiceFor()
    for (const maxFeeMsat of [0n, 1n, 123_456_789n]) {
      const { lnd, requests } = await scripted({ '/v2/router/send': line(payment()) })
      await lnd.payer.pay(invoice, { maxFeeMsat: msat(maxFeeMsat) })
      expect(requests).toHaveLength(1)
      expect(requests[0]!.method).toBe('POST')
      expect(requests[0]!.headers['grpc-metadata-macaroon']).toBe(macaroon)
      expect(JSON.parse(requests[0]!.body)).toEqual({
        payment_request: invoice.text,
        fee_limit_msat: String(maxFeeMsat),
        timeout_seconds: 60,
        no_inflight_updates: true,
      })
    }
  })

  test('lets lnd try routes for four fifths of the time that its end is waited for', async () => {
    const invoice = await invoiceFor()
    for (const [orderTimeoutMs, seconds] of [
      [100_000, 80],
      [2500, 2],
      [400, 1],
    ] as const) {
      const { lnd, requests } = await scripted(
        { '/v2/router/send': line(payment()) },
        { orderTimeoutMs },
      )
      await lnd.payer.pay(invoice, limits)
      expect(JSON.parse(requests[0]!.body).timeout_seconds).toBe(seconds)
    }
  })
})

describe('R-LND-10 R-LND-11 what is told of a payment', () => {
  const settled = {
    status: 'settled',
    preimage: secret,
    amountMsat: 21_001n,
    feeMsat: 1002n,
  }
  const failed = (reason: string): unknown => ({ status: 'failed', reason })
  const unknown = { status: 'unknown' }
  const table: readonly (readonly [string, Readonly<Record<string, unknown>>, unknown])[] = [
    ['settled', {}, settled],
    ['settled, with numbers that are exact', { value_msat: 21_001, fee_msat: 1002 }, settled],
    [
      'settled, and the fee is no number: the ceiling counts',
      { fee_msat: '-5' },
      { ...settled, feeMsat: 100_000n },
    ],
    [
      'settled, and the fee is a number that is not exact',
      { fee_msat: 2 ** 60 },
      { ...settled, feeMsat: 100_000n },
    ],
    ['settled without a preimage', { payment_preimage: zeros }, unknown],
    ['settled with half a preimage', { payment_preimage: zeros.slice(2) }, unknown],
    ['settled with a preimage that is none', { payment_preimage: 7 }, unknown],
    ['of another hash', { payment_hash: 'ab'.repeat(32) }, unknown],
    ['of no hash', { payment_hash: undefined }, unknown],
    ['of a status that is not known', { status: 'UNKNOWN' }, unknown],
    ['under way', { status: 'IN_FLIGHT', payment_preimage: zeros }, unknown],
    ['begun', { status: 'INITIATED', payment_preimage: zeros }, unknown],
    [
      'under way, and given up',
      { status: 'IN_FLIGHT', failure_reason: 'FAILURE_REASON_TIMEOUT' },
      unknown,
    ],
    ...(
      [
        ['TIMEOUT', 'no-route'],
        ['NO_ROUTE', 'no-route'],
        ['ERROR', 'rejected'],
        ['INCORRECT_PAYMENT_DETAILS', 'rejected'],
        ['INSUFFICIENT_BALANCE', 'insufficient-balance'],
        ['CANCELED', 'rejected'],
        ['OF_TOMORROW', 'rejected'],
      ] as const
    ).map(
      ([reason, ours]) =>
        [
          `failed, ${reason}`,
          {
            status: 'FAILED',
            failure_reason: `FAILURE_REASON_${reason}`,
            payment_preimage: zeros,
          },
          failed(ours),
        ] as const,
    ),
    ['failed, without a word', { status: 'FAILED', failure_reason: undefined }, failed('rejected')],
    [
      'failed, for a reason that every object has',
      { status: 'FAILED', failure_reason: 'constructor' },
      failed('rejected'),
    ],
  ]
  for (const [what, changes, expected] of table) {
    test(`by the answer and by a look-up: ${what}`, async () => {
      const told = line(payment(changes))
      const { lnd } = await scripted({ '/v2/router/send': told, '/v2/router/track': told })
      expect(await lnd.payer.pay(await invoiceFor(), limits)).toEqual(expected)
      const fresh = await scripted({ '/v2/router/track': told })
      const found = fresh.lnd.payer.lookupPayment(hash)
      const isRead = expected !== unknown || changes['status'] === 'IN_FLIGHT'
      if (isRead || changes['status'] === 'INITIATED') {
        expect((await found)?.status).toBe((expected as { status: string }).status)
      } else await expect(found).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    })
  }
})

test('R-LND-11 an order whose answer tells of the way first is listened to until its end', async () => {
  const way = payment({ status: 'IN_FLIGHT', payment_preimage: zeros })
  const body = [way, way, payment()].map((result) => `${JSON.stringify({ result })}\n`).join('')
  const { lnd, requests } = await scripted({ '/v2/router/send': { status: 200, body } })
  expect((await lnd.payer.pay(await invoiceFor(), limits)).status).toBe('settled')
  expect(requests).toHaveLength(1)
})

describe('R-LND-12 R-LND-13 R-LND-15 an order that lnd answers with an error', () => {
  const send = (answer: WireAnswer, track: WireAnswer): Promise<string> =>
    (async () => {
      const { lnd } = await scripted({ '/v2/router/send': answer, '/v2/router/track': track })
      const outcome = await lnd.payer
        .pay(await invoiceFor(), limits)
        .catch((error: unknown) => error)
      if (isL402Error(outcome, 'NODE_UNAVAILABLE'))
        return `unavailable: ${outcome.details['reason']}`
      const { status, reason } = outcome as { status: string; reason?: string }
      return reason === undefined ? status : `${status}: ${reason}`
    })()
  const locked = stream(500, 2, 'wallet locked, unlock it to enable full RPC access')
  const denied = stream(500, 2, 'permission denied')
  const otherNode = stream(
    500,
    2,
    'verification failed: signature mismatch after caveat verification',
  )
  const starting = stream(
    500,
    2,
    'the RPC server is in the process of starting up, but not yet ready to accept calls',
  )
  const expired = stream(500, 2, 'invoice expired. Valid until 2026-11-26 03:30:17 +0000 UTC')
  const network = stream(500, 2, "invoice not for current active network 'regtest'")
  const self = stream(500, 2, 'self-payments not allowed')
  const paid = stream(409, 6, 'invoice is already paid')
  const transition = stream(409, 6, 'payment is in transition')
  const exists = stream(409, 6, 'payment already exists')
  const stopping = stream(500, 2, 'routerrpc server shutting down')
  const told = (changes: Readonly<Record<string, unknown>>): WireAnswer => line(payment(changes))
  const flying = told({ status: 'IN_FLIGHT' })
  const failed = told({ status: 'FAILED', failure_reason: 'FAILURE_REASON_NO_ROUTE' })
  const page: WireAnswer = { status: 404, body: '<html>404</html>' }

  const table: readonly (readonly [string, WireAnswer, WireAnswer, string | RegExp])[] = [
    ['expired, and not begun', expired, notInitiated, 'failed: expired'],
    ['expired, and failed before', expired, failed, 'failed: expired'],
    ['expired, and under way since an earlier order', expired, flying, 'unknown'],
    ['expired, and paid before', expired, told({}), 'settled'],
    ['expired, and nobody can tell', expired, page, 'unknown'],
    ['of another network', network, notInitiated, 'failed: wrong-network'],
    ['to itself', self, notInitiated, 'failed: rejected'],
    ['for a reason that is not known here', stopping, notInitiated, 'failed: rejected'],
    ['while it stops, and under way', stopping, flying, 'unknown'],
    ['while it stops, and nobody can tell', stopping, locked, 'unknown'],
    ['already paid', paid, told({}), 'settled'],
    ['already paid, and nobody can tell', paid, page, 'unknown'],
    ['already paid, and not begun', paid, notInitiated, 'unknown'],
    ['in transition', transition, flying, 'unknown'],
    ['in transition, and paid meanwhile', transition, told({}), 'settled'],
    ['it exists', exists, told({ status: 'INITIATED' }), 'unknown'],
    ['locked', locked, locked, /^unavailable: lnd: its wallet is locked: unlock it/],
    ['starting', starting, starting, /^unavailable: lnd: it is still starting$/],
    ['starting, and then not begun', starting, notInitiated, /^unavailable: .*starting/],
    ['starting, and then under way', starting, flying, 'unknown'],
    ['starting, and nobody can tell', starting, page, 'unknown'],
    ['locked, and failed before', locked, failed, /^unavailable: .*locked/],
    ['not allowed', denied, notInitiated, /^unavailable: .*macaroon does not allow this/],
    ['nor the look-up', denied, denied, /^unavailable: .*macaroon does not allow this/],
    [
      'by a macaroon of another node',
      otherNode,
      otherNode,
      /^unavailable: .*does not know the mac/,
    ],
    [
      'an error that is not of lnd',
      { status: 500, body: '{"detail":"x"}' },
      notInitiated,
      'unknown',
    ],
    ['a page of a proxy', page, notInitiated, 'unknown'],
  ]
  for (const [what, answer, track, expected] of table) {
    test(what, async () => {
      const said = await send(answer, track)
      if (typeof expected === 'string') expect(said).toBe(expected)
      else expect(said).toMatch(expected)
    })
  }
})

describe('R-LND-23 the balance', () => {
  test('is told to the msat where the macaroon allows it, and not asked for otherwise', async () => {
    const { clock, node } = createWorld()
    const allowing = [...paying, 'uri:/lnrpc.Lightning/ChannelBalance']
    for (const [permissions, expected] of [
      [allowing, node.balanceMsat()],
      [paying, undefined],
    ] as const) {
      const { lookAlike, lnd } = closeAfterTest(await serve(node, clock, permissions))
      expect(await lnd.balanceMsat?.()).toBe(expected)
      expect(lookAlike.seen).toHaveLength(expected === undefined ? 0 : 1)
      expect((await lnd.examine()).powers.beyond).toEqual([])
    }
  })

  test('that nobody can read is NODE_UNAVAILABLE', async () => {
    const { clock, node } = createWorld()
    const { lookAlike, lnd } = closeAfterTest(await serve(node, clock, ['offchain:read']))
    for (const body of ['{}', '{"local_balance":{"msat":"-1"}}', '{"local_balance":7}', 'no']) {
      lookAlike.inject('other', { executed: false, how: { kind: 'answer', status: 200, body } })
      await expect(lnd.balanceMsat?.()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    }
  })
})

describe('R-LND-14 a look-up of a payment', () => {
  test('says not there only in the words of lnd', async () => {
    const others: readonly WireAnswer[] = [
      notFound,
      unary(404, 5, 'Not Found'),
      stream(404, 5, 'Not Found'),
      stream(404, 5, 'unable to locate invoice'),
      stream(404, 2, "payment isn't initiated"),
      { status: 404, body: '' },
      { status: 404, body: "payment isn't initiated" },
      { status: 403, body: '<html></html>' },
      { status: 200, body: '{}' },
      { status: 200, body: '[]' },
      { status: 200, body: 'null' },
      { status: 200, body: '\n\n\n' },
      { status: 200, body: '{"result":null}' },
      { status: 200, body: '{"result":[]}' },
    ]
    const { lnd } = await scripted({ '/v2/router/track': notInitiated })
    expect(await lnd.payer.lookupPayment(hash)).toBeUndefined()
    for (const answer of others) {
      const other = await scripted({ '/v2/router/track': answer })
      const reason = await reasonOf(other.lnd.payer.lookupPayment(hash))
      expect(reason, JSON.stringify(answer)).toMatch(/^lnd: /)
    }
  })

  test('tells at once how a payment stands that hangs', async () => {
    const { node, payee, lnd } = await payerWorld()
    const invoice = await invoiceOf(payee)
    node.injectFault({ kind: 'in-flight' })
    const signal = AbortSignal.timeout(200)
    expect(await lnd.payer.pay(invoice, { ...limits, signal })).toEqual({ status: 'unknown' })
    // In bounded time: lnd itself would go on telling until the payment ends.
    expect(await lnd.payer.lookupPayment(invoice.paymentHash)).toEqual({ status: 'unknown' })
    node.resolvePayment(invoice.paymentHash, 'fail')
    const status = async () => (await lnd.payer.lookupPayment(invoice.paymentHash))?.status
    await expect.poll(status).toBe('failed')
  })

  test('R-LND-16 an order that got lost is unknown for two minutes, whatever lnd says', async () => {
    const { payee, lnd, lookAlike } = await payerWorld()
    expect(lnd.payer.orderLagSeconds).toBe(120)
    const invoice = await invoiceOf(payee)
    lookAlike.inject('order', { executed: false, how: { kind: 'reset' } })
    expect(await lnd.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    expect(await lnd.payer.lookupPayment(invoice.paymentHash)).toEqual({ status: 'unknown' })
  })
})

/** An invoice as lnd 0.21.1 told it on regtest, in its parts that are read. */
function told(changes: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    memo: '',
    r_preimage: encodeBase64(secret),
    r_hash: encodeBase64(hash),
    value_msat: '21001',
    settled: true,
    settle_date: '1795664187',
    add_index: '7',
    settle_index: '3',
    amt_paid_msat: '21001',
    state: 'SETTLED',
    is_keysend: false,
    is_amp: false,
    ...changes,
  }
}

describe('R-LND-6 a look-up of an invoice', () => {
  const settled = { status: 'settled', amountMsat: 21_001n, settledAtSeconds: 1_795_664_187 }
  const table: readonly (readonly [string, WireAnswer, unknown])[] = [
    ['settled', { status: 200, body: JSON.stringify(told()) }, settled],
    [
      'paid with more',
      { status: 200, body: JSON.stringify(told({ amt_paid_msat: '30000' })) },
      { ...settled, amountMsat: 30_000n },
    ],
    [
      'open',
      { status: 200, body: JSON.stringify(told({ state: 'OPEN', settle_index: '0' })) },
      { status: 'open' },
    ],
    [
      'held',
      { status: 200, body: JSON.stringify(told({ state: 'ACCEPTED' })) },
      { status: 'open' },
    ],
    [
      'cancelled or expired',
      { status: 200, body: JSON.stringify(told({ state: 'CANCELED' })) },
      { status: 'closed' },
    ],
    ['not there', unary(404, 5, 'unable to locate invoice'), { status: 'not-found' }],
    ['none yet', unary(404, 5, 'there are no existing invoices'), { status: 'not-found' }],
  ]
  for (const [what, answer, expected] of table) {
    test(what, async () => {
      const { lnd, requests } = await scripted({ '/v1/invoice/': answer })
      expect(await lnd.payee.lookupInvoice(hash)).toEqual(expected)
      expect(requests[0]!.path).toBe(`/v1/invoice/${encodeHex(hash)}`)
    })
  }

  test('anything else is no answer', async () => {
    const others: readonly WireAnswer[] = [
      notFound,
      unary(500, 5, 'Not Found'),
      unary(500, 2, 'unable to locate invoice'),
      { status: 404, body: '<html>404</html>' },
      ...[
        { r_hash: encodeBase64(new Uint8Array(32)) },
        { r_hash: encodeHex(hash) },
        { state: 'PAID' },
        { amt_paid_msat: '-1' },
        { amt_paid_msat: 2 ** 60 },
        { settle_date: 'yesterday' },
      ].map((changes) => ({ status: 200, body: JSON.stringify(told(changes)) })),
    ]
    for (const answer of others) {
      const { lnd } = await scripted({ '/v1/invoice/': answer })
      expect(await reasonOf(lnd.payee.lookupInvoice(hash)), answer.body as string).toMatch(/^lnd: /)
    }
  })
})

describe('R-LND-5 an invoice', () => {
  test('asks for its amount to the msat, as text, and for hints where they are wanted', async () => {
    for (const privateChannels of [undefined, false, true]) {
      const { lnd, requests } = await scripted(
        {},
        privateChannels === undefined ? {} : { privateChannels },
      )
      const request = {
        amountMsat: msat(9_007_199_254_740_993n),
        description: 'ü',
        expirySeconds: 60,
      }
      await reasonOf(lnd.payee.createInvoice(request))
      expect(JSON.parse(requests[0]!.body)).toEqual({
        value_msat: '9007199254740993',
        memo: 'ü',
        expiry: '60',
        private: privateChannels === true,
      })
    }
  })

  test('of more than lnd makes is a RangeError before it is asked', async () => {
    const { lnd, requests } = await scripted({})
    const amountMsat = msat(100_000n * 100_000_000n * 1000n + 1n)
    const request = { amountMsat, description: '', expirySeconds: 60 }
    await expect(lnd.payee.createInvoice(request)).rejects.toThrow(RangeError)
    expect(requests).toEqual([])
  })

  test('of any amount that it can say is exact', async () => {
    const { lnd } = await payeeWorld()
    const amounts = fc.bigInt({ min: 1n, max: 10n ** 15n })
    await fc.assert(
      fc.asyncProperty(amounts, async (amount) => {
        const { amountMsat } = await invoiceOf(lnd.payee, amount)
        expect(amountMsat).toBe(amount)
      }),
      { numRuns: 50 },
    )
  })
})

describe('R-LND-7 R-LND-8 the stream of settlements', () => {
  /** Everything that a stream tells, until it is stopped. */
  function listen(payee: { settlements(signal: AbortSignal): AsyncIterable<Settlement> }) {
    const stop = new AbortController()
    const told: string[] = []
    const ended = (async () => {
      for await (const { paymentHash } of payee.settlements(stop.signal)) {
        told.push(encodeHex(paymentHash))
      }
    })().then(
      () => 'ended',
      (error: unknown) => (isL402Error(error, 'NODE_UNAVAILABLE') ? 'broke' : String(error)),
    )
    return { told, ended, stop: () => stop.abort() }
  }

  async function until(isTrue: () => boolean): Promise<void> {
    const end = performance.now() + 10_000
    while (!isTrue()) {
      if (performance.now() > end) throw new Error('it did not come to that in time')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  test('stands as soon as the latest invoice is told once more, and then asks about nothing', async () => {
    const { node, lnd, lookAlike } = await payeeWorld()
    await invoiceOf(lnd.payee)
    const second = await invoiceOf(lnd.payee)
    const { told, stop, ended } = listen(lnd.payee)
    // The one look after it stands.
    await until(() => lookAlike.seen.filter(({ role }) => role === 'invoice-look-up').length === 2)
    const before = lookAlike.seen.length
    await node.pay(second, limits)
    await until(() => told.length === 1)
    expect(told).toEqual([encodeHex(second.paymentHash)])
    expect(lookAlike.seen).toHaveLength(before)
    expect(lookAlike.seen.filter(({ role }) => role === 'settlements')).toHaveLength(1)
    stop()
    expect(await ended).toBe('ended')
  })

  test('does not tell that the latest invoice was settled before', async () => {
    const { node, lnd, lookAlike } = await payeeWorld()
    await invoiceOf(lnd.payee)
    const settled = await invoiceOf(lnd.payee)
    await node.pay(settled, limits)
    const { told, stop } = listen(lnd.payee)
    await until(() => lookAlike.seen.some(({ role }) => role === 'settlements'))
    const next = await invoiceOf(lnd.payee)
    await node.pay(next, limits)
    await until(() => told.length > 0)
    expect(told).toEqual([encodeHex(next.paymentHash)])
    stop()
  })

  test('after it broke, tells what settled meanwhile, of others too, once and in order', async () => {
    const { node, payee, lnd, lookAlike } = await payeeWorld()
    const first = listen(lnd.payee)
    const known = await invoiceOf(lnd.payee)
    await node.pay(known, limits)
    await until(() => first.told.length === 1)

    await lookAlike.setReachable(false)
    expect(await first.ended).toBe('broke')
    // Made and paid behind the back of this process.
    const strange = [await invoiceOf(payee), await invoiceOf(payee), await invoiceOf(payee)]
    for (const invoice of strange) await node.pay(invoice, limits)
    const down = listen(lnd.payee)
    expect(await down.ended).toBe('broke')

    await lookAlike.setReachable(true)
    const second = listen(lnd.payee)
    await until(() => second.told.length === 3)
    const later = await invoiceOf(lnd.payee)
    await node.pay(later, limits)
    await until(() => second.told.length === 4)
    expect(second.told).toEqual(
      [...strange, later].map(({ paymentHash }) => encodeHex(paymentHash)),
    )
    second.stop()
    expect(await second.ended).toBe('ended')
  })

  test('tells nothing that was paid without an invoice, and breaks at nonsense', async () => {
    const events = [
      told({ is_keysend: true, settle_index: '1' }),
      // As lnd 0.21 tells of one of AMP: it has no payment hash, and anybody can send it.
      told({ is_amp: true, r_hash: '', state: 'OPEN', settle_index: '0' }),
      told({ is_amp: true, r_hash: '', settle_index: '0' }),
      told({ state: 'OPEN', add_index: '8', settle_index: '0' }),
      told(),
    ]
    const body = events.map((result) => `${JSON.stringify({ result })}\n`).join('')
    const { lnd } = await scripted({
      '/v1/invoices/subscribe': { status: 200, body: `${body}{"result":{}}\n` },
    })
    const listened = listen(lnd.payee)
    expect(await listened.ended).toBe('broke')
    expect(listened.told).toEqual([encodeHex(hash)])
  })

  test('that lnd refuses says why', async () => {
    const { lnd } = await scripted({ '/v1/invoices': stream(500, 2, 'permission denied') })
    const reading = lnd.payee.settlements(new AbortController().signal)[Symbol.asyncIterator]()
    expect(await reasonOf(reading.next())).toContain('its macaroon does not allow this')
  })

  test('R-LND-22 closing ends it, and what is under way', async () => {
    const { node, payee, lnd, lookAlike } = await payerWorld()
    const reading = lnd.payee.settlements(new AbortController().signal)[Symbol.asyncIterator]()
    const next = reasonOf(reading.next())
    node.injectFault({ kind: 'in-flight' })
    const paid = lnd.payer.pay(await invoiceOf(payee), limits)
    await until(() => lookAlike.seen.some(({ role }) => role === 'order'))
    lnd.close()
    expect((await paid).status).toBe('unknown')
    await next
  })
})

describe('R-LND-18 what a macaroon allows', () => {
  const powersOf = async (given: LndOptions['macaroon']) => {
    const answers = {
      '/v1/state': { status: 200, body: '{"state":"LOCKED"}' },
    }
    const { lnd } = await scripted(answers, { macaroon: given })
    return (await lnd.examine()).powers
  }

  test('is read from it: those that lnd writes itself, and those that we ask for', async () => {
    expect(await powersOf(gatewayMacaroon)).toEqual({ receive: true, spend: false, beyond: [] })
    expect(await powersOf(stockInvoiceMacaroon)).toEqual({
      receive: true,
      spend: false,
      beyond: [
        'read addresses',
        'make addresses',
        'read all invoices',
        'make, settle and cancel hold invoices',
        'read the wallet on chain',
      ],
    })
    const admin = await powersOf(stockAdminMacaroon)
    expect(admin).toMatchObject({ receive: true, spend: true })
    expect(admin.beyond).toContain('send on chain')
    expect(admin.beyond).toContain('make macaroons that allow anything')
    expect(admin.beyond).toContain('change channels and delete payments')
  })

  test('spends by each way there is', async () => {
    const { lookAlike } = await payerWorld()
    const table: readonly (readonly [readonly string[], boolean, boolean | undefined])[] = [
      [receiving, true, false],
      [paying, false, true],
      [['invoices:read', 'invoices:write'], true, false],
      [['invoices:write'], false, false],
      [['offchain:read', 'info:read', 'onchain:read'], false, false],
      [['offchain:write'], false, true],
      [['onchain:write'], false, true],
      [['macaroon:generate'], false, true],
      [['macaroon:write'], false, true],
      [['signer:generate'], false, true],
      [[...receiving, 'uri:/lnrpc.Lightning/SendCoins'], true, true],
      [[...receiving, 'uri:/lnrpc.Lightning/SendPaymentSync'], true, true],
      [[...receiving, 'uri:/lnrpc.Lightning/CloseChannel'], true, true],
      [[...receiving, 'uri:/lnrpc.Lightning/BatchOpenChannel'], true, true],
      [[...receiving, 'uri:/lnrpc.Lightning/BakeMacaroon'], true, true],
      [[...receiving, 'uri:/litrpc.Proxy/BakeSuperMacaroon'], true, true],
      [[...receiving, 'uri:/walletrpc.WalletKit/SendOutputs'], true, true],
      [[...receiving, 'uri:/walletrpc.WalletKit/FinalizePsbt'], true, true],
      [[...receiving, 'uri:/signrpc.Signer/MuSig2Sign'], true, true],
      [[...receiving, 'uri:/lnrpc.Lightning/ChannelBalance'], true, false],
      [[...receiving, 'uri:/lnrpc.Lightning/ListPayments'], true, false],
      [[...receiving, 'uri:/invoicesrpc.Invoices/CancelInvoice'], true, false],
      [[...receiving, 'uri:/litrpc.Future/Anything'], true, undefined],
      [[...receiving, 'tomorrow:write'], true, undefined],
      [[...paying, 'uri:/litrpc.Future/Anything'], false, true],
    ]
    for (const [permissions, receive, spend] of table) {
      const powers = await powersOf(lookAlike.bake(permissions))
      expect([powers.receive, powers.spend], permissions.join(' ')).toEqual([receive, spend])
    }
  })

  test('R-LND-18 is not known of a macaroon that does not say', async () => {
    for (const identifier of [Uint8Array.of(2, 1), Uint8Array.of(3), Uint8Array.of(3, 0xff)]) {
      const odd = encodeMacaroon(mint({ rootKey: new Uint8Array(32), identifier }))
      expect(await powersOf(odd)).toEqual({ receive: undefined, spend: undefined, beyond: [] })
    }
  })
})

describe('R-LND-19 R-LND-20 an examination', () => {
  test('tells what lnd is doing where it is not ready', async () => {
    const { lookAlike, lnd } = await payerWorld()
    for (const [state, says] of [
      ['WAITING_TO_START', 'cluster'],
      ['NON_EXISTING', 'lncli create'],
      ['LOCKED', 'lncli unlock'],
      ['UNLOCKED', 'still starting'],
      ['RPC_ACTIVE', 'still starting'],
    ] as const) {
      lookAlike.setState(state)
      expect((await lnd.examine()).notReady).toContain(says)
    }
    lookAlike.setState('SERVER_ACTIVE')
    expect((await lnd.examine()).notReady).toBeUndefined()
  })

  test('moves no money and makes no invoice', async () => {
    for (const world of [await payerWorld(), await payeeWorld()]) {
      await world.lnd.examine()
      const roles = new Set(world.lookAlike.seen.map(({ role }) => role))
      expect(roles.has('order') || roles.has('invoice')).toBe(false)
      expect(world.lookAlike.seen.every(({ method }) => method === 'GET')).toBe(true)
    }
  })

  test('tells the network and the time where it may ask', async () => {
    const { payee, clock } = createWorld()
    const served = closeAfterTest(await serve(payee, clock, [...receiving, 'info:read']))
    const facts = await served.lnd.examine()
    expect(facts.network).toBe('regtest')
    expect(Math.abs(facts.nowSeconds! - Date.now() / 1000)).toBeLessThan(10)
    const { lnd } = await payeeWorld()
    expect((await lnd.examine()).network).toBeUndefined()
  })

  test('names what is lacking to learn how it ended', async () => {
    const { payee, clock } = createWorld()
    for (const [permissions, lacks] of [
      [['uri:/routerrpc.Router/SendPaymentV2'], 'uri:/routerrpc.Router/TrackPaymentV2'],
      [['offchain:write'], 'uri:/routerrpc.Router/TrackPaymentV2'],
      [
        ['invoices:write'],
        'uri:/lnrpc.Lightning/LookupInvoice uri:/lnrpc.Lightning/SubscribeInvoices',
      ],
      [receiving.slice(0, 2), 'uri:/lnrpc.Lightning/SubscribeInvoices'],
    ] as const) {
      const served = closeAfterTest(await serve(payee, clock, permissions))
      expect((await served.lnd.examine()).notReady).toContain(lacks)
    }
  })

  test('says of a macaroon that lnd does not take what to do about it', async () => {
    const { payee, clock } = createWorld()
    const served = closeAfterTest(await serve(payee, clock, receiving))
    const own = decodeMacaroon(served.lookAlike.bake(receiving))
    const past = new Date((clock.now() - 1) * 1000).toISOString()
    const future = new Date((clock.now() + 60) * 1000).toISOString()
    const narrowed = (caveat: string): Uint8Array => encodeMacaroon(attenuate(own, caveat))
    for (const [given, says] of [
      [decodeHex(gatewayMacaroon), 'use one that this node made'],
      [narrowed(`time-before ${past}`), 'has expired: bake another'],
      [narrowed('ipaddr 10.0.0.1'), 'a condition in the macaroon is not met'],
      [served.lookAlike.bake(['peers:read']), 'does not allow this'],
    ] as const) {
      const lnd = createLnd({ url: served.lookAlike.url, macaroon: given, network: 'regtest' })
      closeAfterTest({ close: async () => lnd.close() })
      const error: unknown = await lnd.examine().catch((caught: unknown) => caught)
      expect(isL402Error(error, 'NODE_UNAVAILABLE') && error.details['refused']).toBe(true)
      expect(await reasonOf(lnd.examine())).toContain(says)
    }
    const good = createLnd({
      url: served.lookAlike.url,
      macaroon: narrowed(`time-before ${future}`),
      network: 'regtest',
    })
    closeAfterTest({ close: async () => good.close() })
    expect((await good.examine()).powers.receive).toBe(true)
  })

  test('says where it is not lnd that answers, or not there', async () => {
    for (const answer of [
      { status: 200, body: '<html></html>' },
      { status: 200, body: '{}' },
      { status: 400, body: 'Client sent an HTTP request to an HTTPS server.' },
      { status: 302, headers: { location: '/login' }, body: '' },
    ]) {
      const { lnd } = await scripted({ '/v1/state': answer })
      expect(await reasonOf(lnd.examine())).toContain('name the address of its REST interface')
    }
    const { lnd, lookAlike } = await payerWorld()
    await lookAlike.setReachable(false)
    expect(await reasonOf(lnd.examine())).toBe('lnd: nothing listens there')
    expect(await reasonOf(lnd.examine(AbortSignal.abort()))).toBe('lnd: aborted')
  })

  test('R-LND-19 works with an lnd that knows no states', async () => {
    const { lnd } = await scripted({
      '/v1/state': notFound,
      '/v1/invoice/': unary(404, 5, 'unable to locate invoice'),
    })
    expect((await lnd.examine()).notReady).toBeUndefined()
  })
})

describe('R-LND-21 nothing secret is shown', () => {
  test('by errors, inspection and JSON, whatever lnd answers', async () => {
    const marks = [
      '77'.repeat(32),
      encodeBase64(secret),
      gatewayMacaroon,
      gatewayMacaroon.slice(-64),
    ]
    const leaking: readonly WireAnswer[] = [
      unary(500, 2, `macaroon ${gatewayMacaroon} ${marks[0]} ${marks[1]}`),
      stream(500, 2, `${marks[0]} ${marks[1]} ${gatewayMacaroon}`),
      { status: 200, body: JSON.stringify(told({ state: marks[0] })) },
      { status: 200, body: `${gatewayMacaroon} ${marks[1]}` },
      line({ ...payment(), payment_preimage: `${marks[0]}${marks[1]}` }),
    ]
    const invoice = await invoiceFor()
    for (const answer of leaking) {
      const paths = ['/v1/state', '/v1/invoice/', '/v1/invoices', '/v2/router/']
      const { lnd } = await scripted(Object.fromEntries(paths.map((path) => [path, answer])))
      const request = { amountMsat: msat(1n), description: '', expirySeconds: 60 }
      const stop = new AbortController()
      const said = await Promise.allSettled([
        lnd.examine(),
        lnd.payee.createInvoice(request),
        lnd.payee.lookupInvoice(hash),
        lnd.payee.settlements(stop.signal)[Symbol.asyncIterator]().next(),
        lnd.payer.lookupPayment(hash),
        lnd.payer.pay(invoice, limits),
      ])
      const shown: readonly unknown[] = [lnd, lnd.payee, lnd.payer, ...said]
      stop.abort()
      for (const one of shown) {
        const texts = [
          inspect(one, { depth: 10, showHidden: true }),
          String(one),
          JSON.stringify(one) ?? '',
        ]
        for (const mark of marks) expect(texts.join(' ')).not.toContain(mark)
      }
    }
  })
})

describe('R-LND-12 an error that no call of lnd ends with', () => {
  for (const [what, answer] of [
    ['504 of a proxy that still holds the order', stream(504, 504, 'upstream request timeout')],
    ['502 of a proxy', stream(502, 502, 'bad gateway')],
    ['lnd goes away', stream(503, 14, 'transport is closing')],
    ['cancelled on the way', stream(408, 1, 'context canceled')],
    ['too late on the way', stream(504, 4, 'context deadline exceeded')],
    ['too much on the way', stream(429, 8, 'received message larger than max')],
  ] as const) {
    test(`is no end, also where lnd has not begun to pay yet: ${what}`, async () => {
      const { lnd } = await scripted({
        '/v2/router/send': answer,
        '/v2/router/track': notInitiated,
      })
      expect(await lnd.payer.pay(await invoiceFor(), limits)).toEqual({ status: 'unknown' })
      expect(await lnd.payer.lookupPayment(hash)).toEqual({ status: 'unknown' })
    })
  }
})
