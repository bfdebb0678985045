import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import type { Msat } from '../../library/src/amount/index.ts'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import { decodeInvoice, paymentHash } from '../../library/src/invoice/index.ts'
import { EventReader } from '../../library/src/lightning/charge/event-reader.ts'
import type { ChargeOptions } from '../../library/src/lightning/charge/index.ts'
import { createCharge } from '../../library/src/lightning/charge/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import type { Payee, Settlement } from '../../library/src/lightning/index.ts'
import type { ConformanceRig } from '../../library/src/testing/index.ts'
import { invoiceFaultCases, payeeConformance, testClock } from '../../library/src/testing/index.ts'
import type { ChargeLookAlikeOptions } from '../../library/src/testing/look-alike/charge.ts'
import { serveCharge } from '../../library/src/testing/look-alike/charge.ts'
import { serveLookAlike } from '../../library/src/testing/look-alike/index.ts'

const limits = { maxFeeMsat: msat(100_000n) } as const
/** Stands where a secret stands, and must not be found anywhere else. */
const marked = 'MARKEDsecretMARKED0123456789'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function createWorld(
  options: ChargeLookAlikeOptions & { readonly wallet?: Partial<ChargeOptions> } = {},
) {
  const clock = testClock()
  const devnet = createDevnet({ now: clock.now })
  const payer = devnet.addNode('payer', { balanceMsat: msat(10_000_000n) })
  const payee = devnet.addNode('payee', { balanceMsat: msat(0n) })
  const lookAlike = await serveCharge(payee, { now: clock.now, ...options })
  const connect = (changes: Partial<ChargeOptions> = {}) => {
    const { url, token } = lookAlike
    const wallet = createCharge({
      url,
      token,
      network: 'regtest',
      timeoutMs: 300,
      now: clock.now,
      ...options.wallet,
      ...changes,
    })
    closers.push(wallet.close)
    return wallet
  }
  closers.push(lookAlike.close)
  const wallet = connect()
  const close = async (): Promise<void> => {
    wallet.close()
    await lookAlike.close()
  }
  return { clock, payer, node: payee, lookAlike, wallet, connect, close }
}

async function makeInvoice(payee: Payee, amountMsat: Msat = msat(21_000n)) {
  const request = { amountMsat, description: 'tea', expirySeconds: 600 }
  return decodeInvoice((await payee.createInvoice(request)).invoice)
}

describe('R-CHG-1 Lightning Charge conforms as a payee', () => {
  const createRig = async (): Promise<ConformanceRig> => {
    const { clock, payer, lookAlike, wallet, close } = await createWorld()
    const controls = { advance: clock.advance, setReachable: lookAlike.setReachable }
    return { payer, payee: wallet.payee, controls, close }
  }
  for (const { name, run } of payeeConformance(createRig)) {
    test(name, async () => expect(await run()).toBeUndefined())
  }

  for (const { name, run } of invoiceFaultCases(async () => {
    const { wallet, lookAlike, close } = await createWorld()
    return { payee: wallet.payee, lookAlike, close }
  })) {
    test(name, run)
  }

  test('and pays nothing', async () => {
    expect((await createWorld()).wallet.payer).toBeUndefined()
  })
})

type Exchange = {
  readonly name: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly authorization?: null
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
  }
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: unknown
  }
}
type Recording = {
  readonly auth: { readonly header: string }
  readonly exchanges: readonly Exchange[]
  readonly server_sent_events: {
    readonly headers: Readonly<Record<string, string>>
    readonly raw: string
  }
}

const recording = JSON.parse(
  readFileSync(new URL('../vectors/lightning-charge.json', import.meta.url), 'utf8'),
) as Recording

/** What is of one run alone: ids, hashes, invoices, times, the node. */
function withoutRun(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  const ofRun = ['payreq', 'rhash', 'expires_at', 'created_at', 'alias', 'id', 'paid_at']
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      ofRun.includes(name) && value !== null ? typeof value : value,
    ]),
  )
}

