import { execFile } from 'node:child_process'
import { inspect, promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import type { Invoice, Network } from '../../library/src/invoice/index.ts'
import {
  decodeInvoice,
  encodeInvoice,
  hashPreimage,
  paymentHash,
  preimage,
} from '../../library/src/invoice/index.ts'
import { createCln } from '../../library/src/lightning/cln/index.ts'
import { JsonObjects } from '../../library/src/lightning/cln/json-objects.ts'
import { writeMsat } from '../../library/src/lightning/cln/rpc.ts'
import type { Payee, Settlement } from '../../library/src/lightning/index.ts'
import type { ConformanceRig, LookAlike, WireFault } from '../../library/src/testing/index.ts'
import {
  invoiceFaultCases,
  orderFaultCases,
  payeeConformance,
  payerConformance,
} from '../../library/src/testing/index.ts'
import { createRuneMaster } from '../../library/src/testing/look-alike/cln-rune.ts'
import type { Transport } from './cln-rig.ts'
import { createNodes, openCln, payeeRig, payerRig } from './cln-rig.ts'

const transports = ['clnrest', 'socket'] as const

/** An invoice whose proof the tests know. */
const secret = preimage(new Uint8Array(32).fill(0xab))
const knownInvoice: Invoice = decodeInvoice(
  encodeInvoice(
    {
      network: 'regtest',
      amountMsat: msat(21_000n),
      timestampSeconds: Math.floor(Date.now() / 1000),
      paymentHash: hashPreimage(secret),
      paymentSecret: new Uint8Array(32).fill(8),
      description: 'tea',
    },
    new Uint8Array(32).fill(1),
  ),
)

/** The payee says no, and not why: it does not tell strangers what was paid. */
const saysInstead = { 'already-paid': 'rejected' } as const

for (const transport of transports) {
  describe(`R-CLN-1 Core Lightning over ${transport} conforms as a payer`, () => {
    const rig = (): Promise<ConformanceRig> => payerRig(transport)
    for (const { name, run } of payerConformance(rig, { saysInstead })) {
      test(name, async () => expect(await run()).toBeUndefined())
    }
  })

  describe(`R-CLN-1 Core Lightning over ${transport} conforms as a payee`, () => {
    for (const { name, run } of payeeConformance(() => payeeRig(transport))) {
      test(name, async () => expect(await run()).toBeUndefined())
    }
  })

  describe(`R-CLN-1 whatever goes wrong with an order over ${transport}`, () => {
    const cases = orderFaultCases(async () => {
      const { a, c } = createNodes()
      const cln = { orderTimeoutMs: 400, timeoutMs: 300 }
      const { wallet, lookAlike, close } = await openCln(a, { transport, cln })
      return { payer: wallet.payer, node: a, payee: c, lookAlike, close }
    })
    test.concurrent.each(cases)('$name', async ({ run }) => {
      expect(await run()).toBeUndefined()
    })
  })

  describe(`R-CLN-1 whatever goes wrong with an invoice over ${transport}`, () => {
    const cases = invoiceFaultCases(async () => {
      const { c } = createNodes()
      const { wallet, lookAlike, close } = await openCln(c, { transport, cln: { timeoutMs: 400 } })
      return { payee: wallet.payee, lookAlike, close }
    })
    test.concurrent.each(cases)('$name', async ({ run }) => {
      expect(await run()).toBeUndefined()
    })
  })
}

/** Everything that a failed call could show of itself. */
function shown(error: unknown): string {
  return `${inspect(error, { depth: 10 })} ${String(error)} ${JSON.stringify(error)}`
}

async function reasonOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (!isL402Error(error, 'NODE_UNAVAILABLE')) throw new Error(`no NODE_UNAVAILABLE: ${error}`)
  return String(error.details['reason'])
}

async function freshInvoice(payee: Payee): Promise<Invoice> {
  const request = { amountMsat: msat(21_000n), description: 'tea', expirySeconds: 600 }
  return decodeInvoice((await payee.createInvoice(request)).invoice)
}

const limits = { maxFeeMsat: msat(100_000n) } as const

/** What a node says instead of doing what it was asked. */
function says(transport: Transport, answer: object, executed = false): WireFault {
  const body =
    transport === 'clnrest' ? answer : { jsonrpc: '2.0', id: 'satway', ...wrapped(answer) }
  const status = 'code' in answer ? 500 : 201
  return { executed, how: { kind: 'answer', status, body: JSON.stringify(body) } }
}

function wrapped(answer: object): object {
  return 'code' in answer ? { error: answer } : { result: answer }
}

/** Nothing is listed: what the adapter asks before its first order of a hash. */
const nothing = { pays: [] }

