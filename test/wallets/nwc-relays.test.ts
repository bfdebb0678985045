import 'reflect-metadata'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import type { Invoice } from '../../library/src/invoice/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import type { Settlement } from '../../library/src/lightning/index.ts'
import type { NostrEvent } from '../../library/src/lightning/nostr/index.ts'
import { createSigner, publicKeyOf, signEvent } from '../../library/src/lightning/nostr/index.ts'
import type { NwcOptions, NwcWallet } from '../../library/src/lightning/nwc/index.ts'
import { createNwc } from '../../library/src/lightning/nwc/index.ts'
import { testClock } from '../../library/src/testing/index.ts'
import type { NwcLookAlike, NwcLookAlikeOptions } from '../../library/src/testing/look-alike/nwc.ts'
import { serveNwc } from '../../library/src/testing/look-alike/nwc.ts'
import { serveRelay } from '../../library/src/testing/look-alike/relay.ts'
import { makeIdentity, openTlsFront } from './lnd-tls.ts'
import { scriptWallet } from './nwc-scripted-wallet.ts'

const limits = { maxFeeMsat: msat(50_000n) } as const
const plenty = msat(20_000_000n)
const endings: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

type World = {
  readonly node: DevnetNode
  readonly peer: DevnetNode
  readonly lookAlike: NwcLookAlike
  readonly wallet: NwcWallet
  readonly clock: ReturnType<typeof testClock>
}

async function createWorld(
  options: NwcLookAlikeOptions = {},
  changes: Partial<NwcOptions> = {},
): Promise<World> {
  const clock = testClock()
  const devnet = createDevnet({ now: clock.now })
  const node = devnet.addNode('wallet', { balanceMsat: plenty })
  const peer = devnet.addNode('peer', { balanceMsat: plenty })
  const lookAlike = await serveNwc(node, { now: clock.now, ...options })
  endings.push(lookAlike.close)
  const wallet = connect(lookAlike, { now: clock.now, ...changes })
  return { node, peer, lookAlike, wallet, clock }
}

function connect(lookAlike: NwcLookAlike, changes: Partial<NwcOptions> = {}): NwcWallet {
  const wallet = createNwc({
    walletPubkey: lookAlike.walletPubkey,
    secret: lookAlike.secret,
    relays: lookAlike.relays.map(({ url }) => url),
    network: 'regtest',
    timeoutMs: 1000,
    orderTimeoutMs: 3000,
    pollMs: 20,
    ...changes,
  })
  endings.push(wallet.close)
  return wallet
}

async function invoiceOf(node: DevnetNode, amount = 21_000n): Promise<Invoice> {
  const request = { amountMsat: msat(amount), description: 'tea', expirySeconds: 600 }
  return decodeInvoice((await node.createInvoice(request)).invoice)
}

const request = { amountMsat: msat(21_000n), description: 'tea', expirySeconds: 600 }
const stranger = new Uint8Array(32).fill(0x44)

function requestsOf(lookAlike: NwcLookAlike): readonly NostrEvent[] {
  return lookAlike.relays.flatMap(({ published }) => published).filter((one) => one.kind === 23_194)
}

describe('R-NWC-1 requests', () => {
  test('are for the wallet, encrypted, each another one, and say how long they are good', async () => {
    const { lookAlike, wallet, peer, clock } = await createWorld()
    await wallet.payee.createInvoice(request)
    await wallet.payee.createInvoice(request)
    await wallet.payer.pay(await invoiceOf(peer), limits)
    const events = requestsOf(lookAlike)
    expect(events.length).toBe(4)
    expect(new Set(events.map(({ id }) => id)).size).toBe(4)
    expect(new Set(events.map(({ content }) => content)).size).toBe(4)
    for (const { tags, content, created_at } of events) {
      expect(created_at).toBe(Math.floor(clock.now()))
      expect(tags).toContainEqual(['p', lookAlike.walletPubkey])
      expect(tags).toContainEqual(['encryption', 'nip44_v2'])
      const expiration = Number(tags.find(([name]) => name === 'expiration')?.[1])
      expect(expiration).toBeGreaterThanOrEqual(created_at + 60)
      expect(expiration).toBeLessThanOrEqual(created_at + 75)
      expect(content).not.toMatch(/invoice|lnbcrt/)
    }
  })
  test('go to every relay, and the wallet carries them out once', async () => {
    const { lookAlike, wallet, peer, node } = await createWorld({ relays: 3 })
    const before = node.balanceMsat()
    const outcome = await wallet.payer.pay(await invoiceOf(peer), limits)
    expect(outcome).toMatchObject({ status: 'settled' })
    expect(before - node.balanceMsat()).toBeLessThan(30_000n)
    expect(lookAlike.seen.filter(({ role }) => role === 'order').length).toBe(1)
  })
  test('one relay that is there is enough', async () => {
    const { lookAlike, wallet, peer } = await createWorld({ relays: 2 })
    await lookAlike.relays[0]?.setReachable(false)
    expect((await wallet.payer.pay(await invoiceOf(peer), limits)).status).toBe('settled')
    expect((await wallet.payee.createInvoice(request)).invoice).toMatch(/^lnbcrt/)
  })
})