describe('R-CHG-2 the look-alike answers as Charge did', () => {
  test('every recorded exchange, one after the other', async () => {
    const { lookAlike, clock, payer } = await createWorld()
    /** Ids of this run by those of the recording. */
    const ids = new Map<string, string>()
    const compared: string[] = []
    for (const { name, request, response } of recording.exchanges) {
      if (request.path.startsWith('/checkout/')) continue
      if (name === 'fetch expired') clock.advance(2)
      const path = request.path.replace(/[\w-]{21}/, (id) => ids.get(id) ?? id)
      if (name.startsWith('wait, paid while waiting')) {
        const { payreq } = (await (
          await fetch(`${lookAlike.url}${path.replace(/\/wait.*/, '')}`, {
            headers: { authorization: recording.auth.header },
          })
        ).json()) as { readonly payreq: string }
        setTimeout(() => payer.pay(decodeInvoice(payreq), limits), 50)
      }
      const answer = await fetch(lookAlike.url + path, {
        method: request.method,
        headers: {
          ...(request.authorization === null ? {} : { authorization: recording.auth.header }),
          ...request.headers,
        },
        ...(request.body !== undefined && { body: request.body }),
      })
      const text = await answer.text()
      const isJson = typeof response.body === 'object'
      const body: unknown = isJson ? JSON.parse(text) : text
      if (isJson && response.status === 201) {
        const { id } = response.body as { readonly id: string }
        ids.set(id, (body as { readonly id: string }).id)
      }
      expect({ name, status: answer.status }).toEqual({ name, status: response.status })
      expect({ name, body: withoutRun(body) }).toEqual({ name, body: withoutRun(response.body) })
      for (const header of ['content-type', 'www-authenticate']) {
        const recorded = response.headers[header] ?? null
        if (response.status !== 204) expect(answer.headers.get(header)).toBe(recorded)
      }
      compared.push(name)
    }
    expect(compared.length).toBeGreaterThan(20)
  })

  test('the stream of payments', async () => {
    const { lookAlike, payer, wallet } = await createWorld()
    const stop = new AbortController()
    const stream = await fetch(`${lookAlike.url}/payment-stream`, {
      headers: { authorization: recording.auth.header },
      signal: stop.signal,
    })
    for (const name of ['cache-control', 'content-type', 'x-accel-buffering']) {
      expect(stream.headers.get(name)).toBe(recording.server_sent_events.headers[name])
    }
    await payer.pay(await makeInvoice(wallet.payee, msat(1234n)), limits)
    const { value } = await stream.body!.getReader().read()
    stop.abort()
    const raw = Buffer.from(value!).toString('utf8')
    const shape = /^id:1\ndata:(\{.*\})\n\n$/
    const told = JSON.parse(shape.exec(raw)?.[1] ?? '') as Record<string, unknown>
    const recorded = JSON.parse(shape.exec(recording.server_sent_events.raw)?.[1] ?? '') as Record<
      string,
      unknown
    >
    const sameDescription = { ...told, description: recorded['description'] }
    expect(withoutRun(sameDescription)).toEqual(withoutRun(recorded))
  })
})

/** A wallet over a server that says one thing to everything. */
async function over(status: number, body: string): Promise<ReturnType<typeof createCharge>> {
  const server = await serveLookAlike(() => ({
    role: 'other',
    carryOut: async () => ({ status, body }),
  }))
  const { url } = server
  const wallet = createCharge({ url, token: marked, network: 'regtest', timeoutMs: 300 })
  closers.push(server.close, wallet.close)
  return wallet
}

describe('R-CHG-3 what Charge recorded is understood', () => {
  const paid = recording.exchanges.find(({ name }) => name === 'fetch paid')!.response.body as {
    readonly rhash: string
  }
  for (const [name, status] of [
    ['fetch unpaid', { status: 'open' }],
    ['fetch expired', { status: 'closed' }],
    ['fetch paid', { status: 'settled', amountMsat: 1234n, settledAtSeconds: 1_795_172_233 }],
  ] as const) {
    test(`${name}: ${status.status}`, async () => {
      const { body } = recording.exchanges.find((one) => one.name === name)!.response
      const wallet = await over(200, JSON.stringify([body]))
      const hash = Buffer.from((body as typeof paid).rhash, 'hex')
      expect(await wallet.payee.lookupInvoice(paymentHash(hash))).toEqual(status)
    })
  }
})