describe.each(transports)('over %s', (transport) => {
  const open = async (options: Partial<Parameters<typeof openCln>[1]> = {}) => {
    const nodes = createNodes(options.clock)
    const rig = await openCln(nodes.a, { transport, ...options })
    onTestFinished(rig.close)
    return { ...nodes, ...rig, invoice: await freshInvoice(nodes.c) }
  }

  describe('R-CLN-5 a payment has failed when the command is over and no part is on its way', () => {
    test.each([
      [-32602, 'rejected'],
      [203, 'rejected'],
      [205, 'no-route'],
      [206, 'fee-limit'],
      [207, 'expired'],
      [209, 'no-route'],
      [210, 'no-route'],
      [213, 'rejected'],
      [215, 'insufficient-balance'],
      [220, 'no-route'],
    ] as const)('%i is %s', async (code, reason) => {
      const { wallet, lookAlike, invoice } = await open()
      lookAlike.inject('order', says(transport, { code, message: 'no' }))
      const failed = { status: 'failed', reason }
      expect(await wallet.payer.pay(invoice, limits)).toEqual(failed)
      expect(await wallet.payer.lookupPayment(invoice.paymentHash)).toEqual(failed)
      expect((await wallet.payer.pay(invoice, limits)).status).toBe('settled')
    })

    test('while a part is on its way it is unknown, whatever the code', async () => {
      const { wallet, lookAlike, invoice } = await open()
      const pending = {
        payment_hash: encodeHex(invoice.paymentHash),
        status: 'pending',
        created_at: 1,
        amount_sent_msat: 21_000,
      }
      lookAlike.inject('order', says(transport, { code: 203, message: 'no' }))
      lookAlike.inject('look-up', says(transport, nothing))
      // The adapter itself, and whoever asks because it is unknown.
      lookAlike.inject('look-up', says(transport, { pays: [pending] }))
      lookAlike.inject('look-up', says(transport, { pays: [pending] }))
      expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    })

    test('a part that arrived all the same has paid', async () => {
      const { wallet, lookAlike, invoice } = await open()
      lookAlike.inject('order', says(transport, { code: 209, message: 'timed out' }, true))
      expect((await wallet.payer.pay(invoice, limits)).status).toBe('settled')
    })
  })

  describe('R-CLN-6 what a command says otherwise is no end', () => {
    test.each([-1, -3, -4, -5, 200, 201, 202, 204, 218, 219, 9999])('%i', async (code) => {
      const { wallet, lookAlike, invoice } = await open()
      lookAlike.inject('order', says(transport, { code, message: 'no' }))
      expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
      const orders = lookAlike.seen.filter(({ role }) => role === 'order').length
      expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
      expect(lookAlike.seen.filter(({ role }) => role === 'order').length).toBe(orders)
    })

    test.each([200, 218, 219])('%i of a payment that was made settles', async (code) => {
      const { wallet, lookAlike, invoice } = await open()
      lookAlike.inject('order', says(transport, { code, message: 'already' }, true))
      expect((await wallet.payer.pay(invoice, limits)).status).toBe('settled')
    })
  })

  describe('R-CLN-3 an order', () => {
    test('is xpay with a ceiling, and pay where there is no xpay', async () => {
      const { wallet, lookAlike, invoice, c } = await open({ look: { lacks: ['xpay'] } })
      expect((await wallet.payer.pay(invoice, limits)).status).toBe('settled')
      expect((await wallet.payer.pay(await freshInvoice(c), limits)).status).toBe('settled')
      const orders = lookAlike.seen.filter(({ role }) => role === 'order')
      const names = orders.map(({ path }) => path.replace('/v1/', ''))
      expect(names).toEqual(['xpay', 'pay', 'pay'])
    })

    test('goes out once, and with neither command is not given', async () => {
      const { wallet, invoice } = await open({ look: { lacks: ['xpay', 'pay'] } })
      expect(await reasonOf(wallet.payer.pay(invoice, limits))).toBe(
        'cln: it has no command xpay: it is too old, or the plugin of that command does not run',
      )
    })

    test('tells a node amounts that JSON cannot hold as text', async () => {
      expect(writeMsat(msat(2n ** 53n - 1n))).toBe(9_007_199_254_740_991)
      expect(writeMsat(msat(2n ** 53n))).toBe('9007199254740992msat')
      const { wallet, invoice } = await open()
      const maxFeeMsat = msat(2n ** 53n + 1n)
      expect((await wallet.payer.pay(invoice, { maxFeeMsat })).status).toBe('settled')
    })
  })

  describe('R-CLN-4 amount and fee', () => {
    test('are exact, as numbers and as text', async () => {
      for (const writesMsatAsText of [true, false]) {
        const { wallet, invoice, a } = await open({ look: { writesMsatAsText } })
        const before = a.balanceMsat()
        const outcome = await wallet.payer.pay(invoice, limits)
        const told = { amountMsat: 21_000n, feeMsat: before - a.balanceMsat() - 21_000n }
        expect(outcome).toMatchObject({ status: 'settled', ...told })
        const found = await wallet.payer.lookupPayment(invoice.paymentHash)
        expect(found).toEqual(outcome)
      }
    })

    test.each([
      ['no fee is told', { amount_sent_msat: undefined }, 100_000n],
      ['the fee is no number', { amount_sent_msat: 'many' }, 100_000n],
      ['the fee is beyond what JSON holds', { amount_sent_msat: 2 ** 53 }, 100_000n],
      ['less was sent than arrived', { amount_sent_msat: 20_999 }, 100_000n],
      ['text is without its unit', { amount_sent_msat: '21007' }, 7n],
    ])('where %s', async (_, change, feeMsat) => {
      const { wallet, lookAlike } = await open()
      const result = {
        payment_preimage: encodeHex(secret),
        amount_msat: 21_000,
        ...change,
      }
      lookAlike.inject('order', says(transport, result))
      const outcome = await wallet.payer.pay(knownInvoice, limits)
      expect(outcome).toMatchObject({ status: 'settled', amountMsat: 21_000n, feeMsat })
    })
  })

  describe('R-CLN-7 a list of payments', () => {
    const hashed = (invoice: Invoice, entries: readonly object[]): object => ({
      pays: entries.map((entry) => ({
        payment_hash: encodeHex(invoice.paymentHash),
        created_at: 1,
        ...entry,
      })),
    })
    const complete = {
      status: 'complete',
      preimage: encodeHex(secret),
      amount_msat: 21_000,
      amount_sent_msat: 21_001,
    }
    const [pending, failed] = [{ status: 'pending' }, { status: 'failed' }]

    test.each([
      ['complete beats all', [failed, complete, pending], 'settled'],
      ['pending beats failed', [failed, pending, failed], 'unknown'],
      ['failed, long ago', [failed, failed], 'failed'],
      ['nothing', [], undefined],
    ])('%s', async (_, entries, status) => {
      const { wallet, lookAlike } = await open()
      lookAlike.inject('look-up', says(transport, hashed(knownInvoice, entries)))
      const found = await wallet.payer.lookupPayment(knownInvoice.paymentHash)
      expect(found?.status).toBe(status)
    })

    test.each([
      ['no list', { pays: {} }],
      ['without a list', {}],
      ['an entry that is none', { pays: [null] }],
      ['another payment', { pays: [{ ...failed, payment_hash: '00'.repeat(32), created_at: 1 }] }],
      ['an unheard-of state', [{ status: 'resting' }]],
      ['no time', [{ status: 'failed', created_at: null }]],
      ['complete without a preimage', [{ status: 'complete' }]],
      ['complete with half of one', [{ status: 'complete', preimage: 'cd'.repeat(16) }]],
    ])('%s is no answer', async (_, answer) => {
      const { wallet, lookAlike, invoice } = await open()
      const body = Array.isArray(answer) ? hashed(invoice, answer) : answer
      lookAlike.inject('look-up', says(transport, body))
      const reason = await reasonOf(wallet.payer.lookupPayment(invoice.paymentHash))
      expect(reason).toBe('cln: it answered listpays with what is no answer to it')
    })
  })

  describe('R-CLN-8 failed in the list is not the end while another attempt may follow', () => {
    const failedAt = (invoice: Invoice, createdAt: number): object => ({
      pays: [
        {
          payment_hash: encodeHex(invoice.paymentHash),
          status: 'failed',
          created_at: createdAt,
          amount_sent_msat: 0,
        },
      ],
    })

    test('of an order that has not ended', async () => {
      const { wallet, lookAlike, invoice, a } = await open({ cln: { timeoutMs: 400 } })
      a.injectFault({ kind: 'in-flight' })
      const paying = wallet.payer.pay(invoice, limits)
      await expect.poll(() => lookAlike.seen.some(({ role }) => role === 'order')).toBe(true)
      lookAlike.inject('look-up', says(transport, failedAt(invoice, 1)))
      const found = await wallet.payer.lookupPayment(invoice.paymentHash)
      expect(found).toEqual({ status: 'unknown' })
      a.resolvePayment(invoice.paymentHash, 'settle')
      expect((await paying).status).toBe('settled')
    })

    test('of an order whose answer was lost', async () => {
      const { wallet, lookAlike, invoice } = await open()
      lookAlike.inject('order', { executed: false, how: { kind: 'reset' } })
      expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
      lookAlike.inject('look-up', says(transport, failedAt(invoice, 1)))
      const found = await wallet.payer.lookupPayment(invoice.paymentHash)
      expect(found).toEqual({ status: 'unknown' })
    })

    test('of an order that was answered without a preimage', async () => {
      const { wallet, lookAlike, invoice } = await open()
      lookAlike.inject('order', says(transport, {}))
      expect(await wallet.payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
      lookAlike.inject('look-up', says(transport, failedAt(invoice, 1)))
      const found = await wallet.payer.lookupPayment(invoice.paymentHash)
      expect(found).toEqual({ status: 'unknown' })
    })

    test('of an order that ends with money while it is looked up', async () => {
      const { wallet, lookAlike, invoice, a } = await open()
      a.injectFault({ kind: 'in-flight' })
      const paying = wallet.payer.pay(invoice, limits)
      await expect.poll(() => lookAlike.seen.some(({ role }) => role === 'order')).toBe(true)
      lookAlike.inject('look-up', says(transport, failedAt(invoice, 1)))
      const looking = wallet.payer.lookupPayment(invoice.paymentHash)
      const lookUps = (): number => lookAlike.seen.filter(({ role }) => role === 'look-up').length
      // What is asked before the order, and this.
      await expect.poll(lookUps).toBe(2)
      a.resolvePayment(invoice.paymentHash, 'settle')
      expect((await looking)?.status).toBe('settled')
      expect((await paying).status).toBe('settled')
    })

    test.each([
      [60, { status: 'unknown' }],
      [90, { status: 'failed', reason: 'no-route' }],
    ])('of another process, %i s after it began', async (ageSeconds, expected) => {
      // Over clnrest the clock of the node counts, over the socket it is the same machine.
      const cln = transport === 'clnrest' ? { now: () => 9_000_000_000 } : {}
      const { wallet, lookAlike, invoice } = await open({ cln })
      expect(wallet.payer.orderLagSeconds).toBe(74)
      const createdAt = Math.floor(Date.now() / 1000) - ageSeconds
      lookAlike.inject('look-up', says(transport, failedAt(invoice, createdAt)))
      expect(await wallet.payer.lookupPayment(invoice.paymentHash)).toEqual(expected)
    })
  })

  describe('R-CLN-11 what is not in the form of a node proves nothing', () => {
    test.each([
      [404, '{"code":-32601}'],
      [404, '<html>not found</html>'],
      [403, '{"detail":"forbidden"}'],
      [401, '{"code":"1501","message":"no"}'],
      [500, '{"code":205.5,"message":"no"}'],
      [201, '[]'],
      [302, '{"pays":[]}'],
    ])('%i %s', async (status, body) => {
      const { wallet, lookAlike, invoice } = await open()
      const how = { kind: 'answer', status, body } as const
      lookAlike.inject('look-up', { executed: false, how })
      expect(await reasonOf(wallet.payer.lookupPayment(invoice.paymentHash))).toMatch(/^cln: /)
      lookAlike.inject('order', { executed: true, how })
      expect((await wallet.payer.pay(invoice, limits)).status).toBe('settled')
    })
  })

  describe('R-CLN-12 an invoice', () => {
    test.each(['a\u0000b', 'bell \u0007', 'half \ud83c', 'escape \u001b[31m'])(
      'with %j is refused: its JSON cannot say it',
      async (description) => {
        const { wallet, lookAlike } = await open()
        const request = { amountMsat: msat(1n), description, expirySeconds: 60 }
        await expect(wallet.payee.createInvoice(request)).rejects.toThrow(RangeError)
        expect(lookAlike.seen).toEqual([])
      },
    )

    test('says all that can be said, to the letter', async () => {
      const { wallet } = await open()
      const description = 'tab\t line\n "quotes" \\ back / \u007f \u2028 ☕ 🍵'
      const request = { amountMsat: msat(1n), description, expirySeconds: 31_536_000 }
      const invoice = decodeInvoice((await wallet.payee.createInvoice(request)).invoice)
      expect(invoice.description).toBe(description)
    })

    test.each([900, -1, -32602])('that is refused with %i is not made', async (code) => {
      const { wallet, lookAlike } = await open()
      lookAlike.inject('invoice', says(transport, { code, message: 'no' }))
      const reason = await reasonOf(freshInvoice(wallet.payee))
      expect(reason).toBe(`cln: it refused invoice with code ${code}`)
    })
  })

  describe('R-CLN-13 an invoice that is looked up', () => {
    const hash = paymentHash(new Uint8Array(32).fill(9))
    const entry = { payment_hash: encodeHex(hash), label: 'x', expires_at: 1 }
    const paid = { ...entry, status: 'paid', pay_index: 1, paid_at: 5, amount_received_msat: 7 }

    test.each([
      ['unpaid', [{ ...entry, status: 'unpaid' }], { status: 'open' }],
      ['expired', [{ ...entry, status: 'expired' }], { status: 'closed' }],
      ['paid', [paid], { status: 'settled', amountMsat: 7n, settledAtSeconds: 5 }],
      [
        'paid, as text',
        [{ ...paid, amount_received_msat: '9007199254740993msat' }],
        { status: 'settled', amountMsat: 9_007_199_254_740_993n, settledAtSeconds: 5 },
      ],
      ['not there', [], { status: 'not-found' }],
    ])('%s', async (_, invoices, expected) => {
      const { wallet, lookAlike } = await open()
      lookAlike.inject('invoice-look-up', says(transport, { invoices }))
      expect(await wallet.payee.lookupInvoice(hash)).toEqual(expected)
    })

    test.each([
      ['no list', {}],
      ['two of one hash', { invoices: [paid, paid] }],
      ['of another hash', { invoices: [{ ...paid, payment_hash: '00'.repeat(32) }] }],
      ['without an amount', { invoices: [{ ...paid, amount_received_msat: undefined }] }],
      [
        'of an amount that is not exact',
        { invoices: [{ ...paid, amount_received_msat: 2 ** 53 }] },
      ],
      ['without a time', { invoices: [{ ...paid, paid_at: undefined }] }],
      ['of an unheard-of state', { invoices: [{ ...paid, status: 'held' }] }],
    ])('%s is no answer', async (_, answer) => {
      const { wallet, lookAlike } = await open()
      lookAlike.inject('invoice-look-up', says(transport, answer))
      const reason = await reasonOf(wallet.payee.lookupInvoice(hash))
      expect(reason).toBe('cln: it answered listinvoices with what is no answer to it')
    })
  })

  describe('R-CLN-14 settlements', () => {
    const openPayee = async () => {
      const { a, c } = createNodes()
      const rig = await openCln(c, { transport })
      onTestFinished(rig.close)
      const stop = new AbortController()
      onTestFinished(() => stop.abort())
      const pay = async (): Promise<string> => {
        const invoice = await freshInvoice(rig.wallet.payee)
        expect((await a.pay(invoice, limits)).status).toBe('settled')
        return encodeHex(invoice.paymentHash)
      }
      const read = () => rig.wallet.payee.settlements(stop.signal)[Symbol.asyncIterator]()
      return { ...rig, a, c, pay, read }
    }
    const next = async (stream: AsyncIterator<Settlement>): Promise<string> => {
      const { value } = await stream.next()
      return encodeHex((value as Settlement).paymentHash)
    }
    /** Until it waits for what comes. */
    const stands = async (seen: LookAlike['seen'], calls: number): Promise<void> => {
      await expect
        .poll(() => seen.filter(({ role }) => role === 'settlements').length)
        .toBeGreaterThanOrEqual(calls)
    }

    test('begin after the newest, which is found in few calls', async () => {
      const { pay, read, lookAlike } = await openPayee()
      for (let i = 0; i < 200; i++) await pay()
      const stream = read()
      const waiting = next(stream)
      await stands(lookAlike.seen, 10)
      await new Promise((resolve) => setTimeout(resolve, 200))
      const calls = lookAlike.seen.filter(({ role }) => role === 'settlements').length
      expect(calls).toBeLessThan(25)
      const paid = await pay()
      expect(await waiting).toBe(paid)
    })

    test('are told once over a break, and none is lost', async () => {
      const { pay, read, lookAlike, wallet, a } = await openPayee()
      const stream = read()
      const first = next(stream)
      const told = [await pay()]
      expect(await first).toBe(told[0])
      const meanwhile = await freshInvoice(wallet.payee)
      await lookAlike.setReachable(false)
      expect(await reasonOf(stream.next())).toMatch(/^cln: waitanyinvoice: /)
      await a.pay(meanwhile, limits)
      await lookAlike.setReachable(true)
      const again = read()
      expect(await next(again)).toBe(encodeHex(meanwhile.paymentHash))
      const later = next(again)
      const last = await pay()
      expect(await later).toBe(last)
    })

    test.each([
      ['of an index that was told before', { pay_index: 0 }],
      ['of no index', { pay_index: 'one' }],
      ['that is not paid', { status: 'unpaid' }],
      ['of no hash', { payment_hash: 'ff' }],
    ])('%s break the stream', async (_, change) => {
      const { read, lookAlike } = await openPayee()
      const paid = {
        payment_hash: '11'.repeat(32),
        status: 'paid',
        pay_index: 1,
        paid_at: 5,
        amount_received_msat: 7,
      }
      const none = says(transport, { code: 904, message: 'Timed out' })
      for (const fault of [none, none, says(transport, { ...paid, ...change })]) {
        lookAlike.inject('settlements', fault)
      }
      const error = await read()
        .next()
        .catch((caught: unknown) => caught)
      expect(shown(error)).toContain('it answered waitanyinvoice with what is no answer to it')
    })

    test('go on when a wait is over without any', async () => {
      const { pay, read, lookAlike } = await openPayee()
      const none = says(transport, { code: 904, message: 'Timed out' })
      for (let i = 0; i < 5; i++) lookAlike.inject('settlements', none)
      const waiting = next(read())
      await stands(lookAlike.seen, 6)
      const paid = await pay()
      expect(await waiting).toBe(paid)
    })

    test('are searched anew when the node was put back from a copy', async () => {
      const { pay, read, lookAlike } = await openPayee()
      const paid = {
        payment_hash: '11'.repeat(32),
        status: 'paid',
        pay_index: 5000,
        paid_at: 5,
        amount_received_msat: 7,
      }
      const none = says(transport, { code: 904, message: 'Timed out' })
      for (const fault of [none, none, says(transport, paid)]) {
        lookAlike.inject('settlements', fault)
      }
      const stream = read()
      expect(await next(stream)).toBe('11'.repeat(32))
      await lookAlike.setReachable(false)
      expect(await reasonOf(stream.next())).toMatch(/^cln: waitanyinvoice: /)
      await lookAlike.setReachable(true)
      const waiting = next(read())
      await stands(lookAlike.seen, 6)
      const really = await pay()
      expect(await waiting).toBe(really)
    })

    test('are looked up where the node does not tell them', async () => {
      const { a, c } = createNodes()
      const rig = await openCln(c, { transport, look: { lacks: ['waitanyinvoice'] } })
      onTestFinished(rig.close)
      const stop = new AbortController()
      const waiting = next(rig.wallet.payee.settlements(stop.signal)[Symbol.asyncIterator]())
      const invoice = await freshInvoice(rig.wallet.payee)
      await a.pay(invoice, limits)
      expect(await waiting).toBe(encodeHex(invoice.paymentHash))
      stop.abort()
    })
  })

  describe('R-CLN-18 a node that is examined', () => {
    test('tells its network and that it is ready', async () => {
      const { wallet } = await open()
      const { network, notReady, powers } = await wallet.examine()
      expect({ network, notReady }).toEqual({ network: 'regtest', notReady: undefined })
      expect(powers).toEqual({ receive: true, spend: true, beyond: ['everything'] })
    })

    test('tells that it is catching up', async () => {
      const { wallet } = await open({ look: { isSyncing: true } })
      expect((await wallet.examine()).notReady).toBe('it is still catching up with the chain')
    })

    test('tells another network, and one that is not known here', async () => {
      const signet = await open({ look: { network: 'signet' } })
      expect((await signet.wallet.examine()).network).toBe('signet')
      const liquid = await open({ look: { network: 'liquid' } })
      expect(await liquid.wallet.examine()).toMatchObject({
        network: undefined,
        notReady: 'it is on a network that is not known here',
      })
    })

    test('moves no money and makes no invoice', async () => {
      const { wallet, lookAlike } = await open()
      await wallet.examine()
      const asked = new Set(lookAlike.seen.map(({ role }) => role))
      expect(asked.has('order') || asked.has('invoice')).toBe(false)
    })

    test('says when it cannot be reached, or the caller has left', async () => {
      const { wallet, lookAlike } = await open()
      expect(await reasonOf(wallet.examine(AbortSignal.abort()))).toBe('cln: aborted')
      await lookAlike.setReachable(false)
      const reason = await reasonOf(wallet.examine())
      const why = transport === 'clnrest' ? 'nothing listens there' : 'there is no such socket'
      expect(reason).toBe(`cln: getinfo: ${why}`)
    })
  })

  test('R-CLN-21 a wallet that is closed ends what is under way, and answers as one that is lost', async () => {
    const { wallet, invoice, a } = await open()
    a.injectFault({ kind: 'hang' })
    const paying = wallet.payer.pay(invoice, limits)
    const stream = wallet.payee.settlements(new AbortController().signal)[Symbol.asyncIterator]()
    const waiting = stream.next().catch((error: unknown) => error)
    await new Promise((resolve) => setTimeout(resolve, 100))
    wallet.close()
    expect(['unknown', 'settled']).toContain((await paying).status)
    expect(isL402Error(await waiting, 'NODE_UNAVAILABLE')).toBe(true)
  })

  test('R-CLN-21 a process that only listens, or is done, ends', async () => {
    const { options } = await open()
    const adapter = new URL('../../library/src/lightning/cln/index.ts', import.meta.url)
    const program = `
      import { createCln } from ${JSON.stringify(adapter.href)}
      const wallet = createCln(JSON.parse(process.argv[1]))
      wallet.payee.settlements(new AbortController().signal).next()
      await wallet.examine()
      console.log('done')`
    const args = ['--input-type=module', '-e', program, JSON.stringify(options)]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 })
    expect(stdout).toBe('done\n')
  })

  test('R-CLN-20 no answer, and no secret, is shown by an error', async () => {
    const { wallet, lookAlike, invoice, options } = await open({ cln: { timeoutMs: 500 } })
    const marked = 'hunter2'.repeat(4)
    const bodies = [
      JSON.stringify({ code: 9999, message: marked }),
      JSON.stringify({ jsonrpc: '2.0', id: 'satway', error: { code: 9999, message: marked } }),
      JSON.stringify({ pays: [{ preimage: marked }], invoices: [marked], bolt11: marked }),
      `<html>${marked}</html>`,
    ]
    const errors: unknown[] = [wallet]
    for (const body of bodies) {
      const fault = { executed: false, how: { kind: 'answer', status: 500, body } } as const
      for (const role of ['look-up', 'invoice', 'invoice-look-up', 'other'] as const) {
        lookAlike.inject(role, fault)
      }
      const calls = [
        wallet.payer.lookupPayment(invoice.paymentHash),
        freshInvoice(wallet.payee),
        wallet.payee.lookupInvoice(invoice.paymentHash),
        wallet.examine(),
      ]
      for (const call of calls) errors.push(await call.catch((error: unknown) => error))
    }
    expect(errors.length).toBe(17)
    for (const error of errors) {
      expect(shown(error)).not.toContain('hunter2')
      if (options.rune !== undefined) expect(shown(error)).not.toContain(options.rune)
    }
  })
})

