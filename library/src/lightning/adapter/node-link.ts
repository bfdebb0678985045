import type { IncomingMessage } from 'node:http'
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import { decodeUtf8 } from '../../bytes/index.ts'
import { createHandshake, isAccepted, WebSocketPeer } from '../web-socket/index.ts'
import { pinning } from './certificate-pin.ts'
import { isPublicAddress, lookUpPublic, notPublicError } from './public-address.ts'
import { whyNotConnected } from './why-not-connected.ts'

/** Where a wallet is reached, and with what. */
export type LinkOptions = {
  /** `https://host:8080/prefix`, or `http://…`. Of a Unix socket: what goes into `Host`. */
  readonly baseUrl: string
  /** A Unix socket to connect to instead. */
  readonly socketPath?: string | undefined
  /** Sent with every request. Secret. */
  readonly headers?: Readonly<Record<string, string>>
  /** PEM. The wallet's own certificate, or the one that signed it; nothing else is accepted then. */
  readonly certificate?: string | undefined
  /** Default 1 MiB. */
  readonly maxAnswerBytes?: number
  /** Connects to addresses of the public internet alone, whatever DNS says: a stranger gave the URL. */
  readonly publicOnly?: boolean
}

export type LinkRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the base URL: begins with `/`, escaped, with its query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /**
   * On a connection of its own: what is sent on an idle one that turns out to be dead may or may not
   * have been read. Orders to pay are sent so.
   */
  readonly alone?: boolean
  /** It may reach the wallet twice: a POST that only asks. A GET always may. */
  readonly repeatable?: boolean
  /** Does not keep the process running: what listens, as long as there is something to listen for. */
  readonly background?: boolean
}

/** No byte of the request can have reached the wallet. */
type NotSent = { readonly kind: 'not-sent'; readonly reason: string }
/** The request may have been read. */
type Lost = { readonly kind: 'lost'; readonly reason: string }

/** What became of one request to a wallet. */
export type LinkReply =
  /** `text`: `undefined` when the body cannot be read: too long, broken off, not UTF-8. */
  | { readonly kind: 'answered'; readonly status: number; readonly text: string | undefined }
  | NotSent
  | Lost

/** An answer that comes line by line. */
export type LinkStream =
  | {
      readonly kind: 'answered'
      readonly status: number
      /** Without line ends. Rejects when the connection breaks, or a line is too long. */
      readonly lines: AsyncIterable<string>
    }
  | NotSent
  | Lost

type Opened =
  | { readonly kind: 'answered'; readonly message: IncomingMessage }
  | NotSent
  | Lost
  /** The idle connection that was taken turned out to be closed. */
  | { readonly kind: 'stale' }

/** What became of a request for a WebSocket. */
export type LinkSocket =
  | { readonly kind: 'opened'; readonly socket: WebSocketPeer }
  /** An answer of another kind. */
  | { readonly kind: 'answered'; readonly status: number }
  | NotSent
  | Lost

const defaultMaxBytes = 1024 * 1024
const keepAliveMs = 15_000

/**
 * The connections to one wallet over HTTP/1.1. Redirects are not followed and no proxy of the
 * environment is used: the headers are secret, and an order is for one wallet.
 *
 * A request is sent once, except that a GET, or what is said to be repeatable, goes out anew when the
 * idle connection that it took turns out to be closed.
 *
 * @spec wallets.md R-ADP-20 to R-ADP-25
 */
export class NodeLink {
  readonly #base: URL
  readonly #options: LinkOptions
  readonly #kept: HttpAgent
  readonly #alone: HttpAgent
  readonly #sockets = new Set<Socket>()
  #serverSeconds: number | undefined
  #isClosed = false

  constructor(options: LinkOptions) {
    this.#base = new URL(options.baseUrl)
    this.#options = options
    const isTls = this.#base.protocol === 'https:'
    const tls = isTls ? pinning(options.certificate) : {}
    const Agent = isTls ? HttpsAgent : HttpAgent
    this.#kept = new Agent({ ...tls, keepAlive: true, maxFreeSockets: 4, timeout: 0 })
    this.#alone = new Agent({ ...tls, keepAlive: false })
  }

  /** The time of the last answer that told it, in seconds since 1970. */
  get serverSeconds(): number | undefined {
    return this.#serverSeconds
  }

  /** Sends one request and reads a bounded answer. Resolves always, by the time the signal aborts. */
  async request(request: LinkRequest, signal: AbortSignal): Promise<LinkReply> {
    const opened = await this.#open(request, signal)
    if (opened.kind !== 'answered') return opened
    const { message } = opened
    const status = message.statusCode ?? 0
    const maxBytes = this.#options.maxAnswerBytes ?? defaultMaxBytes
    return { kind: 'answered', status, text: await readText(message, maxBytes) }
  }

  /** Sends one request whose answer comes line by line. The signal ends it at any time. */
  async stream(request: LinkRequest, signal: AbortSignal): Promise<LinkStream> {
    const opened = await this.#open({ alone: true, ...request }, signal)
    if (opened.kind !== 'answered') return opened
    const { message } = opened
    const maxBytes = this.#options.maxAnswerBytes ?? defaultMaxBytes
    return {
      kind: 'answered',
      status: message.statusCode ?? 0,
      lines: readLines(message, maxBytes),
    }
  }

