// A Nostr relay as NIP-01 and NIP-42 describe it (texts of 2025): replaceable events are kept, ephemeral
// ones are passed on to whoever listens at that moment.
import type { IncomingMessage, Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { encodeHex, encodeUtf8, randomBytes } from '../../bytes/index.ts'
import type { NostrEvent } from '../../lightning/nostr/index.ts'
import { hasTag, isAuthentic, readEvent } from '../../lightning/nostr/index.ts'
import { encodeFrame, opcodes } from '../../lightning/web-socket/index.ts'
import { acceptWebSocket } from './web-socket.ts'

export type RelayLookAlikeOptions = {
  /** Serves only who has said who it is (NIP-42). */
  readonly asksWho?: boolean
  /** With more than one relay: its port. Default: any. */
  readonly port?: number
}

/** One connection to the relay. */
export type RelayClient = {
  send(...message: readonly unknown[]): void
  /** The same, each character in a frame of its own. */
  sendInPieces(...message: readonly unknown[]): void
  /** Cuts the connection off, without farewell. */
  reset(): void
}

/** What becomes of an event that a client publishes: `pass` is as usual; else it was dealt with. */
export type RelayGuard = (event: NostrEvent, client: RelayClient) => Promise<'pass' | 'done'>

export type RelayLookAlike = {
  /** `ws://127.0.0.1:<port>` */
  readonly url: string
  /** Events that clients have published, oldest first. */
  readonly published: readonly NostrEvent[]
  /** How many connections there are. */
  connections(): number
  /** As if another client had published it: kept, passed on, or both. Nothing is checked. */
  publish(event: NostrEvent, way?: 'whole' | 'in-pieces'): void
  /** From now on it keeps ephemeral events as well, and tells them whatever limit a request has. */
  keepsEverything(): void
  /** Is asked about every event that a client publishes, before the relay takes it. */
  guard(guard: RelayGuard): void
  /** While false nothing listens, and what was connected is cut off. */
  setReachable(reachable: boolean): Promise<void>
  close(): Promise<void>
}

type Filter = Readonly<Record<string, unknown>>

type Client = RelayClient & {
  readonly challenge: string
  readonly subscriptions: Map<string, readonly Filter[]>
  isKnown: boolean
}

const identificationKind = 22_242

/** Serves a relay on the loopback address. */
export async function serveRelay(options: RelayLookAlikeOptions = {}): Promise<RelayLookAlike> {
  const clients = new Set<Client>()
  const sockets = new Set<Socket>()
  const kept = new Map<string, NostrEvent>()
  const published: NostrEvent[] = []
  const guards: RelayGuard[] = []
  let keepsAll = false

  const pass = (event: NostrEvent, way: 'whole' | 'in-pieces'): void => {
    if (isReplaceable(event.kind)) kept.set(`${event.kind}:${event.pubkey}`, event)
    else if (keepsAll) kept.set(event.id, event)
    for (const client of clients) {
      for (const [id, filters] of client.subscriptions) {
        if (!filters.some((filter) => matches(event, filter))) continue
        if (way === 'whole') client.send('EVENT', id, event)
        else client.sendInPieces('EVENT', id, event)
      }
    }
  }

  const take = async (client: Client, value: unknown): Promise<void> => {
    const event = readEvent(value)
    if (event === undefined || !isAuthentic(event)) {
      client.send('OK', event?.id ?? '', false, 'invalid: id or signature')
      return
    }
    published.push(event)
    for (const guard of guards) if ((await guard(event, client)) === 'done') return
    client.send('OK', event.id, true, '')
    pass(event, 'whole')
  }

  const request = (client: Client, id: string, filters: readonly Filter[]): void => {
    for (const event of kept.values()) {
      const isWanted = filters.some(
        (one) => (keepsAll || one['limit'] !== 0) && matches(event, one),
      )
      if (isWanted) client.send('EVENT', id, event)
    }
    client.send('EOSE', id)
    client.subscriptions.set(id, filters)
  }

  const read = async (client: Client, text: string): Promise<void> => {
    const [type, first, ...rest] = JSON.parse(text) as readonly unknown[]
    const mayNot = options.asksWho === true && !client.isKnown
    switch (type) {
      case 'EVENT':
        if (!mayNot) return await take(client, first)
        return client.send('OK', readEvent(first)?.id ?? '', false, 'auth-required: who are you')
      case 'REQ':
        if (!mayNot) return request(client, String(first), rest as readonly Filter[])
        return client.send('CLOSED', first, 'auth-required: who are you')
      case 'CLOSE':
        client.subscriptions.delete(String(first))
        return
      case 'AUTH':
        return identify(client, first)
      default:
        client.send('NOTICE', 'not understood')
    }
  }

  const serve = async (client: Client, messages: AsyncIterable<string>): Promise<void> => {
    try {
      for await (const text of messages) read(client, text).catch(client.reset)
    } catch {
      // The client went away.
    }
  }

  const accept = (message: IncomingMessage, socket: Socket, head: Buffer): void => {
    const peer = acceptWebSocket(message, socket, head)
    const client: Client = {
      challenge: encodeHex(randomBytes(16)),
      subscriptions: new Map(),
      isKnown: false,
      send: (...parts) => {
        peer.send(JSON.stringify(parts))
      },
      sendInPieces: (...parts) => {
        for (const frame of frames(JSON.stringify(parts))) socket.write(frame)
      },
      reset: () => {
        socket.resetAndDestroy()
      },
    }
    clients.add(client)
    serve(client, peer.messages).finally(() => clients.delete(client))
    if (options.asksWho === true) client.send('AUTH', client.challenge)
  }

  const identify = (client: Client, value: unknown): void => {
    const event = readEvent(value)
    const isRight =
      event?.kind === identificationKind &&
      hasTag(event, 'challenge', client.challenge) &&
      hasTag(event, 'relay', url) &&
      isAuthentic(event)
    client.isKnown ||= isRight
    client.send('OK', event?.id ?? '', isRight, isRight ? '' : 'restricted: not you')
  }

  const listen = async (port: number): Promise<Server> => {
    const server = createServer((_, response) => response.writeHead(426).end())
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    })
    server.on('upgrade', accept)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
    return server
  }
  const shut = async (server: Server): Promise<void> => {
    for (const socket of sockets) socket.resetAndDestroy()
    clients.clear()
    await new Promise((resolve) => server.close(resolve))
  }

  let server: Server | undefined = await listen(options.port ?? 0)
  const { port } = server.address() as AddressInfo
  const url = `ws://127.0.0.1:${port}`
  return {
    url,
    published,
    connections: () => clients.size,
    publish: (event, way = 'whole') => pass(event, way),
    keepsEverything: () => {
      keepsAll = true
    },
    guard: (guard) => {
      guards.push(guard)
    },
    setReachable: async (reachable) => {
      if (reachable) server ??= await listen(port)
      else if (server !== undefined) {
        const old = server
        server = undefined
        await shut(old)
      }
    },
    close: async () => {
      if (server !== undefined) await shut(server)
      server = undefined
    },
  }
}

function isReplaceable(kind: number): boolean {
  return kind === 0 || kind === 3 || (kind >= 10_000 && kind < 20_000)
}

function matches(event: NostrEvent, filter: Filter): boolean {
  return Object.entries(filter).every(([name, wanted]) => {
    if (name === 'limit') return true
    if (name === 'since') return event.created_at >= Number(wanted)
    if (name === 'until') return event.created_at <= Number(wanted)
    if (!Array.isArray(wanted)) return false
    if (name === 'ids') return wanted.includes(event.id)
    if (name === 'authors') return wanted.includes(event.pubkey)
    if (name === 'kinds') return wanted.includes(event.kind)
    return wanted.some((value) => hasTag(event, name.slice(1), String(value)))
  })
}

/** One frame for each character. */
function frames(text: string): readonly Uint8Array[] {
  const characters = [...text]
  return characters.map((character, i) =>
    encodeFrame(
      i === 0 ? opcodes.text : opcodes.continuation,
      encodeUtf8(character),
      false,
      i === characters.length - 1,
    ),
  )
}