describe('R-CLN-10 a rune that is refused', () => {
  const open = async (restrictions?: readonly (readonly string[])[]) => {
    const { a, c } = createNodes()
    const rig = await openCln(a, {
      transport: 'clnrest',
      ...(restrictions !== undefined && { restrictions }),
    })
    onTestFinished(rig.close)
    return { ...rig, invoice: await freshInvoice(c) }
  }

  test('pays by pay where it does not allow xpay', async () => {
    const { wallet, invoice } = await open([['method=pay', 'method=listpays']])
    expect((await wallet.payer.pay(invoice, limits)).status).toBe('settled')
  })

  test('is no payment where it allows neither', async () => {
    const { wallet, invoice } = await open([['method=listpays']])
    expect(await reasonOf(wallet.payer.pay(invoice, limits))).toBe(
      'cln: the rune does not allow xpay, or not any more, or not that often: make one that does',
    )
  })

  test('is no payment where it does not allow to ask about one', async () => {
    const { wallet, invoice, lookAlike } = await open([['method=xpay']])
    expect(await reasonOf(wallet.payer.pay(invoice, limits))).toContain('does not allow listpays')
    expect(lookAlike.seen.some(({ role }) => role === 'order')).toBe(false)
    expect(await reasonOf(wallet.examine())).toContain('make another')
  })

  test.each([
    ['it was revoked', 'the rune was revoked: make another, with lightning-cli createrune'],
    [
      'it is of another node',
      'the rune is not one of this node: make one there, with lightning-cli createrune',
    ],
  ])('because %s says what to mend', async (why, reason) => {
    const { wallet: _, runes, options, invoice } = await open()
    if (why === 'it was revoked') runes!.revoke('1')
    const foreign = createRuneMaster(new Uint8Array(32)).mint()
    const wallet = createCln(why === 'it was revoked' ? options : { ...options, rune: foreign })
    const calls = [
      wallet.payer.pay(invoice, limits),
      wallet.payer.lookupPayment(invoice.paymentHash),
      wallet.payee.lookupInvoice(invoice.paymentHash),
      freshInvoice(wallet.payee),
      wallet.examine(),
    ]
    for (const call of calls) {
      const error = await call.catch((caught: unknown) => caught)
      expect(isL402Error(error, 'NODE_UNAVAILABLE') && error.details).toEqual({
        reason: `cln: ${reason}`,
        refused: true,
      })
    }
    wallet.close()
  })

  test('has expired by the clock of the node', async () => {
    const { wallet } = await open([['time<1000']])
    expect(await reasonOf(wallet.examine())).toContain('or has expired: make another')
  })
})