describe('R-NWC-41 how a request is encrypted', () => {
  for (const [what, options, tag, isOld] of [
    ['both', {}, ['encryption', 'nip44_v2'], false],
    ['NIP-04 alone', { speaks: ['nip04'] }, ['encryption', 'nip04'], true],
    ['NIP-44 alone', { speaks: ['nip44_v2'] }, ['encryption', 'nip44_v2'], false],
    ['the tag v of older drafts', { speaks: 'v' }, ['v', '1.0'], false],
    ['nothing of it', { speaks: 'nothing' }, ['encryption', 'nip04'], true],
    ['nothing at all', { publishesInfo: false }, ['encryption', 'nip04'], true],
  ] as const satisfies readonly (readonly [string, NwcLookAlikeOptions, string[], boolean])[]) {
    test(`a wallet that says ${what}`, async () => {
      const { lookAlike, wallet } = await createWorld(options)
      await wallet.payee.createInvoice(request)
      const [event] = requestsOf(lookAlike)
      expect(event?.tags).toContainEqual(tag)
      expect(event?.content.includes('?iv=')).toBe(isOld)
    })
  }
  test('a wallet that has changed its mind says so, and is asked anew', async () => {
    const said = ['UNSUPPORTED_ENCRYPTION']
    const { wallet, close, relay } = await scriptWallet(() => {
      const code = said.pop()
      return code === undefined ? { result: { balance: 5 } } : { result_type: '', error: { code } }
    })
    endings.push(close)
    await expect(wallet.balanceMsat()).rejects.toThrow(/NODE_UNAVAILABLE|UNSUPPORTED_ENCRYPTION/)
    expect(await wallet.balanceMsat()).toBe(5n)
    expect(relay.published.length).toBe(2)
  })
})

/** The same event with the id of what it says now. Its signature is that of before. */
function withId(event: NostrEvent): NostrEvent {
  const { pubkey, created_at, kind, tags, content } = event
  const text = JSON.stringify([0, pubkey, created_at, kind, tags, content])
  return { ...event, id: createHash('sha256').update(text).digest('hex') }
}

/** The same event with something changed, signed by whoever it says it is of. */
function forge(event: NostrEvent, key: Uint8Array, changes: Partial<NostrEvent>): NostrEvent {
  return signEvent({ ...event, ...changes }, createSigner(key))
}

describe('R-NWC-10 only what the wallet itself says to this request counts', () => {
  const flip = (text: string): string => (text.startsWith('0') ? '1' : '0') + text.slice(1)
  for (const [what, change] of [
    ['another signature', (event) => ({ ...event, sig: flip(event.sig) })],
    ['another id', (event) => ({ ...event, id: flip(event.id) })],
    ['a cut content', (event) => ({ ...event, content: event.content.slice(0, 50) })],
    ['another content', (event) => ({ ...event, content: `B${event.content.slice(1)}` })],
    ['another author', (event) => forge(event, stranger, {})],
    [
      'another author who says that it is the wallet',
      (event) => ({
        ...forge(event, stranger, {}),
        pubkey: event.pubkey,
      }),
    ],
    ['another kind', (event, key) => forge(event, key, { kind: 23_196 })],
    [
      'the answer to another request',
      (event, key) => forge(event, key, { tags: [event.tags[0] ?? [], ['e', '00'.repeat(32)]] }),
    ],
    ['an answer to no request', (event, key) => forge(event, key, { tags: [event.tags[0] ?? []] })],
    [
      'an answer to another client',
      (event, key) => forge(event, key, { tags: [['p', '00'.repeat(32)], event.tags[1] ?? []] }),
    ],
    ['an answer to no client', (event, key) => forge(event, key, { tags: [event.tags[1] ?? []] })],
    ['no event', () => ({}) as NostrEvent],
  ] as const satisfies readonly (readonly [
    string,
    (event: NostrEvent, walletKey: Uint8Array) => NostrEvent,
  ])[]) {
    test(`${what} is passed over, and the right one is taken`, async () => {
      const { lookAlike, wallet, peer } = await createWorld()
      const spoil = (event: NostrEvent): readonly NostrEvent[] => [
        change(event, lookAlike.walletSecret),
        event,
      ]
      lookAlike.alter(spoil)
      lookAlike.alter(spoil)
      expect((await wallet.payer.pay(await invoiceOf(peer), limits)).status).toBe('settled')
    })
    test(`${what} alone is no answer`, async () => {
      const { lookAlike, wallet } = await createWorld({}, { timeoutMs: 300 })
      lookAlike.alter((event) => [change(event, lookAlike.walletSecret)])
      const asked = wallet.payee.createInvoice(request)
      await expect(asked).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    })
  }
  test('a relay that puts an old answer under a new request is not believed', async () => {
    const { lookAlike, wallet } = await createWorld({}, { timeoutMs: 300 })
    const old: NostrEvent[] = []
    lookAlike.alter((event) => {
      old.push(event)
      return [event]
    })
    await wallet.payee.createInvoice(request)
    // The content is the wallet's own, and its MAC right: only the signature says what it answers.
    lookAlike.alter(({ tags }) => old.map((event) => withId({ ...event, tags })))
    const asked = wallet.payee.createInvoice(request)
    await expect(asked).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
  })
  test('a relay that passes on everything to everybody changes nothing', async () => {
    const { lookAlike, wallet, peer } = await createWorld()
    const [relay] = lookAlike.relays
    lookAlike.alter((event) => {
      for (let i = 0; i < 20; i++) relay?.publish(forge(event, stranger, { created_at: i }))
      return [event]
    })
    expect((await wallet.payer.pay(await invoiceOf(peer), limits)).status).toBe('settled')
  })
})

