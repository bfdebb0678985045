import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import type { Msat } from '../../library/src/amount/index.ts'
import { msat, satToMsat } from '../../library/src/amount/index.ts'
import { createClient } from '../../library/src/client/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import type { Invoice } from '../../library/src/invoice/index.ts'
import {
  decodeInvoice,
  encodeInvoice,
  hashPreimage,
  preimage,
} from '../../library/src/invoice/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import type { HttpWalletOptions } from '../../library/src/lightning/http-wallet/index.ts'
import { createHttpWallet } from '../../library/src/lightning/http-wallet/index.ts'
import { createTransport } from '../../library/src/transport/index.ts'
import { startSeller } from '../client/seller.ts'
import type { LookAlike, OrderScript } from './look-alike-wallet.ts'
import { honest, startLookAlike } from './look-alike-wallet.ts'
import { caught, closedPort, startRaw, turns, until } from './raw-server.ts'

const secret = 's3cr3t-token'
const limits = { maxFeeMsat: msat(50_000n) } as const
const closers: LookAlike[] = []

afterEach(async () => {
  for (const wallet of closers.splice(0)) await wallet.close()
})

async function world(script: OrderScript = honest, options: Partial<HttpWalletOptions> = {}) {
  let seconds = 1_900_000_000
  const now = (): number => seconds
  const devnet = createDevnet({ now })
  const startMsat = satToMsat(100_000n)
  const node = devnet.addNode('payer', { balanceMsat: startMsat })
  const payee = devnet.addNode('payee', { balanceMsat: msat(0n) })
  const wallet = await startLookAlike(node, script)
  closers.push(wallet)
  const make = (more: Partial<HttpWalletOptions> = {}) =>
    createHttpWallet({ url: wallet.url, network: 'regtest', ...options, ...more })
  return {
    node,
    payee,
    wallet,
    make,
    now,
    payer: make(),
    advance: (by: number) => {
      seconds += by
    },
    spentMsat: () => startMsat - node.balanceMsat(),
    invoice: async (amountMsat: Msat = msat(100_000n)): Promise<Invoice> => {
      const request = { amountMsat, description: '', expirySeconds: 600 }
      return decodeInvoice((await payee.createInvoice(request)).invoice)
    },
  }
}

describe('R-HW-2 options', () => {
  const url = 'http://127.0.0.1:1234/payinvoice'
  const bad: readonly (readonly [string, Partial<HttpWalletOptions>])[] = [
    ['no URL', { url: secret }],
    ['plain http to another machine', { url: `http://wallet.example/${secret}` }],
    ['plain http to a private network', { url: 'http://10.0.0.1/' }],
    ['another scheme', { url: `ftp://127.0.0.1/${secret}` }],
    ['a password in the URL', { url: `https://user:${secret}@wallet.example/` }],
    ['a name that only begins like this machine', { url: 'http://127.0.0.1.example/' }],
    ['a name that only ends like it', { url: 'http://notlocalhost/' }],
    ['a lookup without {hash}', { lookupUrl: 'https://wallet.example/payments' }],
    ['a lookup over plain http', { lookupUrl: 'http://wallet.example/{hash}' }],
    ['a network that is none', { network: 'mainnet' as never }],
    ['no time', { timeoutMs: 0 }],
    ['more than an hour', { timeoutMs: 3_600_001 }],
    ['a header with a line end', { headers: { authorization: `Bearer\r\n${secret}` } }],
    ['a header name that is none', { headers: { [`a ${secret}`]: 'x' } }],
    ['an empty field', { invoiceField: '' }],
    ['one field for two things', { maxFeeField: 'invoice' }],
    ['an empty path', { preimagePath: '' }],
    ['a path with a gap', { paidPath: 'data..paid' }],
    ['a path that is too deep', { feePath: 'a.b.c.d.e.f.g.h.i' }],
  ]
  for (const [name, options] of bad) {
    test(`${name} is a RangeError that does not repeat it`, () => {
      const make = (): unknown => createHttpWallet({ url, ...options })
      expect(make).toThrow(RangeError)
      try {
        make()
      } catch (error) {
        expect(inspect(error)).not.toContain(secret)
      }
    })
  }

  for (const good of [
    'https://wallet.example/pay?x=1',
    'http://localhost:1/',
    'http://a.localhost/',
    'http://127.9.9.9/',
    'http://2130706433/',
    'http://[::1]:1/',
  ]) {
    test(`${good} is taken`, () => {
      expect(createHttpWallet({ url: good }).network).toBe('bitcoin')
    })
  }
})

