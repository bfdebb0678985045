import { request as httpRequest } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Msat } from '../../amount/index.ts'
import { msat } from '../../amount/index.ts'
import { encodeHex } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { Invoice } from '../../invoice/index.ts'
import { decodeInvoice, encodeInvoice, paymentHash, provesPayment } from '../../invoice/index.ts'
import type { Payer } from '../index.ts'
import type { DevnetNode, WalletPayer, WalletServer } from './index.ts'
import { connectWallet, createDevnet, serveWallet } from './index.ts'
import { formatAnswer } from './wallet-messages.ts'

const limits = { maxFeeMsat: msat(10_000n) } as const
const secret = 'c0ffee'.padEnd(64, '5')

let buyer: DevnetNode
let seller: DevnetNode
let server: WalletServer
let wallet: WalletPayer

beforeEach(async () => {
  const devnet = createDevnet()
  buyer = devnet.addNode('buyer', { balanceMsat: msat(100_000_000n) })
  seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
  server = await serveWallet(buyer, { secret })
  wallet = connectWallet(server.address)
})

afterEach(() => server.close())

test('R-LN-16 a wallet has a name of its own, which tells neither address nor secret', async () => {
  expect(connectWallet(server.address).id).toBe(wallet.id)
  expect(wallet.id).toMatch(/^[0-9a-f]{64}$/)
  expect(wallet.id).not.toContain(secret)
  expect(wallet.orderLagSeconds).toBe(1)
  const { url } = server.address
  expect(connectWallet({ url, secret: 'ab'.repeat(32) }).id).not.toBe(wallet.id)
  expect(connectWallet({ url: 'http://127.0.0.1:1', secret }).id).not.toBe(wallet.id)
  expect(buyer.id).toBe(encodeHex(buyer.nodeId))
  expect(seller.id).not.toBe(buyer.id)
})