describe('R-NWC-11 the first answer counts', () => {
  test('and what comes after it is passed over', async () => {
    const { lookAlike, wallet, peer } = await createWorld({ relays: 2 })
    lookAlike.alter((event) => [event, event, event])
    lookAlike.alter((event) => [event, event, event])
    expect((await wallet.payer.pay(await invoiceOf(peer), limits)).status).toBe('settled')
    expect((await wallet.payer.pay(await invoiceOf(peer), limits)).status).toBe('settled')
  })
})

describe('R-NWC-12 an answer of the wallet that cannot be read', () => {
  test('ends the waiting for it at once', async () => {
    const { lookAlike, wallet } = await createWorld({}, { timeoutMs: 20_000 })
    lookAlike.alter((event) => [forge(event, lookAlike.walletSecret, { content: 'x' })])
    await expect(wallet.payee.createInvoice(request)).rejects.toThrow(/nonsense|NODE_UNAVAILABLE/)
  })
})

describe('R-NWC-6 only what no relay was given is not ordered', () => {
  test('nothing listens: NODE_UNAVAILABLE at once, with the reason', async () => {
    const { lookAlike, wallet, peer } = await createWorld({}, { timeoutMs: 20_000 })
    await lookAlike.setReachable(false)
    const error = await wallet.payer
      .pay(await invoiceOf(peer), limits)
      .catch((caught: unknown) => caught)
    expect(inspect(error)).toContain('nwc: its relay: nothing listens there')
  })
  test('the relay took it, and the wallet was never there: unknown', async () => {
    const relay = await serveRelay()
    endings.push(relay.close)
    const { peer, clock } = await createWorld()
    const wallet = createNwc({
      walletPubkey: publicKeyOf(stranger) ?? '',
      secret: '55'.repeat(32),
      relays: [relay.url],
      network: 'regtest',
      now: clock.now,
      timeoutMs: 300,
      orderTimeoutMs: 900,
    })
    endings.push(wallet.close)
    // That it may be asked nobody says, and the question is not answered: so it is not ordered either.
    const paying = wallet.payer.pay(await invoiceOf(peer), limits)
    await expect(paying).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    const kinds = relay.published.map(({ kind }) => kind)
    expect(kinds).toEqual([23_194])
  })
  test('the relay refuses the order: unknown, and it is looked up', async () => {
    const { lookAlike, wallet, peer } = await createWorld()
    const how = { kind: 'answer', status: 503, body: '' } as const
    lookAlike.inject('order', { executed: false, how })
    expect(await wallet.payer.pay(await invoiceOf(peer), limits)).toEqual({ status: 'unknown' })
    expect(lookAlike.seen.map(({ path }) => path)).toEqual([
      'lookup_invoice',
      'pay_invoice',
      'lookup_invoice',
    ])
  })
  test('one relay refuses it and another takes it', async () => {
    const { lookAlike, wallet, peer } = await createWorld({ relays: 2 })
    const refusing = await serveRelay()
    endings.push(refusing.close)
    refusing.guard(async (event, client) => {
      client.send('OK', event.id, false, 'blocked: not here')
      return 'done'
    })
    const relays = [refusing.url, ...lookAlike.relays.map(({ url }) => url)]
    const second = connect(lookAlike, { relays, now: (await createWorld()).clock.now })
    wallet.close()
    expect((await second.payer.pay(await invoiceOf(peer), limits)).status).toBe('settled')
  })
})