describe('R-HW-3 an order', () => {
  test('is a POST of JSON with the invoice under the configured name, and the headers', async () => {
    const { url, requests } = await startRaw('HTTP/1.1 200 OK\r\n\r\n{}')
    const payer = createHttpWallet({
      url: `${url}/v1/pay?x=1`,
      network: 'regtest',
      headers: { Authorization: `Bearer ${secret}`, 'X-Wallet': '7' },
      invoiceField: 'bolt11',
      maxFeeField: 'maxFeeMsat',
    })
    const { invoice } = await world()
    const one = await invoice()
    expect(await payer.pay(one, limits)).toEqual({ status: 'unknown' })
    const [head = '', body = ''] = requests[0]!.split('\r\n\r\n')
    expect(head).toMatch(/^POST \/v1\/pay\?x=1 HTTP\/1\.1/)
    expect(head).toMatch(/content-type: application\/json/i)
    expect(head).toMatch(new RegExp(`authorization: Bearer ${secret}`, 'i'))
    expect(head).toMatch(/x-wallet: 7/i)
    expect(JSON.parse(body)).toEqual({ bolt11: one.text, maxFeeMsat: '50000' })
  })

  for (const [name, send] of [
    ['the platform’s fetch', fetch],
    ['our own transport', createTransport().fetch],
  ] as const) {
    test(`goes over a connection of its own with ${name}: an idle one may be dead`, async () => {
      const used: unknown[] = []
      const orders: boolean[] = []
      const { url } = await startRaw((socket, request) => {
        if (request.startsWith('POST')) orders.push(used.includes(socket))
        used.push(socket)
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')
      })
      const { make, invoice } = await world()
      const payer = make({ url, lookupUrl: `${url}/{hash}`, fetch: (to, init) => send(to, init) })
      for (let i = 1; i <= 3; i++) {
        await payer.pay(await invoice(), limits)
        await turns()
      }
      expect(orders).toEqual([false, false, false])
      // There was a lookup before and after each of them, whose connection stayed open.
      expect(used.length).toBe(9)
    })
  }

  test('is not sent where the wallet redirects to: its headers are secret', async () => {
    const elsewhere = await startRaw('HTTP/1.1 200 OK\r\n\r\n{}')
    for (const status of [301, 302, 303, 307, 308]) {
      const { payer, invoice } = await world(({ answer }) =>
        answer(status, '', { location: elsewhere.url }),
      )
      expect(await payer.pay(await invoice(), limits)).toEqual({ status: 'unknown' })
    }
    expect(elsewhere.requests).toEqual([])
  })

  test('is not given for another network, nor without an amount', async () => {
    const { payer, wallet } = await world()
    const one = (network: 'bitcoin' | 'regtest', amountMsat: Msat | undefined): Invoice => {
      const request = {
        network,
        amountMsat,
        timestampSeconds: 1_900_000_000,
        paymentHash: hashPreimage(preimage(new Uint8Array(32))),
        paymentSecret: new Uint8Array(32),
        description: '',
      }
      return decodeInvoice(encodeInvoice(request, new Uint8Array(32).fill(1)))
    }
    expect(await payer.pay(one('bitcoin', msat(1000n)), limits)).toEqual({
      status: 'failed',
      reason: 'wrong-network',
    })
    expect(await payer.pay(one('regtest', undefined), limits)).toMatchObject({ status: 'failed' })
    expect(wallet.orders.length).toBe(0)
  })
})

