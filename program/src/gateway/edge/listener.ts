import type { Server as Http1Server } from 'node:http'
import type { Http2Server } from 'node:http2'
import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import type { Duplex } from 'node:stream'
import type { EdgeLimits, ListenerConfig, TlsConfig } from '../config/index.ts'
import type { Handler } from '../proxy/index.ts'
import { makeMatcher } from './address-matcher.ts'
import { Connection } from './connection.ts'
import type { ConnectionLimit } from './connection-limit.ts'
import { readFirstBytes } from './first-bytes.ts'
import { createHttp1Server } from './http1-server.ts'
import { createHttp2Server } from './http2-server.ts'
import { plainAddress } from './ip-address.ts'
import { problemBytes } from './problem-bytes.ts'
import { readProxyHeader } from './proxy-protocol.ts'
import { TlsFront } from './tls-front.ts'

export type ListenerOptions = {
  readonly limits: EdgeLimits
  readonly handler: Handler
  readonly count: ConnectionLimit
  readonly onConnections: (open: number) => void
  readonly log: (message: string) => void
  readonly reusePort: boolean
}

/** Connections that wait to be accepted. The kernel has a bound of its own. */
const backlog = 4096
/** Dead peers are noticed, however long nothing is said. */
const keepAliveProbeMs = 60_000

const noRoom = problemBytes('REQUEST_OVERLOADED', 'There are too many connections.')

/**
 * One address that is listened on. Every connection goes the same way: it is counted, its PROXY
 * header read where one is due, its TLS ended, and then it is given to the server of its protocol.
 */
export class Listener {
  readonly host: string
  readonly #config: ListenerConfig
  readonly #options: ListenerOptions
  readonly #front: Server
  readonly #tls: TlsFront | undefined
  readonly #http1: Http1Server
  readonly #http2: Http2Server | undefined
  readonly #isBalancer: (address: string) => boolean
  readonly #open = new Set<Connection>()
  /** One function for all connections: what Node calls after a last answer, to close at once. */
  readonly #endSoon: (this: Socket) => void
  readonly #ofSocket = new WeakMap<Duplex, Connection>()
  /** Handshakes, by both ends: what a socket inside TLS has in common with the one around it. */
  readonly #shaking = new Map<string, Connection>()
  #handedOver: Connection | undefined
  #isDraining = false
  #allClosed: (() => void) | undefined