describe('R-CHG-4 an invoice is found by its hash', () => {
  test('by its id where it was made here: the list is not read', async () => {
    const { wallet, lookAlike } = await createWorld()
    const { paymentHash: hash } = await makeInvoice(wallet.payee)
    expect(await wallet.payee.lookupInvoice(hash)).toEqual({ status: 'open' })
    expect(lookAlike.seen.map(({ path }) => path)).not.toContain('/invoices')
  })

  test('by another process in the list, and then by its id', async () => {
    const { wallet, connect, lookAlike } = await createWorld()
    const one = await makeInvoice(wallet.payee)
    const two = await makeInvoice(wallet.payee)
    const other = connect()
    for (const { paymentHash: hash } of [one, two, one]) {
      expect(await other.payee.lookupInvoice(hash)).toEqual({ status: 'open' })
    }
    const lists = lookAlike.seen.filter(({ path }) => path === '/invoices')
    expect(lists.length).toBe(1)
  })

  test('in a list that is read once for all who look at that moment, and never before they came', async () => {
    const { wallet, connect, lookAlike } = await createWorld()
    const invoices = []
    for (let i = 0; i < 20; i++) invoices.push(await makeInvoice(wallet.payee))
    const other = connect()
    const found = await Promise.all(
      invoices.map(({ paymentHash: hash }) => other.payee.lookupInvoice(hash)),
    )
    expect(new Set(found.map(({ status }) => status))).toEqual(new Set(['open']))
    // The first, and one for all who came while it was read.
    expect(lookAlike.seen.filter(({ path }) => path === '/invoices').length).toBe(2)

    const first = other.payee.lookupInvoice(paymentHash(new Uint8Array(32).fill(9)))
    const late = await makeInvoice(wallet.payee)
    expect(await other.payee.lookupInvoice(late.paymentHash)).toEqual({ status: 'open' })
    expect(await first).toEqual({ status: 'not-found' })
  })

  test('not by 404: what was made here and is in no list any more is closed', async () => {
    const { wallet, lookAlike } = await createWorld()
    const { paymentHash: hash } = await makeInvoice(wallet.payee)
    const how = { kind: 'answer', status: 404, body: 'Not Found' } as const
    lookAlike.inject('invoice-look-up', { executed: false, how })
    expect(await wallet.payee.lookupInvoice(hash)).toEqual({ status: 'open' })
    lookAlike.forget(hash)
    expect(await wallet.payee.lookupInvoice(hash)).toEqual({ status: 'closed' })
  })

  for (const [what, body] of [
    ['an object', '{}'],
    ['a page', '<html>'],
    ['half a list', '[{"id":"x"'],
    ['a list with nothing of an invoice in it', '[1]'],
  ] as const) {
    test(`not in ${what}`, async () => {
      const wallet = await over(200, body)
      const hash = paymentHash(new Uint8Array(32).fill(1))
      await expect(wallet.payee.lookupInvoice(hash)).rejects.toMatchObject({
        code: 'NODE_UNAVAILABLE',
      })
    })
  }

  test('and one that cannot be read is not called unpaid, nor does it hide the others', async () => {
    const [one, two] = ['11', '22'].map((byte) => byte.repeat(32))
    const wallet = await over(
      200,
      JSON.stringify([
        { id: 'a', rhash: one, status: 'paid', msatoshi_received: '1e3', paid_at: 1 },
        { id: 'b', rhash: two, status: 'expired' },
      ]),
    )
    const lookUp = (byte: number) =>
      wallet.payee.lookupInvoice(paymentHash(new Uint8Array(32).fill(byte)))
    await expect(lookUp(0x11)).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    expect(await lookUp(0x22)).toEqual({ status: 'closed' })
    expect(await lookUp(0x33)).toEqual({ status: 'not-found' })
  })
})

describe('R-CHG-5 what an invoice says', () => {
  test('is what was asked for, its expiry included', async () => {
    const { wallet } = await createWorld()
    const request = { amountMsat: msat(1n), description: 'é ☕ "x"', expirySeconds: 31_536_000 }
    const invoice = decodeInvoice((await wallet.payee.createInvoice(request)).invoice)
    expect(invoice).toMatchObject(request)
  })

  test('is never nothing: Charge would put its own description in the place of none', async () => {
    const { wallet, lookAlike } = await createWorld()
    const request = { amountMsat: msat(1n), description: '', expirySeconds: 60 }
    await expect(wallet.payee.createInvoice(request)).rejects.toThrow(
      new RangeError('description: Lightning Charge puts a text of its own in the place of none'),
    )
    expect(lookAlike.seen).toEqual([])
  })
})