describe('R-NWC-13 connections', () => {
  test('there is none before the first call', async () => {
    const { lookAlike } = await createWorld()
    expect(lookAlike.relays[0]?.connections()).toBe(0)
  })
  test('one serves all calls', async () => {
    const { lookAlike, wallet } = await createWorld()
    await Promise.all(Array.from({ length: 20 }, () => wallet.payee.createInvoice(request)))
    expect(lookAlike.relays[0]?.connections()).toBe(1)
  })
  test('one that died unseen is noticed before anything is sent', async () => {
    const { lookAlike, wallet, peer } = await createWorld()
    await wallet.payee.createInvoice(request)
    await lookAlike.setReachable(false)
    await lookAlike.setReachable(true)
    expect((await wallet.payer.pay(await invoiceOf(peer), limits)).status).toBe('settled')
  })
  test('an answer that comes after the connection broke is heard on the next one', async () => {
    const { lookAlike, wallet, peer } = await createWorld()
    lookAlike.inject('order', { executed: true, how: { kind: 'late', ms: 600 } })
    const paying = wallet.payer.pay(await invoiceOf(peer), limits)
    await new Promise((resolve) => setTimeout(resolve, 200))
    await lookAlike.setReachable(false)
    await lookAlike.setReachable(true)
    expect((await paying).status).toBe('settled')
    expect(lookAlike.seen.map(({ path }) => path)).toEqual(['lookup_invoice', 'pay_invoice'])
  })
  test('a relay that is back is used at the next call', async () => {
    const { lookAlike, wallet, peer } = await createWorld()
    await lookAlike.setReachable(false)
    for (let i = 0; i < 5; i++) {
      await expect(wallet.payee.createInvoice(request)).rejects.toThrow()
    }
    await lookAlike.setReachable(true)
    const started = performance.now()
    expect((await wallet.payer.pay(await invoiceOf(peer), limits)).status).toBe('settled')
    expect(performance.now() - started).toBeLessThan(5000)
  })
  test('after close there is none, and every call says so', async () => {
    const { lookAlike, wallet, peer } = await createWorld()
    await wallet.payee.createInvoice(request)
    wallet.close()
    const unavailable = { code: 'NODE_UNAVAILABLE' }
    await expect(wallet.payee.createInvoice(request)).rejects.toMatchObject(unavailable)
    await expect(wallet.payer.pay(await invoiceOf(peer), limits)).rejects.toMatchObject(unavailable)
    await expect(wallet.examine()).rejects.toMatchObject(unavailable)
    await expect.poll(() => lookAlike.relays[0]?.connections()).toBe(0)
  })
  test('close ends what is under way: the payment is unknown', async () => {
    const { lookAlike, wallet, peer } = await createWorld()
    lookAlike.inject('order', { executed: true, how: { kind: 'hang' } })
    const paying = wallet.payer.pay(await invoiceOf(peer), limits)
    await expect.poll(() => lookAlike.seen.length).toBe(2)
    wallet.close()
    expect(await paying).toEqual({ status: 'unknown' })
  })
})

describe('R-NWC-14 a relay that asks who we are', () => {
  test('is told by a signature, and serves', async () => {
    const { wallet, peer } = await createWorld({ relay: { asksWho: true } })
    expect((await wallet.payer.pay(await invoiceOf(peer), limits)).status).toBe('settled')
  })
  test('and does not want us: nothing is ordered', async () => {
    const relay = await serveRelay({ asksWho: true })
    endings.push(relay.close)
    const { lookAlike, clock, peer } = await createWorld()
    // It sees another URL than the one that we came by.
    const relays = [relay.url.replace('127.0.0.1', 'localhost')]
    const wallet = connect(lookAlike, { relays, now: clock.now })
    const error = await wallet.payer
      .pay(await invoiceOf(peer), limits)
      .catch((caught: unknown) => caught)
    expect(inspect(error)).toContain('the relay refused: auth-required')
  })
})