describe('R-CLN-18 a rune that is examined', () => {
  const examine = async (...restrictions: (readonly string[])[]) => {
    const { a } = createNodes()
    const rig = await openCln(a, { transport: 'clnrest', restrictions })
    onTestFinished(rig.close)
    return { facts: await rig.wallet.examine(), seen: rig.lookAlike.seen }
  }

  test('of a gateway is only paid', async () => {
    const gateway = ['method=invoice', 'method=listinvoices', 'method=waitanyinvoice']
    const { facts, seen } = await examine(gateway)
    expect(facts.powers).toEqual({ receive: true, spend: false, beyond: [] })
    expect({ ...facts, powers: 0 }).toMatchObject({ network: undefined, notReady: undefined })
    expect(Math.abs((facts.nowSeconds ?? 0) - Date.now() / 1000)).toBeLessThan(60)
    expect(seen.map(({ path }) => path)).toEqual(['/v1/getinfo', '/v1/listinvoices'])
  })

  test('of an agent only pays', async () => {
    const { facts } = await examine(['method=xpay', 'method=listpays'], ['rate=60'])
    expect(facts.powers).toEqual({ receive: false, spend: true, beyond: [] })
    expect(facts.notReady).toBeUndefined()
  })

  test('tells what it lacks to be of use', async () => {
    const paying = await examine(['method=xpay', 'method=getinfo'])
    expect(paying.facts.notReady).toContain('allow listpays, too')
    const receiving = await examine(['method=invoice', 'method=getinfo'])
    expect(receiving.facts.notReady).toContain('allow listinvoices, too')
  })
})