describe('R-HW-5 a wallet that certainly did not get the order', () => {
  const cases: readonly (readonly [string, () => Promise<Partial<HttpWalletOptions>>])[] = [
    ['because nothing listens', async () => ({ url: `http://127.0.0.1:${await closedPort()}/` })],
    [
      'because nothing listens at any of its addresses',
      async () => ({ url: `http://localhost:${await closedPort()}/` }),
    ],
    [
      'because its name does not exist',
      async () => ({
        url: 'https://wallet.test/',
        fetch: createTransport({ lookup: async () => [] }).fetch,
      }),
    ],
    [
      'because nothing listens, over our own transport',
      async () => ({
        url: `http://localhost:${await closedPort()}/`,
        fetch: createTransport().fetch,
      }),
    ],
    [
      'because its address is refused',
      async () => ({
        fetch: (url, init) => createTransport().fetch(url, init, { publicOnly: true }),
      }),
    ],
    [
      'because it cannot be connected to in time',
      async () => ({
        url: 'https://wallet.test/',
        fetch: createTransport({ lookup: () => new Promise(() => undefined), connectTimeoutMs: 50 })
          .fetch,
      }),
    ],
    [
      'because its certificate is not accepted',
      async () => ({
        fetch: () => {
          const cause = Object.assign(new Error('self-signed'), {
            code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
          })
          return Promise.reject(new TypeError('fetch failed', { cause }))
        },
      }),
    ],
  ]
  for (const [name, options] of cases) {
    test(`${name}: NODE_UNAVAILABLE, and it may be tried again`, async () => {
      const { make, invoice } = await world()
      const headers = { authorization: `Bearer ${secret}` }
      const payer = make({ headers, ...(await options()) })
      const one = await invoice()
      for (let i = 0; i < 2; i++) {
        const { error } = await caught(payer.pay(one, limits))
        expect(isL402Error(error, 'NODE_UNAVAILABLE')).toBe(true)
        expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret)
      }
    })
  }

  test('any other error of fetch is unknown', async () => {
    const { make, invoice } = await world()
    for (const error of [
      new TypeError('fetch failed'),
      new TypeError('fetch failed', {
        cause: Object.assign(new Error('x'), { code: 'UND_ERR_SOCKET' }),
      }),
      new TypeError('fetch failed', {
        cause: Object.assign(new Error('x'), { code: 'ECONNRESET', syscall: 'read' }),
      }),
      new TypeError('fetch failed', {
        cause: new AggregateError([
          Object.assign(new Error('x'), { code: 'ECONNREFUSED', syscall: 'connect' }),
          Object.assign(new Error('x'), { code: 'EPIPE', syscall: 'write' }),
        ]),
      }),
      new Error('ECONNREFUSED'),
      'ECONNREFUSED',
    ]) {
      const payer = make({ fetch: () => Promise.reject(error) })
      expect(await payer.pay(await invoice(), limits)).toEqual({ status: 'unknown' })
    }
  })
})