describe('R-CHG-6 settlements', () => {
  const open = (payee: Payee) => {
    const stop = new AbortController()
    closers.push(() => stop.abort())
    return payee.settlements(stop.signal)[Symbol.asyncIterator]()
  }
  const hashOf = ({ paymentHash: hash }: Settlement): string => encodeHex(hash)

  test('come by the stream, also those of other processes, each once', async () => {
    const { wallet, connect, payer, lookAlike } = await createWorld()
    const other = connect()
    const stream = open(other.payee)
    const waiting = stream.next()
    await until(() => lookAlike.seen.some(({ role }) => role === 'settlements'))
    const hashes: string[] = []
    for (let i = 0; i < 3; i++) {
      const invoice = await makeInvoice(wallet.payee)
      await payer.pay(invoice, limits)
      hashes.push(encodeHex(invoice.paymentHash))
    }
    const told: Settlement[] = [(await waiting).value]
    for (let i = 1; i < 3; i++) told.push((await stream.next()).value)
    expect(told.map(hashOf)).toEqual(hashes)
    expect(told[0]).toMatchObject({ amountMsat: 21_000n })
  })

  test('go on after Charge was away: what was paid meanwhile is told by the next stream', async () => {
    const { wallet, payer, lookAlike } = await createWorld()
    const first = open(wallet.payee)
    const invoice = await makeInvoice(wallet.payee)
    const broken = first.next()
    await until(() => lookAlike.seen.some(({ role }) => role === 'settlements'))
    await lookAlike.setReachable(false)
    await expect(broken).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    await payer.pay(invoice, limits)
    const started = performance.now()
    await lookAlike.setReachable(true)
    const { value } = await open(wallet.payee).next()
    expect(hashOf(value)).toBe(encodeHex(invoice.paymentHash))
    expect(performance.now() - started).toBeLessThan(5000)
  })

  test('R-CHG-7 a stream that falls silent is broken, one that says that it lives is not', async () => {
    const { connect, lookAlike } = await createWorld({ keepAliveMs: 20 })
    const lively = open(connect({ silenceMs: 400 }).payee)
    let isOver = false
    const living = lively.next().catch(() => {
      isOver = true
    })
    await new Promise((resolve) => setTimeout(resolve, 800))
    expect(isOver).toBe(false)
    await lookAlike.close()
    await living

    const dead = await createWorld({ wallet: { silenceMs: 50 } })
    await expect(open(dead.wallet.payee).next()).rejects.toMatchObject({
      details: { reason: 'charge: its stream of payments fell silent' },
    })
  })

  for (const [what, lines] of [
    ['no JSON', 'data:hello\n\n'],
    ['an invoice that is not paid', 'data:{"id":"a","rhash":"HASH","status":"unpaid"}\n\n'],
    [
      'a payment without an amount',
      'data:{"id":"a","rhash":"HASH","status":"paid","paid_at":1}\n\n',
    ],
  ] as const) {
    test(`a stream that tells ${what} is broken`, async () => {
      const wallet = await over(200, lines.replace('HASH', '11'.repeat(32)))
      await expect(open(wallet.payee).next()).rejects.toMatchObject({
        details: { reason: 'charge: its stream told what is no payment' },
      })
    })
  }

  test('a stream that is refused says what to mend', async () => {
    const { connect } = await createWorld()
    await expect(open(connect({ token: 'wrong' }).payee).next()).rejects.toMatchObject({
      details: { refused: true },
    })
  })

  test('events are put together from their lines, whatever stands between', () => {
    const reader = new EventReader()
    const lines = ['id:1', ': keepalive', '', 'data: a', 'data:b', 'data', 'database:x', '', '']
    const events = lines.map((line) => reader.push(line)).filter((data) => data !== undefined)
    expect(events).toEqual(['a\nb\n'])
    const long = 'data:' + 'x'.repeat(600_000)
    expect(() => [reader.push(long), reader.push(long)]).toThrow(RangeError)
  })
})

/** Waits for what happens in another place, in bounded time. */
async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 5000
  while (!isSo()) {
    if (performance.now() > end) throw new Error('it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('R-CHG-8 whoever sets it up is told', () => {
  test('network, powers and time', async () => {
    const { wallet } = await createWorld()
    const { nowSeconds, ...facts } = await wallet.examine()
    expect(Math.abs((nowSeconds ?? 0) - Date.now() / 1000)).toBeLessThan(60)
    expect(facts).toEqual({
      network: 'regtest',
      notReady: undefined,
      powers: {
        receive: true,
        spend: false,
        beyond: ['delete invoices', 'have Charge call any URL (webhooks)'],
      },
    })
  })

  test('that the node behind is still catching up', async () => {
    const info = { id: '02ab', network: 'bitcoin', warning_lightningd_sync: 'Still loading' }
    const { notReady, network } = await (await over(200, JSON.stringify(info))).examine()
    expect(network).toBe('bitcoin')
    expect(notReady).toBe('its Lightning node is still catching up with the chain')
  })

  for (const [what, changes, details] of [
    [
      'a wrong token',
      { token: 'wrong' },
      {
        refused: true,
        reason: 'charge: it does not take the token: name the one of its --api-token',
      },
    ],
    [
      'nothing that listens',
      { url: 'http://127.0.0.1:1' },
      { reason: 'charge: nothing listens there' },
    ],
  ] as const) {
    test(what, async () => {
      const { connect } = await createWorld()
      const error = await connect(changes)
        .examine()
        .catch((caught: unknown) => caught)
      expect(isL402Error(error, 'NODE_UNAVAILABLE')).toBe(true)
      expect(error).toMatchObject({ details })
    })
  }

  test('a node that is gone: Charge hangs, and no caller does', async () => {
    const { wallet, node } = await createWorld()
    node.setReachable(false)
    await expect(makeInvoice(wallet.payee)).rejects.toMatchObject({
      details: { reason: 'charge: it did not answer in time' },
    })
    await expect(wallet.examine(AbortSignal.abort())).rejects.toMatchObject({
      details: { reason: 'charge: aborted' },
    })
  })
})