/** Speaks the first words of a WebSocket, and then what the test says. */
async function serveRaw(speak: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', (data) => {
      const key = /sec-websocket-key: (\S+)/i.exec(String(data))?.[1] ?? ''
      const accept = createHash('sha1')
        .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64')
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      )
      speak(socket)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endings.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  return `ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

function frame(text: string): Buffer {
  const bytes = Buffer.from(text)
  const head = Buffer.alloc(4)
  head[0] = 0x81
  head[1] = 126
  head.writeUInt16BE(bytes.length, 2)
  return Buffer.concat([head, bytes])
}

describe('R-NWC-15 a relay that misbehaves is left', () => {
  const noise = frame(JSON.stringify(['NOTICE', 'x'.repeat(200)]))
  for (const [what, speak] of [
    [
      'floods with what nobody asked for',
      (socket: Socket) => {
        for (let i = 0; i < 1000; i++) socket.write(noise)
      },
    ],
    [
      'sends a message that never ends',
      (socket: Socket) => {
        const head = Buffer.alloc(10)
        head[0] = 0x81
        head[1] = 127
        head.writeBigUInt64BE(2n ** 40n, 2)
        socket.write(head)
      },
    ],
    ['sends bytes that are no frames', (socket: Socket) => socket.write(Buffer.alloc(64, 0xff))],
    [
      'masks, as only clients do',
      (socket: Socket) => socket.write(Buffer.of(0x81, 0x80, 1, 2, 3, 4)),
    ],
    ['sends what is no UTF-8', (socket: Socket) => socket.write(Buffer.of(0x81, 1, 0xff))],
    ['says farewell at once', (socket: Socket) => socket.end(Buffer.of(0x88, 0))],
  ] as const) {
    test(`one that ${what}`, async () => {
      const relays = [await serveRaw(speak)]
      const { lookAlike } = await createWorld()
      const wallet = connect(lookAlike, { relays, timeoutMs: 20_000 })
      const started = performance.now()
      await expect(wallet.payee.createInvoice(request)).rejects.toMatchObject({
        code: 'NODE_UNAVAILABLE',
      })
      expect(performance.now() - started).toBeLessThan(10_000)
    })
  }
  test('one that speaks no WebSocket', async () => {
    const { lookAlike } = await createWorld()
    const server = createServer((socket) => {
      socket
        .on('error', () => undefined)
        .resume()
        .end('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    endings.push(() => new Promise<void>((resolve) => server.close(() => resolve())))
    const address = server.address()
    const relays = [`ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`]
    const error = await connect(lookAlike, { relays })
      .payee.createInvoice(request)
      .catch((caught: unknown) => caught)
    expect(inspect(error)).toContain('it answered 302 instead of a WebSocket')
  })
  test('its pings are answered', async () => {
    const pongs: Buffer[] = []
    const relays = [
      await serveRaw((socket) => {
        socket.on('data', (data) => pongs.push(data))
        socket.write(Buffer.of(0x89, 2, 7, 8))
      }),
    ]
    const { lookAlike } = await createWorld()
    const wallet = connect(lookAlike, { relays, timeoutMs: 500 })
    await expect(wallet.examine()).rejects.toThrow()
    expect(pongs.some((data) => data.includes(0x8a))).toBe(true)
  })
})

/** Runs a process that does as `what` says. @returns how long it lived on after it was done, in ms. */
async function runProcess(
  what: string,
  lookAlike: NwcLookAlike,
  relay: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<number> {
  const script = fileURLToPath(new URL('nwc-process.ts', import.meta.url))
  const args = [script, what, lookAlike.walletPubkey, lookAlike.secret, relay]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  })
  endings.push(() => {
    child.kill('SIGKILL')
  })
  const said = new Promise<number>((resolve) => {
    child.stdout.once('data', () => resolve(performance.now()))
  })
  const code = await new Promise((resolve) => child.on('exit', resolve))
  expect(code).toBe(0)
  return performance.now() - (await said)
}

describe('R-NWC-16 the process', () => {
  for (const what of ['asks', 'closes', 'listens']) {
    test(`ends when it has nothing more to do: one that ${what}`, async () => {
      const { lookAlike } = await createWorld({ now: () => Date.now() / 1000 })
      expect(await runProcess(what, lookAlike, lookAlike.url)).toBeLessThan(5000)
    })
  }
  test('ends although the relay keeps silent', async () => {
    const { lookAlike } = await createWorld()
    const relay = await serveRaw(() => undefined)
    expect(await runProcess('mute', lookAlike, relay)).toBeLessThan(5000)
  })
})

describe('R-NWC-42 a relay over TLS', () => {
  const front = async () => {
    const { lookAlike } = await createWorld({ now: () => Date.now() / 1000 })
    const identity = await makeIdentity(['localhost'])
    const { url, close } = await openTlsFront(identity, lookAlike.url)
    endings.push(close)
    return { lookAlike, identity, relay: url.replace('https://127.0.0.1', 'wss://localhost') }
  }
  test('is spoken to where its certificate is trusted', async () => {
    const { lookAlike, identity, relay } = await front()
    const folder = mkdtempSync(join(tmpdir(), 'satway-nwc-'))
    endings.push(() => rmSync(folder, { recursive: true }))
    const trusted = join(folder, 'relay.pem')
    writeFileSync(trusted, identity.cert)
    await runProcess('asks', lookAlike, relay, { NODE_EXTRA_CA_CERTS: trusted })
  })
  test('and not where it is not: NODE_UNAVAILABLE, with the reason', async () => {
    const { lookAlike, relay } = await front()
    const wallet = connect(lookAlike, { relays: [relay] })
    const error = await wallet.examine().catch((caught: unknown) => caught)
    expect(inspect(error)).toContain('its certificate is not trusted here')
  })
})

async function take(stream: AsyncIterable<Settlement>, count: number): Promise<Settlement[]> {
  const taken: Settlement[] = []
  for await (const settlement of stream) {
    taken.push(settlement)
    if (taken.length === count) break
  }
  return taken
}

describe('R-NWC-22 notifications', () => {
  const members = (hash: string, more = {}) => ({
    notification_type: 'payment_received',
    notification: {
      type: 'incoming',
      payment_hash: hash,
      amount: 5000,
      settled_at: 1_800_000_009,
      ...more,
    },
  })
  const one = '01'.repeat(32)
  const last = '02'.repeat(32)
  const tags = [
    ['encryption', 'nip44_v2'],
    ['notifications', 'payment_received'],
  ]
  const listening = async (given: Parameters<typeof scriptWallet>[1] = {}) => {
    const scripted = await scriptWallet(() => ({ error: { code: 'NOT_FOUND' } }), {
      tags,
      ...given,
    })
    endings.push(scripted.close)
    const stop = new AbortController()
    const stream = scripted.wallet.payee.settlements(stop.signal)
    await expect.poll(() => scripted.relay.connections()).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    return { ...scripted, stream, stop }
  }

  test('tell what was paid', async () => {
    const { notify, stream } = await listening()
    notify(members(one))
    const [settlement] = await take(stream, 1)
    expect(encodeHex(settlement?.paymentHash ?? new Uint8Array())).toBe(one)
    expect(settlement).toMatchObject({ amountMsat: 5000n, settledAtSeconds: 1_800_000_009 })
  })
  test('of the older kind are heard of a wallet that speaks NIP-04', async () => {
    const old = [
      ['encryption', 'nip04'],
      ['notifications', 'payment_received'],
    ]
    const { notify, stream } = await listening({ tags: old })
    notify(members(last), { kind: 23_197 })
    notify(members(one), { kind: 23_196 })
    const [settlement] = await take(stream, 1)
    expect(encodeHex(settlement?.paymentHash ?? new Uint8Array())).toBe(one)
  })
  for (const [what, content, changes] of [
    ['of what was paid by us', members(one, { type: 'outgoing' }), {}],
    ['of what is held', members(one, { state: 'accepted' }), {}],
    ['of another type', { ...members(one), notification_type: 'payment_sent' }, {}],
    ['without an amount', members(one, { amount: null }), {}],
    ['of no hash', members('x'), {}],
    ['of nothing', { notification_type: 'payment_received' }, {}],
    ['for another client', members(one), { tags: [['p', '00'.repeat(32)]] }],
    ['with another signature', members(one), { sig: '00'.repeat(64) }],
    ['by another author', members(one), { pubkey: publicKeyOf(stranger) ?? '' }],
  ] as const) {
    test(`${what} are passed over`, async () => {
      const { notify, stream } = await listening()
      notify(content, changes)
      notify(members(last))
      const [settlement] = await take(stream, 1)
      expect(encodeHex(settlement?.paymentHash ?? new Uint8Array())).toBe(last)
    })
  }
  test('that come twice are told once', async () => {
    const { notify, stream } = await listening()
    notify(members(one))
    notify(members(one))
    notify(members(last))
    expect((await take(stream, 2)).map(({ paymentHash }) => encodeHex(paymentHash))).toEqual([
      one,
      last,
    ])
  })
  test('that a relay had stored are no news', async () => {
    const scripted = await scriptWallet(() => ({ error: { code: 'NOT_FOUND' } }), { tags })
    endings.push(scripted.close)
    // It keeps what it should not, and sends it to whoever begins to listen.
    scripted.relay.keepsEverything()
    scripted.notify(members(one))
    const stream = scripted.wallet.payee.settlements(new AbortController().signal)
    await expect.poll(() => scripted.relay.connections()).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    scripted.notify(members(last))
    const [settlement] = await take(stream, 1)
    expect(encodeHex(settlement?.paymentHash ?? new Uint8Array())).toBe(last)
  })
  test('that get lost are made up for by asking', async () => {
    const { peer } = await createWorld()
    // It says that it tells, and does not.
    const quiet = await scriptWallet(
      async (method, params) => {
        if (method === 'make_invoice') {
          return { result: { invoice: (await peer.createInvoice(request)).invoice } }
        }
        const result = {
          type: 'incoming',
          state: 'settled',
          amount: 21_000,
          settled_at: 1_900_000_000,
          ...params,
        }
        return { result }
      },
      { tags },
    )
    endings.push(quiet.close)
    const stream = quiet.wallet.payee.settlements(new AbortController().signal)
    await quiet.wallet.payee.createInvoice(request)
    expect((await take(stream, 1)).length).toBe(1)
  })
})

describe('R-NWC-24 a stream of settlements', () => {
  test('goes on while one relay stands, and is heard on the other when that is back', async () => {
    const { lookAlike, wallet, peer } = await createWorld({ relays: 2 }, { pollMs: 3_600_000 })
    const [first, second] = lookAlike.relays
    const stream = wallet.payee.settlements(new AbortController().signal)[Symbol.asyncIterator]()
    const pay = async (): Promise<string> => {
      const { invoice } = await wallet.payee.createInvoice(request)
      const read = decodeInvoice(invoice)
      expect((await peer.pay(read, limits)).status).toBe('settled')
      return encodeHex(read.paymentHash)
    }
    const next = async (): Promise<string> => {
      const { value } = (await stream.next()) as { value: Settlement }
      return encodeHex(value.paymentHash)
    }
    await expect.poll(() => first?.connections()).toBe(1)
    await expect.poll(() => second?.connections()).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const one = await pay()
    expect(await next()).toBe(one)
    await first?.setReachable(false)
    const two = await pay()
    expect(await next()).toBe(two)
    await first?.setReachable(true)
    await expect.poll(() => first?.connections(), { timeout: 8000 }).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await second?.setReachable(false)
    const three = await pay()
    expect(await next()).toBe(three)
    await first?.setReachable(false)
    await expect(stream.next()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
  })
  test('of a wallet that tells nothing comes by asking', async () => {
    const { wallet, peer } = await createWorld({ notifications: [] })
    const stream = wallet.payee.settlements(new AbortController().signal)
    const { invoice } = await wallet.payee.createInvoice(request)
    await peer.pay(decodeInvoice(invoice), limits)
    expect((await take(stream, 1)).length).toBe(1)
  })
})

describe('R-NWC-30 what a connection may do', () => {
  for (const [what, methods, powers] of [
    [
      'pay and be paid',
      ['pay_invoice', 'make_invoice', 'lookup_invoice', 'get_info'],
      { receive: true, spend: true, beyond: [] },
    ],
    ['be paid', ['make_invoice', 'lookup_invoice'], { receive: true, spend: false, beyond: [] }],
    ['pay', ['pay_invoice', 'lookup_invoice'], { receive: false, spend: true, beyond: [] }],
    ['make invoices and not look', ['make_invoice'], { receive: false, spend: false, beyond: [] }],
    [
      'more than that',
      ['make_invoice', 'lookup_invoice', 'sign_message', 'list_transactions', 'get_balance'],
      {
        receive: true,
        spend: false,
        beyond: ['sign messages with the key of the node', 'read all payments', 'read the balance'],
      },
    ],
    [
      'make connections that pay',
      ['make_invoice', 'lookup_invoice', 'create_connection'],
      { receive: true, spend: true, beyond: ['make further connections to the wallet'] },
    ],
    [
      'pay in a way that is not known here',
      ['make_invoice', 'lookup_invoice', 'pay_offer'],
      { receive: true, spend: true, beyond: ['call pay_offer'] },
    ],
    [
      'what nobody here knows',
      ['make_invoice', 'lookup_invoice', 'swap_out', 'constructor'],
      { receive: true, spend: undefined, beyond: ['call swap_out', 'call constructor'] },
    ],
    [
      'pay without invoices',
      ['pay_keysend', 'multi_pay_invoice'],
      {
        receive: false,
        spend: true,
        beyond: ['pay a node without an invoice', 'pay several invoices with one request'],
      },
    ],
  ] as const) {
    test(what, async () => {
      const { wallet, clock } = await createWorld({ methods })
      clock.advance(60)
      expect(await wallet.examine()).toEqual({
        network: 'regtest',
        notReady: undefined,
        powers,
        nowSeconds: Math.floor(clock.now()),
      })
    })
  }
  for (const [told, network] of [
    ['mainnet', 'bitcoin'],
    ['bitcoin', 'bitcoin'],
    ['Testnet', 'testnet'],
    ['signet', 'signet'],
    ['mutinynet', 'signet'],
    ['regtest', 'regtest'],
    ['liquid', undefined],
    ['constructor', undefined],
    [undefined, undefined],
  ] as const) {
    test(`its network is ${network}, as it says ${told}`, async () => {
      const { wallet, close } = await scriptWallet(() => ({ result: { network: told } }))
      endings.push(close)
      expect((await wallet.examine()).network).toBe(network)
    })
  }
  test('what it says of itself counts where it does not answer the question', async () => {
    const { wallet, close } = await scriptWallet(() => ({ error: { code: 'RESTRICTED' } }), {
      info: 'pay_invoice,lookup_invoice',
    })
    endings.push(close)
    const { powers } = await wallet.examine()
    expect(powers).toEqual({ receive: false, spend: true, beyond: [] })
  })
  test('nobody can tell of one that says nothing', async () => {
    const { wallet, close } = await scriptWallet(() => ({ result: {} }), { info: '' })
    endings.push(close)
    const { powers } = await wallet.examine()
    expect(powers).toEqual({ receive: undefined, spend: undefined, beyond: [] })
  })
})

describe('R-NWC-31 a connection that does not work says what to mend', () => {
  test('a wallet that says nothing to strangers', async () => {
    const { lookAlike, clock } = await createWorld()
    const wallet = connect(lookAlike, { secret: '66'.repeat(32), now: clock.now, timeoutMs: 300 })
    const error = await wallet.examine().catch((caught: unknown) => caught)
    expect(inspect(error)).toContain(
      'the wallet is not connected to its relay, does not know this connection (any more), or has',
    )
  })
  test('a wallet that tells strangers', async () => {
    const { lookAlike, clock } = await createWorld({ answersStrangers: true })
    const wallet = connect(lookAlike, { secret: '66'.repeat(32), now: clock.now })
    const error = await wallet.examine().catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'NODE_UNAVAILABLE', details: { refused: true } })
    expect(inspect(error)).toContain('make a new one in it')
  })
  test('a relay that is not there', async () => {
    const { lookAlike, wallet } = await createWorld()
    await lookAlike.setReachable(false)
    await expect(wallet.examine()).rejects.toMatchObject({
      details: { reason: 'nwc: its relay: nothing listens there' },
    })
  })
  test('an abort', async () => {
    const { wallet } = await createWorld()
    await expect(wallet.examine(AbortSignal.abort())).rejects.toMatchObject({
      code: 'NODE_UNAVAILABLE',
    })
  })
})

describe('R-NWC-9 its name', () => {
  test('is that of wallet and connection, whatever the relays, and no secret', async () => {
    const { lookAlike, wallet } = await createWorld()
    const again = connect(lookAlike, { relays: ['wss://other.example'] })
    expect(again.payer.id).toBe(wallet.payer.id)
    expect(wallet.payer.id).toMatch(/^[0-9a-f]{64}$/)
    expect(connect(lookAlike, { secret: '66'.repeat(32) }).payer.id).not.toBe(wallet.payer.id)
    expect(wallet.payer.id).not.toContain(lookAlike.secret)
  })
})

describe('R-NWC-42 options', () => {
  const right = {
    walletPubkey: publicKeyOf(stranger) ?? '',
    secret: '77'.repeat(32),
    relays: ['wss://relay.example/path?x=1'],
  }
  test('are taken as they should be', () => {
    createNwc(right)
    createNwc({ ...right, walletPubkey: right.walletPubkey.toUpperCase() })
    createNwc({ ...right, relays: ['ws://127.0.0.1:1', 'ws://[::1]:2', 'ws://localhost'] })
  })
  for (const [name, wrong] of [
    ['walletPubkey', { walletPubkey: '' }],
    ['walletPubkey', { walletPubkey: 'ff'.repeat(32) }],
    ['walletPubkey', { walletPubkey: `npub${'1'.repeat(59)}` }],
    ['walletPubkey', { walletPubkey: undefined }],
    ['secret', { secret: 'marked-secret' }],
    ['secret', { secret: '00'.repeat(32) }],
    ['secret', { secret: 'ff'.repeat(32) }],
    ['secret', { secret: undefined }],
    ['relays', { relays: [] }],
    ['relays', { relays: undefined }],
    ['relays', { relays: ['marked-secret'] }],
    ['relays', { relays: ['https://relay.example'] }],
    ['relays', { relays: ['ws://relay.example'] }],
    ['relays', { relays: ['ws://127.0.0.1.marked-secret.example'] }],
    ['relays', { relays: ['wss://name:marked-secret@relay.example'] }],
    ['relays', { relays: ['wss://relay.example/#marked-secret'] }],
    ['relays', { relays: Array.from({ length: 9 }, (_, i) => `wss://r${i}.example`) }],
    ['network', { network: 'liquid' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: 1.5 }],
    ['orderTimeoutMs', { orderTimeoutMs: Number.POSITIVE_INFINITY }],
    ['pollMs', { pollMs: -1 }],
    ['now', { now: 7 }],
  ] as const) {
    test(`${name} as ${JSON.stringify(wrong)} is a RangeError that does not repeat it`, () => {
      const options = { ...right, ...wrong } as unknown as NwcOptions
      const error = (() => {
        try {
          return createNwc(options)
        } catch (caught) {
          return caught
        }
      })()
      expect(error).toBeInstanceOf(RangeError)
      expect((error as Error).message).toMatch(new RegExp(`^${name}: `))
      expect(inspect(error)).not.toContain('marked-secret')
    })
  }
})