describe('R-HW-8 an order for one payment hash', () => {
  test('is sent once for ten calls at a time, which all hear how it ended', async () => {
    const allCalled = Promise.withResolvers<void>()
    const { payer, wallet, invoice, spentMsat } = await world(async (order) => {
      await allCalled.promise
      await honest(order)
    })
    const one = await invoice()
    const calls = Array.from({ length: 10 }, () => payer.pay(one, limits))
    await until(() => wallet.orders.length > 0)
    allCalled.resolve()
    const outcomes = await Promise.all(calls)
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['settled']))
    expect(wallet.orders.length).toBe(1)
    expect(await payer.pay(one, limits)).toEqual(outcomes[0])
    expect(wallet.orders.length).toBe(1)
    expect(spentMsat()).toBe(101_010n)
  })

  test('goes on when a caller leaves; who comes later hears how it ended', async () => {
    const release: (() => void)[] = []
    const { payer, wallet, invoice } = await world(async (order) => {
      await new Promise<void>((resolve) => release.push(resolve))
      await honest(order)
    })
    const one = await invoice()
    const stop = new AbortController()
    const left = payer.pay(one, { ...limits, signal: stop.signal })
    await until(() => release.length > 0)
    stop.abort()
    expect(await left).toEqual({ status: 'unknown' })
    expect(await payer.lookupPayment(one.paymentHash)).toEqual({ status: 'unknown' })
    const joined = payer.pay(one, limits)
    release[0]!()
    expect(await joined).toMatchObject({ status: 'settled' })
    // Without a lookup, what this process heard is still known.
    expect(await payer.lookupPayment(one.paymentHash)).toMatchObject({ status: 'settled' })
    expect(wallet.orders.length).toBe(1)
  })

  test('is not sent when the caller has left before', async () => {
    const { payer, wallet, invoice } = await world()
    const one = await invoice()
    const aborted = { ...limits, signal: AbortSignal.abort() }
    expect(await payer.pay(one, aborted)).toEqual({ status: 'unknown' })
    expect(wallet.orders.length).toBe(0)
    expect(await payer.pay(one, limits)).toMatchObject({ status: 'settled' })
  })

  test('is sent again after it failed', async () => {
    let refuse = true
    const { payer, wallet, invoice } = await world(async (order) => {
      if (refuse) order.answer(403)
      else await honest(order)
    })
    const one = await invoice()
    expect(await payer.pay(one, limits)).toEqual({ status: 'failed', reason: 'rejected' })
    refuse = false
    expect(await payer.pay(one, limits)).toMatchObject({ status: 'settled' })
    expect(wallet.orders.length).toBe(2)
  })

  test('of thousands of payments only the ends of the last thousand are kept', async () => {
    const { make, invoice } = await world()
    const sent: string[] = []
    const payer = make({
      fetch: async (_, init) => {
        sent.push(String(init.body))
        return new Response('{}', { status: 403 })
      },
    })
    const first = await invoice()
    const outcome = await payer.pay(first, limits)
    const other = await invoice()
    for (let i = 0; i < 1001; i++) {
      // The text does not matter here: only the hash tells payments apart.
      const paymentHash = hashPreimage(preimage(new Uint8Array(32).map((_, j) => (i >> j) & 0xff)))
      await payer.pay({ ...other, paymentHash }, limits)
    }
    expect(outcome.status).toBe('failed')
    expect(await payer.lookupPayment(first.paymentHash)).toEqual({ status: 'unknown' })
  })
})