  /**
   * Opens a WebSocket. The signal counts until it is open, and resolves it by then.
   *
   * @param request - Where, and whether it keeps the process running meanwhile.
   * @param idleMs - So long nothing may come over it, in ms. Default: for ever.
   */
  async openWebSocket(
    request: Pick<LinkRequest, 'path' | 'background'>,
    signal: AbortSignal,
    idleMs?: number,
  ): Promise<LinkSocket> {
    const { maxAnswerBytes: maxBytes = defaultMaxBytes } = this.#options
    const handshake = createHandshake()
    const { headers } = handshake
    const opening = new AbortController()
    const leave = (): void => opening.abort()
    signal.addEventListener('abort', leave, { once: true })
    if (signal.aborted) leave()
    const opened = await new Promise<Opened | LinkSocket>((resolve) => {
      const take = (message: IncomingMessage, socket: Socket, head: Uint8Array): void => {
        if (!isAccepted(message, handshake)) {
          socket.on('error', () => undefined).destroy()
          resolve({ kind: 'lost', reason: 'it does not speak WebSocket there' })
          return
        }
        this.#sockets.add(socket)
        socket.once('close', () => this.#sockets.delete(socket))
        const peer = new WebSocketPeer(socket, head, { role: 'client', maxBytes, idleMs })
        resolve({ kind: 'opened', socket: peer })
      }
      this.#openOnce(
        { method: 'GET', ...request, headers, alone: true },
        opening.signal,
        take,
      ).then(resolve)
    })
    signal.removeEventListener('abort', leave)
    if (opened.kind === 'stale') return { kind: 'lost', reason: 'the connection broke' }
    if (opened.kind !== 'answered' || !('message' in opened)) return opened
    opened.message.on('error', () => undefined).destroy()
    return { kind: 'answered', status: opened.message.statusCode ?? 0 }
  }

  close(): void {
    this.#isClosed = true
    this.#kept.destroy()
    this.#alone.destroy()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #open(
    request: LinkRequest,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'answered'; readonly message: IncomingMessage } | NotSent | Lost> {
    const onlyAsks = request.method === 'GET' || request.repeatable === true
    const isRepeatable = onlyAsks && request.alone !== true
    for (;;) {
      const opened = await this.#openOnce(request, signal)
      if (opened.kind !== 'stale') return opened
      if (!isRepeatable || this.#isClosed) {
        return { kind: 'lost', reason: 'the connection broke' }
      }
    }
  }

  async #openOnce(
    request: LinkRequest,
    signal: AbortSignal,
    onUpgrade?: (message: IncomingMessage, socket: Socket, head: Uint8Array) => void,
  ): Promise<Opened> {
    if (signal.aborted) return { kind: 'not-sent', reason: 'aborted' }
    const { baseUrl: _, socketPath, headers, certificate, publicOnly } = this.#options
    const hostname = this.#base.hostname.replace(/^\[|\]$/g, '')
    // The address of a host that is one is not looked up.
    if (publicOnly === true && isIP(hostname) !== 0 && !isPublicAddress(hostname)) {
      return { kind: 'not-sent', reason: whyNotConnected(notPublicError(), false) }
    }
    const isTls = this.#base.protocol === 'https:'
    const { method, path, body, alone } = request
    const outgoing = (isTls ? httpsRequest : httpRequest)({
      ...(socketPath === undefined
        ? { hostname, port: this.#base.port, ...(publicOnly === true && { lookup: lookUpPublic }) }
        : { socketPath }),
      method,
      path: this.#base.pathname.replace(/\/$/, '') + path,
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
        ...request.headers,
        ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
      },
      agent: alone === true ? this.#alone : this.#kept,
      signal,
    })
    return await new Promise((resolve) => {
      let isConnected = false
      outgoing.once('socket', (socket) => {
        socket.setKeepAlive(true, keepAliveMs)
        if (request.background === true) socket.unref()
        const setConnected = (): void => {
          isConnected = true
        }
        // A socket that is used again is connected, and would collect listeners.
        if (outgoing.reusedSocket) setConnected()
        else socket.once(isTls ? 'secureConnect' : 'connect', setConnected)
      })
      if (onUpgrade !== undefined) outgoing.once('upgrade', onUpgrade)
      outgoing.once('response', (message) => {
        this.#serverSeconds = secondsOf(message.headers.date) ?? this.#serverSeconds
        resolve({ kind: 'answered', message })
      })
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = outgoing.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted
        if (isStale) resolve({ kind: 'stale' })
        else if (isConnected) resolve({ kind: 'lost', reason: lostReason(signal) })
        else if (signal.aborted)
          resolve({ kind: 'not-sent', reason: 'it could not be reached in time' })
        else
          resolve({ kind: 'not-sent', reason: whyNotConnected(error, certificate !== undefined) })
      })
      outgoing.end(body)
    })
  }
}

function lostReason(signal: AbortSignal): string {
  return signal.aborted ? 'it did not answer in time' : 'the connection broke'
}

async function readText(message: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > maxBytes) return undefined
      chunks.push(chunk)
    }
    return decodeUtf8(Buffer.concat(chunks))
  } catch {
    return undefined
  } finally {
    message.on('error', () => undefined).destroy()
  }
}

async function* readLines(message: IncomingMessage, maxBytes: number): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      rest += decoder.decode(chunk, { stream: true })
      const lines = rest.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield line.replace(/\r$/, '')
      if (rest.length > maxBytes) throw new RangeError('a line is too long')
    }
    if (rest !== '') yield rest
  } finally {
    message.on('error', () => undefined).destroy()
  }
}

function secondsOf(date: string | undefined): number | undefined {
  const milliseconds = Date.parse(date ?? '')
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000)
}