describe('the endpoint', () => {
  test('R-LN-41 R-LN-42 pays, and answers in the words of other wallets too', async () => {
    const invoice = await invoiceOf(seller, msat(1_007_001n))
    const answer = await post({ invoice: invoice.text, maxFeeMsat: '5000' })
    expect(answer.status).toBe(200)
    expect(answer.type).toBe('application/json')
    const body = JSON.parse(answer.body)
    expect(body).toEqual({
      status: 'settled',
      isPaid: true,
      paymentHash: encodeHex(invoice.paymentHash),
      paymentPreimage: expect.stringMatching(/^[0-9a-f]{64}$/),
      amount: 1008,
      amountMsat: '1007001',
      feeMsat: '1100',
    })
    const looked = await get(`/payment/${body.paymentHash}`)
    expect(JSON.parse(looked.body)).toEqual(body)
  })

  test('R-LN-42 tells a failure, an unknown end and a payment never made', async () => {
    const invoice = await invoiceOf(seller)
    const hash = encodeHex(invoice.paymentHash)
    const head = { isPaid: false, paymentHash: hash }
    const notFound = await get(`/payment/${hash}`)
    expect(JSON.parse(notFound.body)).toEqual({ ...head, status: 'not-found' })
    const failed = await post({ invoice: invoice.text, maxFeeMsat: '0' })
    expect(JSON.parse(failed.body)).toEqual({ ...head, status: 'failed', reason: 'fee-limit' })
    buyer.injectFault({ kind: 'in-flight' })
    const unknown = await post({ invoice: invoice.text })
    expect(JSON.parse(unknown.body)).toEqual({ ...head, status: 'unknown' })
  })

  test.each([
    ['5000 msat', 100n, 5000n, 'settled'],
    ['5000 msat', 100n, 5001n, 'failed'],
    ['one per cent', 1_000_000n, 10_000n, 'settled'],
    ['one per cent', 1_000_000n, 10_001n, 'failed'],
  ])(
    'R-LN-41 without a ceiling it is %s: %s msat with a fee of %s msat has %s',
    async (_, amount, feeBase, status) => {
      const net = createDevnet({ feeBaseMsat: msat(feeBase), feeProportionalMillionths: 0 })
      const payer = net.addNode('payer', { balanceMsat: msat(10_000_000n) })
      const payee = net.addNode('payee', { balanceMsat: msat(0n) })
      const other = await serveWallet(payer, { secret })
      const invoice = await invoiceOf(payee, msat(amount))
      const answer = await post({ invoice: invoice.text }, other)
      expect(JSON.parse(answer.body).status).toBe(status)
      await other.close()
    },
  )

  test('R-LN-43 tells about its node', async () => {
    expect(await wallet.info()).toEqual({
      network: 'regtest',
      name: 'buyer',
      nodeId: buyer.nodeId,
      balanceMsat: 100_000_000n,
    })
    const { network, pay, lookupPayment } = buyer
    const bare = await serveWallet({ network, pay, lookupPayment })
    expect(await connectWallet(bare.address).info()).toEqual({
      network: 'regtest',
      name: undefined,
      nodeId: undefined,
      balanceMsat: undefined,
    })
    await bare.close()
  })

  test('R-LN-21 pays nothing for another network', async () => {
    const text = encodeInvoice(
      {
        network: 'bitcoin',
        amountMsat: msat(1000n),
        timestampSeconds: 1_700_000_000,
        paymentHash: paymentHash(new Uint8Array(32)),
        paymentSecret: new Uint8Array(32),
        description: '',
      },
      new Uint8Array(32).fill(1),
    )
    const answer = await post({ invoice: text })
    expect(JSON.parse(answer.body)).toMatchObject({ status: 'failed', reason: 'wrong-network' })
  })

  test('R-LN-40 is on 127.0.0.1 and on no other address', async () => {
    expect(server.address.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    // On Linux all of 127.0.0.0/8 is this machine, and a server on every address would answer.
    await expect(open('127.0.0.2')).rejects.toThrow()
    ;(await open('127.0.0.1')).destroy()
  })

  const authorization = `Bearer ${secret}`
  const json = 'application/json'
  type Raw = { readonly method?: string; readonly path?: string; readonly body?: string | Buffer }
  type Refusal = readonly [string, number, string, Record<string, string | undefined>, Raw?]
  const refusals: readonly Refusal[] = [
    ['R-LN-40 a name of a page', 400, 'REQUEST_MALFORMED', { host: 'attacker.example' }],
    ['R-LN-40 a name without the port', 400, 'REQUEST_MALFORMED', { host: '127.0.0.1' }],
    ['R-LN-40 the port of another', 400, 'REQUEST_MALFORMED', { host: '127.0.0.1:1' }],
    ['R-LN-40 an origin', 400, 'REQUEST_MALFORMED', { origin: 'http://localhost:8080' }],
    ['R-LN-40 an opaque origin', 400, 'REQUEST_MALFORMED', { origin: 'null' }],
    ['R-LN-46 no secret', 401, 'CREDENTIAL_REFUSED', { authorization: undefined }],
    [
      'R-LN-46 another secret',
      401,
      'CREDENTIAL_REFUSED',
      { authorization: `Bearer ${'0'.repeat(64)}` },
    ],
    [
      'R-LN-46 half the secret',
      401,
      'CREDENTIAL_REFUSED',
      { authorization: authorization.slice(0, 39) },
    ],
    [
      'R-LN-46 more than the secret',
      401,
      'CREDENTIAL_REFUSED',
      { authorization: `${authorization}0` },
    ],
    ['R-LN-46 another scheme', 401, 'CREDENTIAL_REFUSED', { authorization: `Basic ${secret}` }],
    ['R-LN-44 another path', 404, 'REQUEST_NOT_FOUND', {}, { path: '/createinvoice' }],
    ['R-LN-44 a longer path', 404, 'REQUEST_NOT_FOUND', {}, { path: '/payinvoice/' }],
    ['R-LN-44 a query', 404, 'REQUEST_NOT_FOUND', {}, { path: '/payinvoice?a=b' }],
    ['R-LN-44 half a hash', 404, 'REQUEST_NOT_FOUND', {}, { path: '/payment/abcd', method: 'GET' }],
    [
      'R-LN-44 a hash in capitals',
      404,
      'REQUEST_NOT_FOUND',
      {},
      { path: `/payment/${'A'.repeat(64)}`, method: 'GET' },
    ],
    ['R-LN-44 a path upwards', 404, 'REQUEST_NOT_FOUND', {}, { path: '/../payinvoice' }],
    ['R-LN-44 another method', 405, 'REQUEST_METHOD', {}, { method: 'PUT' }],
    ['R-LN-44 an order by GET', 405, 'REQUEST_METHOD', {}, { method: 'GET' }],
    ['R-LN-44 a preflight', 405, 'REQUEST_METHOD', {}, { method: 'OPTIONS' }],
    [
      'R-LN-41 a form',
      400,
      'REQUEST_MALFORMED',
      { 'content-type': 'application/x-www-form-urlencoded' },
    ],
    ['R-LN-41 plain text', 400, 'REQUEST_MALFORMED', { 'content-type': 'text/plain' }],
    ['R-LN-41 no type', 400, 'REQUEST_MALFORMED', { 'content-type': undefined }],
    ['R-LN-41 no JSON', 400, 'REQUEST_MALFORMED', {}, { body: 'invoice=lnbcrt' }],
    ['R-LN-41 an empty body', 400, 'REQUEST_MALFORMED', {}, { body: '' }],
    ['R-LN-41 a list', 400, 'REQUEST_MALFORMED', {}, { body: '["lnbcrt"]' }],
    ['R-LN-41 no invoice', 400, 'REQUEST_MALFORMED', {}, { body: '{}' }],
    [
      'R-LN-41 a misspelt ceiling',
      400,
      'REQUEST_MALFORMED',
      {},
      { body: '{"invoice":"lnbcrt","maxFeeMSat":"1"}' },
    ],
    [
      'R-LN-41 a ceiling as a number',
      400,
      'REQUEST_MALFORMED',
      {},
      { body: '{"invoice":"lnbcrt","maxFeeMsat":1}' },
    ],
    [
      'R-LN-41 a negative ceiling',
      400,
      'REQUEST_MALFORMED',
      {},
      { body: '{"invoice":"lnbcrt","maxFeeMsat":"-1"}' },
    ],
    [
      'R-LN-41 a ceiling above all money',
      400,
      'REQUEST_MALFORMED',
      {},
      { body: '{"invoice":"lnbcrt","maxFeeMsat":"2100000000000000001"}' },
    ],
    [
      'R-LN-41 a prototype',
      400,
      'REQUEST_MALFORMED',
      {},
      { body: '{"__proto__":{"invoice":"lnbcrt"}}' },
    ],
    ['R-LN-41 what is not UTF-8', 400, 'BYTES_UTF8', {}, { body: Buffer.from([0x7b, 0xff, 0x7d]) }],
    ['R-LN-41 no invoice at all', 400, 'INVOICE_MALFORMED', {}, { body: '{"invoice":"hello"}' }],
    ['R-LN-49 a long body', 400, 'REQUEST_MALFORMED', {}, { body: 'x'.repeat(16_385) }],
    [
      'R-LN-49 a long body in chunks',
      400,
      'REQUEST_MALFORMED',
      { 'transfer-encoding': 'chunked' },
      { body: 'x'.repeat(30_000) },
    ],
  ]
  for (const [name, status, code, headers, raw] of refusals) {
    test(`${name} is refused with ${status} ${code}`, async () => {
      const given = { authorization, 'content-type': json, ...headers }
      const order = { method: 'POST', path: '/payinvoice', body: '{}', ...raw }
      const answer = await send(server, order, given)
      expect(answer.status).toBe(status)
      expect(answer.type).toBe('application/problem+json')
      expect(JSON.parse(answer.body)).toMatchObject({ status, code })
      expect(answer.body).not.toContain(secret.slice(0, 16))
      expect(answer.headers['cache-control']).toBe('no-store')
      // And it still works for those it is for.
      expect((await wallet.pay(await invoiceOf(seller), limits)).status).toBe('settled')
    })
  }

  test('R-LN-40 two Host lines are refused', async () => {
    const host = new URL(server.address.url).host
    const head = `GET /info HTTP/1.1\r\nHost: ${host}\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\n\r\n`
    expect(await rawExchange(head)).toMatch(/^HTTP\/1\.1 400 .*REQUEST_MALFORMED/s)
  })

  test('R-LN-40 localhost is a name of its own', async () => {
    const host = new URL(server.address.url).host.replace('127.0.0.1', 'localhost')
    const head = `GET /info HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`
    expect(await rawExchange(head)).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('R-LN-44 a node that cannot be reached is 503, and no order was given', async () => {
    const invoice = await invoiceOf(seller)
    buyer.setReachable(false)
    const answer = await post({ invoice: invoice.text })
    expect(answer.status).toBe(503)
    await expect(wallet.pay(invoice, limits)).rejects.toSatisfy(isUnavailable)
    await expect(wallet.lookupPayment(invoice.paymentHash)).rejects.toSatisfy(isUnavailable)
    buyer.setReachable(true)
    expect(await wallet.lookupPayment(invoice.paymentHash)).toBeUndefined()
  })

  test('R-LN-10 a node that breaks after the order is unknown, and its words stay inside', async () => {
    const breaking: Payer = {
      network: 'regtest',
      pay: () => Promise.reject(new Error('preimage 1234')),
      lookupPayment: () => Promise.reject(new Error('preimage 1234')),
    }
    const other = await serveWallet(breaking, { secret })
    const invoice = await invoiceOf(seller)
    expect(await connectWallet(other.address).pay(invoice, limits)).toEqual({ status: 'unknown' })
    const looked = await send(
      other,
      { method: 'GET', path: `/payment/${encodeHex(invoice.paymentHash)}` },
      { authorization },
    )
    expect(looked.status).toBe(503)
    expect(looked.body).not.toContain('1234')
    await other.close()
  })

  test('R-LN-49 a client that goes away aborts its call, and its payment goes on', async () => {
    const invoice = await invoiceOf(seller)
    buyer.injectFault({ kind: 'hang' })
    const stop = new AbortController()
    const paying = wallet.pay(invoice, { ...limits, signal: stop.signal })
    await settlementOf(seller)
    stop.abort()
    expect(await paying).toEqual({ status: 'unknown' })
    expect((await wallet.lookupPayment(invoice.paymentHash))?.status).toBe('settled')
  })

  test('R-LN-49 an order whose sender is gone is taken up before the lookup, or never', async () => {
    const host = new URL(server.address.url).host
    let settled = 0
    for (let i = 0; i < 40; i++) {
      const invoice = await invoiceOf(seller)
      const body = JSON.stringify({ invoice: invoice.text })
      const head = `POST /payinvoice HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\nContent-Type: ${json}\r\nContent-Length: ${body.length}\r\n\r\n`
      const socket = await open('127.0.0.1')
      await new Promise<void>((resolve) => socket.write(head + body, () => resolve()))
      if (i % 2 === 0) socket.destroy()
      else socket.resetAndDestroy()
      const first = await wallet.lookupPayment(invoice.paymentHash)
      if (first !== undefined) settled++
      const second = await wallet.lookupPayment(invoice.paymentHash)
      expect(second?.status).toBe(first?.status)
    }
    expect(settled).toBeGreaterThan(0)
  })

  test('R-LN-49 half a request that never ends harms nobody else', async () => {
    const host = new URL(server.address.url).host
    const sockets = await Promise.all(Array.from({ length: 20 }, () => open('127.0.0.1')))
    for (const socket of sockets) {
      socket.write(
        `POST /payinvoice HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\nContent-Type: ${json}\r\nContent-Length: 100\r\n\r\n{"inv`,
      )
    }
    expect((await wallet.pay(await invoiceOf(seller), limits)).status).toBe('settled')
    for (const socket of sockets) socket.destroy()
  })

  test('R-LN-49 those who connect and say nothing take no place from others', async () => {
    const sockets = await Promise.all(Array.from({ length: 300 }, () => open('127.0.0.1')))
    for (const socket of sockets) socket.on('error', () => {})
    expect((await wallet.pay(await invoiceOf(seller), limits)).status).toBe('settled')
    for (const socket of sockets) socket.destroy()
  })

  test('R-LN-49 and are told to go after a few seconds', async () => {
    const socket = await open('127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve))
  }, 6000)

  test('R-LN-46 R-LN-40 does not start with a secret, a network or a port it cannot have', async () => {
    for (const bad of ['', 'short', 'G'.repeat(64), 'A'.repeat(64), `${secret}\r\n`]) {
      await expect(serveWallet(buyer, { secret: bad })).rejects.toSatisfy(isConfigInvalid)
    }
    const mainnet: Payer = { ...buyer, network: 'bitcoin' }
    await expect(serveWallet(mainnet)).rejects.toSatisfy(isConfigInvalid)
    const port = Number(new URL(server.address.url).port)
    await expect(serveWallet(buyer, { port })).rejects.toSatisfy(isConfigInvalid)
  })

  test('R-LN-46 has a fresh secret each time', async () => {
    const one = await serveWallet(buyer)
    const two = await serveWallet(buyer)
    expect(one.address.secret).toMatch(/^[0-9a-f]{64}$/)
    expect(one.address.secret).not.toBe(two.address.secret)
    await Promise.all([one.close(), two.close()])
  })

  test('R-LN-47 closes once, at once, and for good', async () => {
    const idle = await open('127.0.0.1')
    idle.on('error', () => {})
    await Promise.all([server.close(), server.close()])
    await server.close()
    const invoice = await invoiceOf(seller)
    await expect(wallet.pay(invoice, limits)).rejects.toSatisfy(isUnavailable)
  })
})

describe('the client of the endpoint', () => {
  let fake: Server
  let sockets: Socket[]
  let requests: string[]
  let behave: (socket: Socket, request: string) => void

  beforeEach(async () => {
    sockets = []
    requests = []
    fake = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.once('data', (chunk) => {
        requests.push(chunk.toString())
        behave(socket, chunk.toString())
      })
    })
    await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve))
  })

  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => fake.close(resolve))
  })

  function connectFake(timeoutMs = 5000): WalletPayer {
    const { port } = fake.address() as AddressInfo
    return connectWallet({ url: `http://127.0.0.1:${port}`, secret }, { timeoutMs })
  }

  const reply =
    (body: string, status = '200 OK', type = 'application/json') =>
    (socket: Socket) => {
      socket.end(
        `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
    }
  const settled = (invoice: Invoice, change: Record<string, unknown> = {}): string => {
    const preimage = invoice.paymentHash as Uint8Array as never
    const outcome = {
      status: 'settled',
      preimage,
      amountMsat: msat(1n),
      feeMsat: msat(1n),
    } as const
    return JSON.stringify({ ...JSON.parse(formatAnswer(invoice.paymentHash, outcome)), ...change })
  }

  type Lost = readonly [string, (invoice: Invoice) => (socket: Socket) => void]
  const lost: readonly Lost[] = [
    ['closes the connection', () => (socket) => socket.end()],
    ['resets the connection', () => (socket) => socket.resetAndDestroy()],
    ['answers half a status line', () => (socket) => socket.end('HTTP/1.1 2')],
    ['speaks another protocol', () => (socket) => socket.end('SSH-2.0-x\r\n')],
    [
      'answers half a body',
      (invoice) => (socket) => {
        socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n${settled(invoice).slice(0, 60)}`)
      },
    ],
    [
      'breaks off a chunked body',
      (invoice) => (socket) => {
        const body = settled(invoice)
        socket.end(
          `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`,
        )
      },
    ],
    [
      'answers without end',
      () => (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        const pump = (): void => {
          while (!socket.destroyed && socket.write(' '.repeat(10_000))) {}
          if (!socket.destroyed) socket.once('drain', pump)
        }
        pump()
      },
    ],
    ['answers nothing', () => reply('')],
    ['answers a page', () => reply('<html>', '200 OK', 'text/html')],
    [
      'answers what is not UTF-8',
      () => (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n')
        socket.end(Buffer.from([0xff]))
      },
    ],
    [
      'answers about another payment',
      (invoice) => reply(settled(invoice, { paymentHash: '0'.repeat(64) })),
    ],
    [
      'settles without a preimage',
      (invoice) => reply(settled(invoice, { paymentPreimage: undefined })),
    ],
    [
      'settles with half a preimage',
      (invoice) => reply(settled(invoice, { paymentPreimage: 'abcd' })),
    ],
    ['settles with a fee as a number', (invoice) => reply(settled(invoice, { feeMsat: 1 }))],
    ['settles what is not paid', (invoice) => reply(settled(invoice, { isPaid: false }))],
    ['has a status of its own', (invoice) => reply(settled(invoice, { status: 'paid' }))],
    [
      'fails without a reason',
      (invoice) => reply(settled(invoice, { status: 'failed', isPaid: false })),
    ],
    [
      'fails with a reason of its own',
      (invoice) => reply(settled(invoice, { status: 'failed', isPaid: false, reason: 'toString' })),
    ],
    ['has an error of its own', () => reply('oops', '500 Internal Server Error', 'text/plain')],
    ['answers a page of a stranger', () => reply('<html>', '404 Not Found', 'text/html')],
    ['has a problem of a stranger', () => reply('{"code":"E_NO"}', '400 Bad Request')],
    ['has a problem named like a method', () => reply('{"code":"toString"}', '400 Bad Request')],
    [
      'sends elsewhere',
      () => (socket) => {
        socket.end(
          `HTTP/1.1 307 X\r\nLocation: ${server.address.url}/payinvoice\r\nContent-Length: 0\r\n\r\n`,
        )
      },
    ],
    [
      'switches the protocol',
      () => (socket) => {
        socket.end('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
      },
    ],
    [
      'continues for ever',
      () => (socket) => socket.end('HTTP/1.1 100 Continue\r\n\r\n'.repeat(50)),
    ],
    [
      'has headers without end',
      () => (socket) => socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`),
    ],
  ]
  test.each(lost)('R-LN-45 an order is unknown when the wallet %s', async (_, script) => {
    const invoice = await invoiceOf(seller)
    behave = script(invoice)
    expect(await connectFake().pay(invoice, limits)).toEqual({ status: 'unknown' })
    expect(requests, 'sent once').toHaveLength(1)
    expect(await buyer.lookupPayment(invoice.paymentHash), 'and to no other').toBeUndefined()
  })

  test.each(lost)('R-LN-15 R-LN-45 a lookup cannot tell when the wallet %s', async (_, script) => {
    const invoice = await invoiceOf(seller)
    behave = script(invoice)
    const lookup = connectFake().lookupPayment(invoice.paymentHash)
    await expect(lookup).rejects.toSatisfy(isUnavailable)
  })

  test('R-LN-45 an order answered with "not found" is unknown; a lookup is told the truth', async () => {
    const invoice = await invoiceOf(seller)
    behave = reply(formatAnswer(invoice.paymentHash, undefined))
    expect(await connectFake().pay(invoice, limits)).toEqual({ status: 'unknown' })
    expect(await connectFake().lookupPayment(invoice.paymentHash)).toBeUndefined()
  })

  test('R-LN-45 members that are not known are ignored', async () => {
    const invoice = await invoiceOf(seller)
    behave = reply(settled(invoice, { later: ['version'] }))
    expect((await connectFake().pay(invoice, limits)).status).toBe('settled')
  })

  test('R-LN-45 a problem of the endpoint means that no order was given', async () => {
    const invoice = await invoiceOf(seller)
    behave = reply('{"status":401,"code":"CREDENTIAL_REFUSED"}', '401 Unauthorized')
    await expect(connectFake().pay(invoice, limits)).rejects.toMatchObject({
      code: 'NODE_UNAVAILABLE',
      details: { reason: 'CREDENTIAL_REFUSED' },
    })
  })

  test('R-LN-11 R-LN-45 nobody listens: no order was given', async () => {
    const invoice = await invoiceOf(seller)
    const payer = connectFake()
    await new Promise((resolve) => fake.close(resolve))
    await expect(payer.pay(invoice, limits)).rejects.toSatisfy(isUnavailable)
    await expect(payer.lookupPayment(invoice.paymentHash)).rejects.toSatisfy(isUnavailable)
    await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve))
  })

  test('R-LN-11 R-LN-45 a wallet that died after an answer is not there, rather than unknown', async () => {
    const invoice = await invoiceOf(seller)
    expect((await wallet.pay(invoice, limits)).status).toBe('settled')
    await server.close()
    await expect(wallet.pay(await invoiceOf(seller), limits)).rejects.toSatisfy(isUnavailable)
  })

  test('R-LN-45 waits as long as it was told, and no longer', async () => {
    const invoice = await invoiceOf(seller)
    behave = () => {}
    const payer = connectFake(150)
    const started = performance.now()
    expect(await payer.pay(invoice, limits)).toEqual({ status: 'unknown' })
    const tookMs = performance.now() - started
    expect(tookMs).toBeGreaterThan(145)
    expect(tookMs).toBeLessThan(2000)
    await expect(payer.lookupPayment(invoice.paymentHash)).rejects.toMatchObject({
      details: { reason: 'timeout' },
    })
  })

  test('R-LN-45 a wallet that drips is over in time, too', async () => {
    const invoice = await invoiceOf(seller)
    behave = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const drip = setInterval(() => socket.write(' '), 20)
      socket.on('close', () => clearInterval(drip))
    }
    const started = performance.now()
    expect(await connectFake(200).pay(invoice, limits)).toEqual({ status: 'unknown' })
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('R-LN-10 an abort on the way is unknown', async () => {
    const invoice = await invoiceOf(seller)
    const stop = new AbortController()
    behave = () => stop.abort()
    const paying = connectFake().pay(invoice, { ...limits, signal: stop.signal })
    expect(await paying).toEqual({ status: 'unknown' })
    const aborted = { ...limits, signal: AbortSignal.abort() }
    expect(await connectFake().pay(invoice, aborted)).toEqual({ status: 'unknown' })
    expect(requests).toHaveLength(1)
  })

  test('R-LN-28 hands on a preimage that proves nothing: its user checks', async () => {
    const invoice = await invoiceOf(seller)
    buyer.injectFault({ kind: 'wrong-preimage' })
    const outcome = await wallet.pay(invoice, limits)
    if (outcome.status !== 'settled') throw new Error(outcome.status)
    expect(provesPayment(outcome.preimage, invoice.paymentHash)).toBe(false)
  })

  test.each([0, 1.5, Number.NaN, 3_600_001])(
    'R-LN-45 a time-out of %s ms is refused',
    (timeoutMs) => {
      expect(() => connectWallet(server.address, { timeoutMs })).toThrow(RangeError)
    },
  )
})

describe('R-LN-46 the secret', () => {
  test('is shown by no inspection, serialization or copy', () => {
    for (const thing of [server, server.address, wallet, { ...server.address }]) {
      const shown = [
        inspect(thing, { depth: 10, showHidden: true, getters: false }),
        JSON.stringify(thing),
        String(thing),
      ]
      expect(shown.join('\n')).not.toContain(secret.slice(0, 16))
    }
    expect(server.address.secret).toBe(secret)
  })

  test('is in no error', async () => {
    const invoice = await invoiceOf(seller)
    const { url } = server.address
    await server.close()
    const works = [
      async () => connectWallet({ url: 'http://example.com', secret }),
      async () => connectWallet({ url, secret: `${secret}\n` }),
      async () => connectWallet({ url, secret: secret.toUpperCase() }),
      () => serveWallet(buyer, { secret: `${secret}0` }),
      () => wallet.pay(invoice, limits),
      () => wallet.lookupPayment(invoice.paymentHash),
      () => wallet.info(),
    ]
    for (const work of works) {
      const error: unknown = await work().then(
        () => undefined,
        (caught: unknown) => caught,
      )
      expect(isL402Error(error)).toBe(true)
      const shown = inspect(error, { depth: 10, showHidden: true }).toLowerCase()
      expect(shown).not.toContain(secret.slice(0, 16))
    }
  })

  test.each([
    'https://127.0.0.1:80',
    'http://localhost:80',
    'http://127.0.0.1',
    'http://127.0.0.1:0',
    'http://127.0.0.1:65536',
    'http://127.0.0.1:80/',
    'http://127.0.0.1:80@example.com',
    'http://example.com:80',
    'http://127.0.0.1:80\n',
    'HTTP://127.0.0.1:80',
    '',
  ])('R-LN-40 is not taken to %j', (url) => {
    expect(() => connectWallet({ url, secret })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})

type Answer = {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers: Record<string, string | string[] | undefined>
}

function post(body: object, to: WalletServer = server): Promise<Answer> {
  const raw = { method: 'POST', path: '/payinvoice', body: JSON.stringify(body) }
  return send(to, raw, { authorization: `Bearer ${secret}`, 'content-type': 'application/json' })
}

function get(path: string): Promise<Answer> {
  return send(server, { method: 'GET', path }, { authorization: `Bearer ${secret}` })
}

function send(
  to: WalletServer,
  raw: { readonly method: string; readonly path: string; readonly body?: string | Buffer },
  headers: Record<string, string | undefined>,
): Promise<Answer> {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined)
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      to.address.url,
      { method: raw.method, path: raw.path, headers: Object.fromEntries(given), agent: false },
      async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          body: Buffer.concat(chunks).toString(),
          headers: response.headers,
        })
      },
    )
    request.on('error', reject)
    request.end(raw.method === 'GET' ? undefined : raw.body)
  })
}

function open(host: string): Promise<Socket> {
  const port = Number(new URL(server.address.url).port)
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => resolve(socket))
    socket.on('error', reject)
  })
}

async function rawExchange(text: string): Promise<string> {
  const socket = await open('127.0.0.1')
  socket.write(text)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return answer
}

async function invoiceOf(node: DevnetNode, amountMsat: Msat = msat(50_000n)): Promise<Invoice> {
  const request = { amountMsat, description: 'test', expirySeconds: 600 }
  return decodeInvoice((await node.createInvoice(request)).invoice)
}

/** Waits for the next settlement. */
async function settlementOf(node: DevnetNode): Promise<void> {
  const stop = new AbortController()
  for await (const _ of node.settlements(stop.signal)) break
  stop.abort()
}

function isUnavailable(error: unknown): boolean {
  return isL402Error(error, 'NODE_UNAVAILABLE')
}

function isConfigInvalid(error: unknown): boolean {
  return isL402Error(error, 'CONFIG_INVALID')
}