describe('R-HW-9 a lookup', () => {
  const answers: readonly (readonly [string, number, string, string])[] = [
    ['of a payment that settled elsewhere, without its proof', 200, '{"isPaid":true}', 'unknown'],
    ['that is not paid', 200, '{"isPaid":false}', 'unknown'],
    ['that is pending', 200, '{"isPaid":false,"status":"pending"}', 'unknown'],
    ['that failed', 200, '{"isPaid":false,"status":"FAILED"}', 'failed'],
    ['that failed, by its hash', 200, '{"payment_hash":"HASH","state":"failed"}', 'failed'],
    ['whose request failed, or its payment: nobody knows', 200, '{"status":"failed"}', 'unknown'],
    ['that failed and is paid', 200, '{"isPaid":true,"status":"failed"}', 'unknown'],
    [
      'of another payment that failed',
      200,
      `{"paymentHash":"${'ab'.repeat(32)}","status":"failed","isPaid":false}`,
      'unknown',
    ],
    [
      'in an envelope that failed, of a payment that is pending',
      200,
      '{"status":"failed","data":{"status":"pending","isPaid":false}}',
      'unknown',
    ],
    [
      'that is not there, by its hash',
      404,
      '{"paymentHash":"HASH","status":"not-found"}',
      'nothing',
    ],
    ['that is not there, with 200', 200, '{"payment_hash":"HASH","state":"not_found"}', 'nothing'],
    ['that is not there, of whichever', 404, '{"status":"not-found"}', 'unavailable'],
    ['of a wrong address', 404, 'Not Found', 'unavailable'],
    ['of a wrong address that speaks JSON', 404, '{"error":"not found"}', 'unavailable'],
    ['that failed, with 404', 404, '{"isPaid":false,"status":"failed"}', 'unavailable'],
    ['without permission', 401, '{"isPaid":false,"status":"failed"}', 'unavailable'],
    ['of a broken wallet', 500, '{"isPaid":false,"status":"failed"}', 'unavailable'],
    ['in a web page', 200, '<html>', 'unavailable'],
    ['in a list', 200, '[]', 'unavailable'],
    ['that is empty', 200, '', 'unavailable'],
    ['that is too long', 200, `{"isPaid":false${' '.repeat(70_000)}}`, 'unavailable'],
    ['that was moved', 302, '', 'unavailable'],
  ]
  for (const [name, status, body, expected] of answers) {
    test(`${name}: ${expected}`, async () => {
      const { make, invoice } = await world()
      const { paymentHash } = await invoice()
      const asked: string[] = []
      const payer = make({
        lookupUrl: 'http://localhost/payments/{hash}?again={hash}',
        headers: { authorization: `Bearer ${secret}` },
        fetch: async (url, init) => {
          asked.push(url, new Headers(init.headers).get('authorization') ?? '')
          const hash = Buffer.from(paymentHash).toString('hex')
          const headers = { location: 'http://127.0.0.1:1234/' }
          return new Response(body.replace('HASH', hash), { status, headers })
        },
      })
      const told = await payer.lookupPayment(paymentHash).then(
        (outcome) => outcome?.status ?? 'nothing',
        (error) => (isL402Error(error, 'NODE_UNAVAILABLE') ? 'unavailable' : error),
      )
      expect(told).toBe(expected)
      const hash = Buffer.from(paymentHash).toString('hex')
      expect(asked).toEqual([`http://localhost/payments/${hash}?again=${hash}`, `Bearer ${secret}`])
    })
  }

  test('without a lookupUrl is unknown for ever, and asks nobody', async () => {
    const { payer, wallet, invoice } = await world()
    const { paymentHash } = await invoice()
    expect(await payer.lookupPayment(paymentHash)).toEqual({ status: 'unknown' })
    expect(wallet.lookups()).toBe(0)
  })

  test('that says “not there” is not believed while an order of ours may arrive', async () => {
    const { wallet, make, invoice } = await world(() => undefined)
    const payer = make({ lookupUrl: wallet.lookupUrl, timeoutMs: 1500 })
    const one = await invoice()
    expect(await payer.pay(one, limits)).toEqual({ status: 'unknown' })
    expect(await payer.lookupPayment(one.paymentHash)).toEqual({ status: 'unknown' })
    // A process that never ordered it takes the wallet's word.
    expect(
      await make({ lookupUrl: wallet.lookupUrl }).lookupPayment(one.paymentHash),
    ).toBeUndefined()
  })

  test('ends when its caller leaves', async () => {
    const { make, invoice } = await world()
    const { paymentHash } = await invoice()
    const payer = make({
      lookupUrl: 'http://localhost/{hash}',
      fetch: () => new Promise(() => undefined),
    })
    for (const signal of [AbortSignal.abort(), AbortSignal.timeout(30)]) {
      const { error } = await caught(payer.lookupPayment(paymentHash, signal))
      expect(isL402Error(error, 'NODE_UNAVAILABLE')).toBe(true)
    }
  })
})

describe('R-HW-10 the fee', () => {
  const fees: readonly (readonly [string, Partial<HttpWalletOptions>, object, bigint])[] = [
    ['as a number', {}, { feeMsat: 1010 }, 1010n],
    ['as digits', {}, { feeMsat: undefined, fee_msat: '1010' }, 1010n],
    ['of nothing', {}, { feeMsat: 0 }, 0n],
    ['above the ceiling, which was spent all the same', {}, { feeMsat: 90_000 }, 90_000n],
    ['where the operator says', { feePath: 'paid.fees' }, { paid: { fees: 7 } }, 7n],
    ['not told: the ceiling', {}, { feeMsat: undefined }, 50_000n],
    ['not told where it should be', { feePath: 'x' }, {}, 50_000n],
    ['negative', {}, { feeMsat: -1010 }, 50_000n],
    ['a fraction', {}, { feeMsat: 1.5 }, 50_000n],
    ['more than there is', {}, { feeMsat: '9'.repeat(19) }, 50_000n],
    ['text', {}, { feeMsat: '1 sat' }, 50_000n],
  ]
  for (const [name, options, more, expected] of fees) {
    test(name, async () => {
      const { make, invoice } = await world(async (order) => order.say(await order.pay(), more))
      const outcome = await make(options).pay(await invoice(), limits)
      expect(outcome).toMatchObject({ status: 'settled', amountMsat: 100_000n, feeMsat: expected })
    })
  }

  test('of a payment of an earlier process, where it is not told, is the ceiling that was set aside', async () => {
    const shop = await world(async (order) => {
      await order.pay()
      order.response.socket?.destroy()
    })
    const seller = await startSeller({ payee: shop.payee, now: shop.now })
    const policy = { maxPaymentMsat: '100 sat', maxTotalMsat: '1000 sat', maxFeeMsat: '50 sat' }
    // The wallet of the first life cannot be looked up; that of the second life tells no fee.
    let payer = shop.payer
    const client = createClient({
      policy,
      now: shop.now,
      payer: {
        network: 'regtest',
        pay: (...order) => payer.pay(...order),
        lookupPayment: (...order) => payer.lookupPayment(...order),
      },
    })
    const { error } = await caught(client.fetch(`${seller.origin}/data`))
    expect(isL402Error(error, 'PAYMENT_UNKNOWN')).toBe(true)
    payer = shop.make({
      lookupUrl: shop.wallet.lookupUrl,
      feePath: 'nowhere',
    })
    const response = await client.resume(error)
    expect(client.purchaseOf(response)).toMatchObject({ amountMsat: 10_000n, feeMsat: 50_000n })
  })
})