  constructor(config: ListenerConfig, options: ListenerOptions) {
    const { limits, handler, log } = options
    this.host = config.host
    this.#config = config
    this.#options = options
    this.#isBalancer = makeMatcher(config.proxyProtocolFrom)
    const ofSocket = this.#ofSocket
    this.#endSoon = function () {
      ofSocket.get(this)?.endSoon()
    }
    this.#http1 = createHttp1Server({
      limits,
      handler,
      connectionOf: (socket) => this.#ofSocket.get(socket),
    })
    this.#http2 = config.http2
      ? createHttp2Server({ limits, handler, handedOver: () => this.#handedOver })
      : undefined
    if (config.tls !== undefined) {
      this.#tls = new TlsFront({
        http2: config.http2,
        handshakeMs: limits.headMs,
        log,
        secured: (socket) => this.#secured(socket),
      })
    }
    this.#front = createServer(
      {
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: keepAliveProbeMs,
      },
      (socket) => this.#accept(socket),
    )
  }

  get scheme(): 'http' | 'https' {
    return this.#tls === undefined ? 'http' : 'https'
  }

  /** The one that was asked for, or the one that was free. */
  get port(): number {
    const address = this.#front.address()
    return typeof address === 'object' && address !== null ? address.port : this.#config.port
  }

  get config(): ListenerConfig {
    return this.#config
  }

  /** @throws {Error} when the address cannot be had, or there is no certificate. */
  async open(): Promise<void> {
    if (this.#config.tls !== undefined) await this.#tls!.use(this.#config.tls)
    await new Promise<void>((resolve, reject) => {
      this.#front.once('error', reject)
      const { host, port } = this.#config
      const reusePort = this.#options.reusePort && port !== 0
      this.#front.listen({ host, port, backlog, reusePort }, () => {
        this.#front.off('error', reject)
        // Accepting can fail for want of descriptors. It goes on when there are some.
        this.#front.on('error', (error) => this.#options.log(`listen: ${error.message}`))
        resolve()
      })
    })
  }

  /** @throws {Error} when the certificate is not usable; the old one stays in force. */
  async renew(tls: TlsConfig): Promise<void> {
    await this.#tls?.use(tls)
  }

  /** Accepts nothing more, lets exchanges end, and cuts those that have not after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#isDraining = true
    this.#front.close()
    this.#tls?.stop()
    const allClosed = new Promise<void>((resolve) => {
      this.#allClosed = resolve
    })
    for (const connection of this.#open) connection.drain()
    const timer = setTimeout(() => {
      for (const connection of this.#open) connection.raw.destroy()
    }, timeoutMs)
    if (this.#open.size > 0) await allClosed
    clearTimeout(timer)
    this.#http1.close()
  }

  #accept(raw: Socket): void {
    // Whoever gets the socket hears of its errors, and of its end, in other ways.
    raw.on('error', ignore)
    const { count, onConnections } = this.#options
    const address = plainAddress(raw.remoteAddress ?? '')
    if (this.#isDraining || address === '' || !count.enter()) {
      this.#turnAway(raw)
      return
    }
    const connection = new Connection(raw, { address, isEncrypted: this.#tls !== undefined })
    this.#open.add(connection)
    this.#ofSocket.set(raw, connection)
    raw.once('close', () => {
      this.#open.delete(connection)
      count.leave()
      if (connection.client !== undefined) count.leaveClient(connection.client)
      onConnections(count.open)
      if (this.#isDraining && this.#open.size === 0) this.#allClosed?.()
    })
    onConnections(count.open)
    if (this.#isBalancer(address)) this.#readProxyHeader(connection)
    else this.#admit(connection)
  }

  #readProxyHeader(connection: Connection): void {
    const { raw } = connection
    const take = (bytes: Buffer): number | undefined => {
      const header = readProxyHeader(bytes)
      if (header.kind === 'more') return undefined
      if (header.kind === 'none') {
        raw.destroy()
        return 0
      }
      if (header.source !== undefined) {
        connection.peer = { ...connection.peer, address: plainAddress(header.source) }
      }
      return header.length
    }
    readFirstBytes(raw, this.#options.limits.headMs, take, () => this.#admit(connection))
  }

  /** Counts it for its client, and begins its protocol. */
  #admit(connection: Connection): void {
    const { raw, peer } = connection
    connection.client = this.#options.count.enterClient(peer.address)
    if (connection.client === undefined) {
      this.#turnAway(raw)
      return
    }
    if (this.#tls !== undefined) this.#handshake(connection, this.#tls)
    else if (this.#http2 === undefined) this.#serveHttp1(connection, raw)
    else this.#chooseProtocol(connection)
  }

  /** Without TLS nobody says which protocol it is, before it is spoken. */
  #chooseProtocol(connection: Connection): void {
    const { raw } = connection
    let isHttp2 = false
    const take = (bytes: Buffer): number | undefined => {
      const begun = beginsLikeHttp2(bytes)
      isHttp2 = begun === true
      return begun === undefined ? undefined : 0
    }
    readFirstBytes(raw, this.#options.limits.headMs, take, () => {
      if (isHttp2) this.#serveHttp2(connection, raw)
      else this.#serveHttp1(connection, raw)
    })
  }

  #handshake(connection: Connection, tls: TlsFront): void {
    const { raw } = connection
    // Without a certificate there is nothing to say in TLS, and nothing that is safe to say without.
    if (!tls.isReady) {
      raw.destroy()
      return
    }
    const ends = endsOf(raw)
    this.#shaking.set(ends, connection)
    raw.once('close', () => {
      if (this.#shaking.get(ends) === connection) this.#shaking.delete(ends)
    })
    tls.server.emit('connection', raw)
  }

  #secured(socket: Socket & { readonly alpnProtocol: string | false | null }): void {
    const ends = endsOf(socket)
    const connection = this.#shaking.get(ends)
    this.#shaking.delete(ends)
    if (connection === undefined || this.#isDraining) {
      socket.destroy()
      return
    }
    socket.on('error', ignore)
    this.#ofSocket.set(socket, connection)
    if (socket.alpnProtocol === 'h2') this.#serveHttp2(connection, socket)
    else this.#serveHttp1(connection, socket)
  }

  #serveHttp1(connection: Connection, socket: Socket): void {
    connection.stream = socket
    socket.destroySoon = this.#endSoon
    this.#http1.emit('connection', socket)
    socket.resume()
  }

  #serveHttp2(connection: Connection, socket: Socket): void {
    connection.stream = socket
    // Who has ended its side has no use for a session.
    socket.allowHalfOpen = false
    this.#handedOver = connection
    this.#http2!.emit('connection', socket)
    this.#handedOver = undefined
  }

  /** There is no room. Said only where it costs nothing to say it. */
  #turnAway(raw: Socket): void {
    if (this.#tls !== undefined) {
      raw.destroy()
      return
    }
    raw.end(noRoom)
    setTimeout(() => raw.destroy(), 500).unref()
    raw.resume()
  }
}

/** `PRI`: no method of HTTP/1.1 begins so. `undefined`: not to be told yet. */
function beginsLikeHttp2(bytes: Buffer): boolean | undefined {
  const begin = bytes.toString('latin1', 0, 3)
  if (begin === 'PRI') return true
  return 'PRI'.startsWith(begin) ? undefined : false
}

function ignore(): void {}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
