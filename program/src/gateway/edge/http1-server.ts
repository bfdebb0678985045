import type { IncomingMessage, Server } from 'node:http'
import { createServer, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { EdgeLimits } from '../config/index.ts'
import type { Handler } from '../proxy/index.ts'
import type { Connection } from './connection.ts'
import { continueOnRead } from './continue-on-read.ts'
import { problemBytes } from './problem-bytes.ts'
import { checkRequest } from './raw-request.ts'
import { refuseFault } from './refuse-fault.ts'

export type Http1Options = {
  readonly limits: EdgeLimits
  readonly handler: Handler
  /** The connection that a socket belongs to; `undefined` when it is over. */
  readonly connectionOf: (socket: Duplex) => Connection | undefined
}

/** How often slow heads are looked for. Node's own default is half a minute. */
const sweepMs = 1000
/** Requests that may wait behind one that is being answered. More of them is nobody's browser. */
const maxWaiting = 64

const malformed = problemBytes('REQUEST_AMBIGUOUS', 'The request is not well-formed HTTP.')
const tooLarge = problemBytes('REQUEST_HEAD', 'The head of the request is longer than is accepted.')
const tooSlow = problemBytes('REQUEST_TIMEOUT', 'The head of the request did not arrive in time.')
const noTunnel = problemBytes('REQUEST_METHOD', 'Tunnels are not opened.')

/**
 * A server of HTTP/1.1 that is given its connections: `server.emit('connection', socket)`. Requests
 * of one connection are served one after the other.
 */
export function createHttp1Server(options: Http1Options): Server {
  const { limits, handler, connectionOf } = options
  const server = createServer({
    maxHeaderSize: limits.headBytes,
    headersTimeout: limits.headMs,
    // A body may take as long as it keeps moving: whoever reads it watches that.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: sweepMs,
    // Answered by checkRequest, with a body that says why.
    requireHostHeader: false,
    insecureHTTPParser: false,
    shouldUpgradeCallback: isUpgrade,
  })
  // No line is dropped unseen: the bytes of the head bound their number.
  server.maxHeadersCount = 0
  // Slow heads are looked for from the time that a server listens. This one never does.
  server.emit('listening')

  const serve = (connection: Connection, request: IncomingMessage, response: ServerResponse) => {
    // After an upgrade that was not taken up, Node loses what was sent together with it.
    if (request.headers.upgrade !== undefined) connection.isOver = true
    if (connection.isDraining || connection.isOver || request.httpVersionMinor === 0) {
      response.shouldKeepAlive = false
    }
    const fault = checkRequest(request, limits)
    const exchange = { request, response, peer: connection.peer }
    if (fault === undefined) {
      handler.request(exchange)
      return
    }
    // What follows on this connection may begin where nobody thinks it does.
    connection.isOver = true
    response.shouldKeepAlive = false
    refuseFault(handler, exchange, fault, limits)
  }

  // One function for all: an idle connection keeps nothing of its last request.
  const forget = function (this: ServerResponse): void {
    const connection = connectionOf(this.req.socket)
    if (connection?.latest === this) connection.latest = undefined
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = connectionOf(request.socket)
    if (connection === undefined || connection.isOver) return
    const before = connection.owed
    connection.latest = response
    response.on('close', forget)
    if (before === undefined) {
      serve(connection, request, response)
      return
    }
    if (++connection.waiting > maxWaiting) {
      stopParsing(request.socket)
      connection.raw.destroy()
      return
    }
    before.once('close', () => {
      connection.waiting--
      if (!connection.isClosing && !request.socket.destroyed) serve(connection, request, response)
    })
  }

  server.on('request', onRequest)
  server.on('checkContinue', (request, response) => {
    continueOnRead(request, response)
    onRequest(request, response)
  })
  server.on('upgrade', (request, socket, head) => {
    const connection = connectionOf(socket)
    if (connection === undefined || connection.isOver) {
      socket.destroy()
      return
    }
    if (connection.owed !== undefined) {
      // Between the bytes of another answer there is no place for this one.
      socket.destroy()
      return
    }
    const fault = checkRequest(request, limits)
    connection.isUpgraded = true
    const { peer } = connection
    if (fault === undefined) {
      handler.upgrade({ request, socket, head, peer })
      return
    }
    connection.isOver = true
    const response = answerTo(request, connection)
    refuseFault(handler, { request, response, peer }, fault, limits)
  })
  server.on('connect', (_request, socket) => {
    answerLast(connectionOf(socket), socket as Socket, noTunnel)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket
    const connection = connectionOf(socket)
    // Nothing was said: a connection opened ahead, which nobody waits on.
    const isSilent = socket.bytesRead === 0
    if (connection === undefined || isSilent || !socket.writable) {
      socket.destroy()
      return
    }
    answerLast(connection, socket, answerToError(error.code))
  })
  return server
}

/**
 * Only a GET without a body asks for another protocol. `h2c` is not offered that way: to proxies in
 * between it opens a tunnel.
 */
function isUpgrade(request: IncomingMessage): boolean {
  const { headers, method } = request
  if (method !== 'GET') return false
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) {
    return false
  }
  return !/\bh2c?\b/i.test(headers.upgrade ?? '')
}

/**
 * Makes nothing of the rest of what was read at once: some 2,000 requests fit in there, which would
 * all be kept until the socket is closed. Node has no public way to say so: as after an upgrade,
 * what follows is not HTTP. Where its inner names change, nothing is saved and nothing breaks.
 */
function stopParsing(socket: Socket & { parser?: { onIncoming?: unknown } | null }): void {
  if (typeof socket.parser?.onIncoming === 'function') socket.parser.onIncoming = () => 2
}

/** A response on a socket that Node has let go of. */
function answerTo(request: IncomingMessage, connection: Connection): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(request.socket)
  response.once('finish', () => connection.end())
  return response
}

function answerToError(code: string | undefined): Buffer {
  if (code === 'HPE_HEADER_OVERFLOW') return tooLarge
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? tooSlow : malformed
}

/** Writes an answer after those that are still owed, and ends the connection. */
function answerLast(connection: Connection | undefined, socket: Socket, answer: Buffer): void {
  if (connection === undefined) {
    socket.destroy()
    return
  }
  // The parser says it again for all that it is still given.
  if (connection.isOver) return
  connection.isOver = true
  const write = (): void => {
    if (connection.isClosing || !socket.writable) return
    socket.write(answer)
    connection.end()
  }
  const { owed } = connection
  if (owed === undefined) {
    write()
    return
  }
  if (owed.req.complete) {
    owed.once('close', write)
    return
  }
  // The body of the open request is what broke off.
  if (owed.headersSent) socket.destroy()
  else write()
}
