import type { Dispatcher } from 'undici'
import { buildConnector, Client } from 'undici'
import type { UpstreamConfig } from '../config/index.ts'

/** Longest head of a response, in bytes. Longer: 502. */
const maxHeadBytes = 64 * 1024

/**
 * How long a connection without a request is kept, in milliseconds, where the upstream names no time
 * itself. Below what common servers keep (Node: 5 s), so that we close before they do.
 */
const keptMs = 4_000

/** One connection to the upstream, for one request at a time. It connects again when it must. */
export class Connection {
  readonly #client: Client
  /** Complete responses since it was connected. 0: what fails does not fail for having been idle. */
  served = 0
  /** The socket failed: a body that ends with the connection is not complete. */
  isBroken = false
  isIdle = false

  constructor(
    config: UpstreamConfig,
    connect: buildConnector.connector,
    onIdleEnd: (connection: Connection) => void,
  ) {
    this.#client = new Client(config.url.origin, {
      // 0 is undici's word for no reuse.
      pipelining: config.keepAlive ? 1 : 0,
      keepAliveTimeout: keptMs,
      maxHeaderSize: maxHeadBytes,
      // Stalls are watched for each exchange, both ways: see StallWatch.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (options, callback) => connect(options, this.#watched(callback)),
    })
    this.#client.on('disconnect', () => {
      if (this.isIdle) onIdleEnd(this)
    })
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(options, handler)
  }

  /** Breaks off what is under way. */
  destroy(): void {
    this.#client.destroy(null, ignore)
  }

  #watched(callback: buildConnector.Callback): buildConnector.Callback {
    return (...[error, socket]) => {
      if (error !== null) return callback(error, null)
      this.served = 0
      this.isBroken = false
      // Before undici listens: it takes some failures for the end of a body.
      socket.on('error', () => {
        this.isBroken = true
      })
      callback(null, socket)
    }
  }
}

/**
 * The connections to one upstream: as many as there are requests. The one that was used last is taken
 * first, so that those of a busy hour run out of time.
 *
 * undici's own `Pool` goes through its connections for each request, to find a free one.
 */
export class Connections {
  readonly #config: UpstreamConfig
  readonly #connect: buildConnector.connector
  readonly #idle: Connection[] = []
  #busy = 0
  #closing: { readonly done: Promise<void>; readonly finish: () => void } | undefined

  constructor(config: UpstreamConfig) {
    this.#config = config
    this.#connect = createConnector(config)
  }

  /** One that nobody else has until it is given back. */
  take(): Connection {
    this.#busy++
    const connection = this.#idle.pop()
    if (connection === undefined) return this.#create()
    connection.isIdle = false
    return connection
  }

  /** One that is not connected yet. */
  takeNew(): Connection {
    this.#busy++
    return this.#create()
  }

  /** After a complete response. */
  giveBack(connection: Connection): void {
    if (this.#closing !== undefined) {
      this.drop(connection)
      return
    }
    this.#busy--
    connection.served++
    connection.isIdle = true
    this.#idle.push(connection)
  }

  /** After anything else. */
  drop(connection: Connection): void {
    this.#busy--
    connection.destroy()
    if (this.#busy === 0) this.#closing?.finish()
  }

  /** Ends those that are idle now, and the others when they are given back. Resolves after the last. */
  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.done
    for (const connection of this.#idle.splice(0)) connection.destroy()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#closing = { done: promise, finish: resolve }
    if (this.#busy === 0) resolve()
    return promise
  }

  /** Connects, and closes again. Rejects with what went wrong. */
  tryToConnect(): Promise<void> {
    const { host, hostname, protocol, port } = this.#config.url
    const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
    return new Promise((resolve, reject) => {
      this.#connect({ host, hostname: bare, protocol, port }, (error, socket) => {
        socket?.destroy()
        if (error === null) resolve()
        else reject(error)
      })
    })
  }

  #create(): Connection {
    return new Connection(this.#config, this.#connect, (connection) => {
      this.#idle.splice(this.#idle.indexOf(connection), 1)
      connection.destroy()
    })
  }
}

/** Connects, and proves who answers: the certificate is verified whatever the environment says. */
export function createConnector({
  ca,
  serverName,
  connectMs,
}: UpstreamConfig): buildConnector.connector {
  const connect = buildConnector({
    allowH2: false,
    timeout: connectMs,
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
  })
  // undici would take the name from the Host header, which may be the client's.
  return ({ servername: _, ...options }, callback) =>
    connect(
      { ...options, ...(serverName === undefined ? {} : { servername: serverName }) },
      callback,
    )
}

function ignore(): void {
  // What it would report was settled already.
}