describe('R-HW-11 an answer is bounded', () => {
  test('in time, also when the other side does not notice that it is over', async () => {
    const { make, invoice } = await world()
    const payer = make({ timeoutMs: 50, fetch: () => new Promise(() => undefined) })
    expect(await payer.pay(await invoice(), limits)).toEqual({ status: 'unknown' })
    const stuck = new ReadableStream({ pull: () => new Promise(() => undefined) })
    const silent = make({ timeoutMs: 50, fetch: async () => new Response(stuck) })
    expect(await silent.pay(await invoice(), limits)).toEqual({ status: 'unknown' })
  })

  test('in length: no more than 64 KiB of it are read, however well it is packed', async () => {
    const { gzipSync } = await import('node:zlib')
    const bomb = gzipSync(Buffer.alloc(64 << 20, ' '))
    const { payer, invoice } = await world(({ answer }) =>
      answer(200, bomb, { 'content-encoding': 'gzip' }),
    )
    expect(await payer.pay(await invoice(), limits)).toEqual({ status: 'unknown' })
  })
})

describe('R-HW-12 through the client', () => {
  test('an answer is bought; an unknown payment is finished by resume, and paid once', async () => {
    const shop = await world(async (order) => {
      await order.pay()
      order.response.socket?.destroy()
    })
    const seller = await startSeller({ payee: shop.payee, now: shop.now })
    const policy = { maxPaymentMsat: '100 sat', maxTotalMsat: '1000 sat' }
    const lookupUrl = shop.wallet.lookupUrl
    const sure = createClient({ policy, now: shop.now, payer: shop.make({ lookupUrl }) })
    expect(await (await sure.fetch(`${seller.origin}/data`)).text()).toBe('paid /data')
    expect([shop.wallet.orders.length, shop.wallet.lookups()]).toEqual([1, 2])

    const unsure = createClient({ policy, now: shop.now, payer: shop.payer })
    const { error } = await caught(unsure.fetch(`${seller.origin}/data`))
    expect(isL402Error(error, 'PAYMENT_UNKNOWN')).toBe(true)
    // Nobody can tell: the same thing is not bought again, and the money stays set aside.
    expect((await caught(unsure.fetch(`${seller.origin}/data`))).error).toMatchObject({
      code: 'PAYMENT_UNKNOWN',
    })
    expect(shop.wallet.orders.length).toBe(2)
  })
})

test('R-HW-13 a wallet is named after its URL, whatever it is told besides', () => {
  const url = 'https://wallet.example/payinvoice?account=7'
  const one = createHttpWallet({ url })
  const headers = { authorization: `Bearer ${secret}` }
  const same = createHttpWallet({ url, headers, lookupUrl: 'https://wallet.example/{hash}' })
  expect(one.id).toMatch(/^[0-9a-f]{64}$/)
  expect(same.id).toBe(one.id)
  expect(createHttpWallet({ url: `${url}1` }).id).not.toBe(one.id)
  expect(one.orderLagSeconds).toBeUndefined()
})
