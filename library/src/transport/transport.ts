import type { RequestOptions } from 'node:http'
import { isPrivateAddress } from '../client/index.ts'
import { acceptEncoding } from './content-coding.ts'
import { exchange } from './exchange.ts'
import { createPools } from './pools.ts'
import type { Resolve } from './public-lookup.ts'
import { addressOf, createLookup, privateAddress, resolveBySystem } from './public-lookup.ts'
import type { RequestBody } from './request-body.ts'
import { readBody } from './request-body.ts'
import { framing, readHead } from './request-head.ts'

export type TransportOptions = {
  /** Default true. False accepts any certificate: for tests of one's own servers. */
  readonly verifyTls?: boolean
  /** The most that all headers of an answer may take, in bytes. From 1024. Default 16 384. */
  readonly maxHeaderBytes?: number
  /** Until the connection is made, DNS and TLS included. Default 10 000. */
  readonly connectTimeoutMs?: number
  /**
   * Without a byte from the server while it is its turn, in milliseconds; and for the whole head of
   * an answer, once the request was sent. Default 300 000.
   */
  readonly idleTimeoutMs?: number
  /** Asks DNS for all addresses of a name, of both families. Default: the system's. */
  readonly lookup?: (hostname: string) => Promise<readonly string[]>
}

/** What the client knows about where a request may go. */
export type Route = {
  /** Not to this machine nor a private network: checked on every address that is connected to. */
  readonly publicOnly: boolean
}

/**
 * A `fetch` over `node:http` and `node:https`: HTTP/1.1, redirects left alone, contents decoded as
 * they stream. What the platform's `fetch` cannot be told: which addresses may be connected to.
 *
 * Proxies that the environment names are not used: behind one, nobody could tell which address a
 * request goes to. What else `fetch` takes and this does not (`dispatcher`, `integrity`) is refused;
 * `redirect`, `mode`, `credentials`, `referrer` and `keepalive` change nothing.
 *
 * @spec client.md R-NET-1 to R-NET-19
 */
export type Transport = {
  /**
   * A 3xx comes back as it is, as with `redirect: 'manual'`. A request that only reads (GET,
   * HEAD, OPTIONS) and has neither body nor `Authorization` is sent anew when the idle connection that
   * it took turns out to be closed; nothing else is ever sent twice. `Connection: close` asks for a
   * connection of its own.
   *
   * @throws {TypeError} as the platform's, with the reason as its cause.
   * @throws {L402Error} POLICY_REFUSED `private-address` when `publicOnly` forbids the address.
   * @throws the reason of `init.signal`, at every stage.
   */
  fetch(url: string, init: RequestInit, route?: Route): Promise<Response>
  /** Ends all connections. What is under way fails, and so does every request from then on. */
  close(): void
}

type Settings = Required<Omit<TransportOptions, 'lookup'>> & {
  readonly resolve: Resolve | undefined
}

/** Methods that change nothing. What else there is, is sent once. */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
/** Each may meet another idle connection that the server has closed meanwhile. */
const maxAttempts = 3
const maxTimerMs = 2_147_483_647

/**
 * Makes a transport. Nothing is connected before the first request.
 *
 * @throws {RangeError} for a limit outside its range.
 * @throws {TypeError} for a `lookup` that is no function.
 * @example
 * const transport = createTransport()
 * const client = createClient({ policy, payer, fetch: transport.fetch })
 */
export function createTransport(options: TransportOptions = {}): Transport {
  const settings = readOptions(options)
  const pools = createPools(settings.verifyTls)

  const fetch: Transport['fetch'] = async (text, init, route = { publicOnly: false }) => {
    const signal = init.signal ?? undefined
    const head = readHead(text, init, acceptEncoding)
    const body = readBody(init, head.method)
    if (isAborted(signal)) throw giveUp(body, signal?.reason)

    const { publicOnly } = route
    const { url, method, headers } = head
    const address = addressOf(url)
    if (publicOnly && address !== undefined && isPrivateAddress(address)) {
      throw giveUp(body, privateAddress(url))
    }
    const pool = await pools.take(url.protocol, publicOnly)
    if (isAborted(signal)) throw giveUp(body, signal?.reason)

    // Left to Node where nothing has to be known about the addresses.
    const resolve = settings.resolve ?? (publicOnly ? resolveBySystem : undefined)
    const options: RequestOptions = {
      protocol: url.protocol,
      hostname: address ?? url.hostname,
      port: url.port === '' ? undefined : url.port,
      path: url.pathname + url.search,
      method,
      headers: { ...headers, ...framing(head, body) },
      maxHeaderSize: settings.maxHeaderBytes,
      insecureHTTPParser: false,
      ...(resolve !== undefined && { lookup: createLookup(resolve, url, publicOnly) }),
    }
    const { connectTimeoutMs, idleTimeoutMs } = settings
    // What carries a credential may have been counted before the connection died.
    const isBare = body === undefined && headers['authorization'] === undefined
    const isSafe = isBare && safeMethods.has(method)
    for (let attempt = 1; ; attempt++) {
      const outgoing = pool.request(options, head.alone)
      const mayRepeat = isSafe && attempt < maxAttempts
      const order = { outgoing, url, body, signal, mayRepeat, connectTimeoutMs, idleTimeoutMs }
      const response = await exchange(order)
      if (response !== 'stale') return response
    }
  }
  return { fetch, close: pools.close }
}

function readOptions(options: TransportOptions): Settings {
  const { verifyTls = true, lookup } = options
  if (typeof verifyTls !== 'boolean') throw new TypeError('verifyTls: expected true or false')
  if (lookup !== undefined && typeof lookup !== 'function') {
    throw new TypeError('lookup: expected a function')
  }
  return {
    verifyTls,
    maxHeaderBytes: whole(options.maxHeaderBytes ?? 16_384, 'maxHeaderBytes', 1024, 1 << 20),
    connectTimeoutMs: whole(options.connectTimeoutMs ?? 10_000, 'connectTimeoutMs', 1, maxTimerMs),
    idleTimeoutMs: whole(options.idleTimeoutMs ?? 300_000, 'idleTimeoutMs', 1, maxTimerMs),
    resolve: lookup,
  }
}

function whole(value: number, name: string, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new RangeError(`${name}: expected a whole number from ${min} to ${max}`)
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

/** A body that is not sent is given back to whoever makes it. */
function giveUp(body: RequestBody | undefined, reason: unknown): unknown {
  if (body?.content instanceof ReadableStream) {
    body.content.cancel(reason).catch(() => undefined)
  }
  return reason
}