/** Answers to the making of an invoice, and to a look-up. */
const errors: readonly (readonly [status: number, body: string, reason: string])[] = [
  [401, 'Unauthorized', 'it does not take the token: name the one of its --api-token'],
  [401, '<html>', 'it answered 401'],
  [400, 'LightningError: millisatoshis must be an integer', 'its Lightning node refused'],
  [500, '<!DOCTYPE html>', 'it answered 500'],
  [402, 'Payment Required', 'it answered 402'],
  [201, '', 'it answered nonsense'],
  [201, '{"id":"../x","rhash":"HASH","payreq":"x","status":"unpaid"}', 'it answered nonsense'],
  [201, '{"id":"a","rhash":"00","payreq":"x","status":"unpaid"}', 'it answered nonsense'],
  [201, '{"id":"a","rhash":"HASH","payreq":"x"}', 'it answered nonsense'],
  [
    201,
    '{"id":"a","rhash":"HASH","payreq":"lnbc1","status":"unpaid"}',
    'it made an invoice that cannot be read: INVOICE_MALFORMED',
  ],
  [301, '', 'it answered 301'],
]

describe('R-CHG-9 options, errors and secrets', () => {
  for (const [status, body, reason] of errors) {
    test(`${status} ${body.slice(0, 30)}: ${reason}`, async () => {
      const wallet = await over(status, body.replace('HASH', '11'.repeat(32)))
      const error = await makeInvoice(wallet.payee).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ details: { reason: `charge: ${reason}` } })
    })
  }

  for (const [what, changes, option] of [
    ['a URL that is none', { url: '127.0.0.1:9112' }, 'url'],
    ['http elsewhere', { url: 'http://charge.example.com:9112' }, 'url'],
    ['no token', { token: '' }, 'token'],
    ['a token with a line end', { token: `${marked}\n` }, 'token'],
    ['a time that is none', { timeoutMs: -1 }, 'timeoutMs'],
    ['a silence that is none', { silenceMs: 0 }, 'silenceMs'],
    ['no network', { network: 'main' as never }, 'network'],
  ] as const) {
    test(`${what} is a RangeError that names the option and not its value`, () => {
      const make = () => createCharge({ url: 'http://127.0.0.1:9112', token: marked, ...changes })
      expect(make).toThrow(RangeError)
      expect(make).toThrow(`${option}: `)
      expect(make).not.toThrow(marked)
    })
  }

  test('no error and no inspection shows the token, or what Charge said', async () => {
    const secret = Buffer.from(`api-token:${marked}`).toString('base64')
    const texts: string[] = []
    const keep = (error: unknown): void => {
      texts.push(inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error))
    }
    for (const [status, body] of [
      [401, marked],
      [400, `LightningError: ${marked}`],
      [500, marked],
      [200, JSON.stringify({ id: marked, rhash: marked })],
      [201, JSON.stringify({ id: 'a', rhash: '11'.repeat(32), payreq: marked, status: 'unpaid' })],
    ] as const) {
      const wallet = await over(status, body)
      texts.push(inspect(wallet, { depth: 9, showHidden: true }), JSON.stringify(wallet))
      await makeInvoice(wallet.payee).catch(keep)
      await wallet.payee.lookupInvoice(paymentHash(new Uint8Array(32))).catch(keep)
      await wallet.examine().catch(keep)
      await wallet.payee
        .settlements(new AbortController().signal)
        [Symbol.asyncIterator]()
        .next()
        .catch(keep)
    }
    expect(texts.length).toBeGreaterThan(30)
    for (const text of texts) {
      expect(text).not.toContain(marked)
      expect(text).not.toContain(secret)
    }
  })
})