describe('R-NWC-43 secrets', () => {
  test('are shown by no wallet and no error', async () => {
    const { lookAlike, wallet, peer } = await createWorld({}, { timeoutMs: 300 })
    const { secret } = lookAlike
    const errors: unknown[] = [wallet, wallet.payer, wallet.payee]
    const keep = (error: unknown): void => {
      errors.push(error)
    }
    const invoice = await invoiceOf(peer)
    const how = { kind: 'answer', status: 200, body: `{"preimage":"${secret}"}` } as const
    lookAlike.inject('invoice', { executed: false, how })
    await wallet.payee.createInvoice(request).catch(keep)
    lookAlike.inject('look-up', { executed: false, how: { ...how, body: `{"error":"${secret}"}` } })
    await wallet.payer.lookupPayment(invoice.paymentHash).catch(keep)
    await connect(lookAlike, { secret: '66'.repeat(32), timeoutMs: 200 })
      .examine()
      .catch(keep)
    await lookAlike.setReachable(false)
    await wallet.payer.pay(invoice, limits).catch(keep)
    expect(errors.length).toBe(7)
    for (const one of errors) {
      const shown = `${inspect(one, { depth: 9, showHidden: true })}${JSON.stringify(one)}`
      expect(shown).not.toContain(secret)
      expect(shown).not.toContain('66'.repeat(32))
      expect(shown).not.toContain(invoice.text)
      expect(shown).not.toContain(createHash('sha256').update(secret).digest('hex'))
    }
  })
  test('a budget of the wallet holds, whatever is asked of it', async () => {
    const { wallet, peer, node } = await createWorld({ budgetMsat: 50_000n })
    expect((await wallet.payer.pay(await invoiceOf(peer), limits)).status).toBe('settled')
    const before = node.balanceMsat()
    const refused = { status: 'failed', reason: 'rejected' }
    expect(await wallet.payer.pay(await invoiceOf(peer), limits)).toEqual(refused)
    expect(node.balanceMsat()).toBe(before)
  })
})