describe('R-CLN-2 options', () => {
  const rune = createRuneMaster(new Uint8Array(32)).mint()
  const url = 'https://127.0.0.1:3010'

  test.each([
    ['neither url nor socket', {}, 'url, socketPath'],
    ['both', { url, rune, socketPath: '/run/lightning-rpc' }, 'url, socketPath'],
    ['http to another machine', { url: 'http://example.org:3010', rune }, 'url'],
    ['no URL', { url: 'hunter2', rune }, 'url'],
    ['a password in the URL', { url: 'https://a:hunter2@127.0.0.1', rune }, 'url'],
    ['no rune', { url }, 'rune'],
    ['a rune that is none', { url, rune: 'hunter2' }, 'rune'],
    ['a rune with a line feed in it', { url, rune: `${rune.slice(0, 9)}\nhunter2` }, 'rune'],
    ['a rune for a socket', { socketPath: '/run/lightning-rpc', rune }, 'rune'],
    ['an empty path', { socketPath: '' }, 'socketPath'],
    ['a path that no socket has', { socketPath: `/${'hunter2'.repeat(20)}` }, 'socketPath'],
    ['a certificate that is none', { url, rune, certificate: 'hunter2' }, 'certificate'],
    ['no network', { url, rune, network: 'hunter2' as Network }, 'network'],
    ['no time', { url, rune, timeoutMs: 0 }, 'timeoutMs'],
    ['no time for an order', { url, rune, orderTimeoutMs: Number.NaN }, 'orderTimeoutMs'],
  ])('%s is a RangeError that does not repeat it', (_, options, name) => {
    let error: unknown
    try {
      createCln(options)
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(RangeError)
    expect((error as Error).message.startsWith(name)).toBe(true)
    expect(shown(error)).not.toContain('hunter2')
    expect(shown(error)).not.toContain(rune)
  })

  test('are enough: nothing is connected before the first call', () => {
    const wallet = createCln({ url: 'http://127.0.0.1:9', rune: `${rune}\n` })
    expect({ kind: wallet.kind, network: wallet.network }).toEqual({
      kind: 'cln',
      network: 'bitcoin',
    })
  })

  test('R-CLN-9 the name of a payer is that of the node, and not of the rune', () => {
    const other = createRuneMaster(new Uint8Array(32).fill(1)).mint()
    const ids = [{ rune }, { rune: other }].map(
      (credential) => createCln({ url, ...credential }).payer.id,
    )
    expect(ids[0]).toBe(ids[1])
    expect(createCln({ url: `${url}/`, rune }).payer.id).toBe(ids[0])
    expect(createCln({ url: 'https://127.0.0.1:3011', rune }).payer.id).not.toBe(ids[0])
    expect(createCln({ socketPath: '/run/a' }).payer.id).not.toBe(
      createCln({ socketPath: '/run/b' }).payer.id,
    )
    expect(ids[0]).toMatch(/^[0-9a-f]{64}$/)
  })

  test('R-CLN-9 an order may be on its way as long as the node retries, and a little longer', () => {
    const lag = (orderTimeoutMs: number) => createCln({ url, rune, orderTimeoutMs }).payer
    expect(lag(75_000).orderLagSeconds).toBe(74)
    expect(lag(10_000).orderLagSeconds).toBe(12)
    expect(lag(1).orderLagSeconds).toBe(2)
  })
})

describe('R-CLN-17 a socket', () => {
  test('allows everything, and is told so', async () => {
    const { a } = createNodes()
    const rig = await openCln(a, { transport: 'socket' })
    onTestFinished(rig.close)
    const { powers } = await rig.wallet.examine()
    expect(powers).toEqual({ receive: true, spend: true, beyond: ['everything'] })
  })

  test('that is not there is named as such', async () => {
    const wallet = createCln({ socketPath: '/nowhere/lightning-rpc', network: 'regtest' })
    expect(await reasonOf(wallet.examine())).toBe('cln: getinfo: there is no such socket')
  })
})

describe('R-CLN-19 a stream of JSON objects', () => {
  const cut = (chunks: readonly (string | Uint8Array)[], maxBytes = 1000) => {
    const objects = new JsonObjects(maxBytes)
    const found: unknown[] = []
    for (const chunk of chunks) {
      const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk
      const some = objects.push(bytes)
      if (some === undefined) return 'broken'
      found.push(...some.map((one) => ({ ...one })))
    }
    return found
  }

  test.each([
    ['one', ['{"a":1}\n\n'], [{ a: 1 }]],
    ['several at once', ['{"a":1}{"b":2}\n{"c":3}'], [{ a: 1 }, { b: 2 }, { c: 3 }]],
    ['one in pieces', ['{"a', '":{"b"', ':[1,{}]}', '}'], [{ a: { b: [1, {}] } }]],
    ['over many lines', ['{\n  "a":\r\n\t1\n}\n'], [{ a: 1 }]],
    ['braces in text', ['{"a":"}{\\"}{"}', '{"b":"\\\\"}'], [{ a: '}{"}{' }, { b: '\\' }]],
    ['nothing yet', [' \n', '{"a":'], []],
    [
      'a character in two',
      [Uint8Array.of(123, 34, 0xc3), Uint8Array.of(0xa9, 34, 58, 49, 125)],
      [{ é: 1 }],
    ],
    ['text', ['"a"'], 'broken'],
    ['a list', ['[{}]'], 'broken'],
    ['a page', ['<html>'], 'broken'],
    ['what follows an object', ['{"a":1} x'], 'broken'],
    ['brackets that do not match', ['{"a":[}]'], 'broken'],
    ['no JSON', ['{a:1}'], 'broken'],
    ['no UTF-8', [Uint8Array.of(123, 34, 0xff, 34, 58, 49, 125)], 'broken'],
    ['too much', [`{"a":"${'x'.repeat(1000)}"}`], 'broken'],
    ['too much in pieces', ['{"a":"', 'x'.repeat(600), 'x'.repeat(600)], 'broken'],
    ['more after that is broken', ['x', '{"a":1}'], 'broken'],
  ])('%s', (_, chunks, expected) => {
    expect(cut(chunks)).toEqual(expected)
  })

  test('is the same however it is cut', () => {
    const values = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 5 })
    fc.assert(
      fc.property(values, fc.array(fc.nat(400), { maxLength: 10 }), (objects, cuts) => {
        const bytes = new TextEncoder().encode(objects.map((one) => JSON.stringify(one)).join('\n'))
        const places = [0, ...cuts.map((at) => at % (bytes.length + 1)), bytes.length]
        places.sort((one, other) => one - other)
        const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i], end))
        expect(cut(chunks, 1_000_000)).toEqual(JSON.parse(JSON.stringify(objects)))
      }),
    )
  })
})
