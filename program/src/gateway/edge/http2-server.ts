import type {
  Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  ServerHttp2Session,
} from 'node:http2'
import { constants, createServer } from 'node:http2'
import type { EdgeLimits } from '../config/index.ts'
import type { Handler } from '../proxy/index.ts'
import { watchAnswersOf } from './answer-watch.ts'
import type { Connection } from './connection.ts'
import { continueOnRead } from './continue-on-read.ts'
import { EventAllowance } from './event-allowance.ts'
import { checkRequest } from './raw-request.ts'
import { refuseFault } from './refuse-fault.ts'

export type Http2Options = {
  readonly limits: EdgeLimits
  readonly handler: Handler
  /** The connection whose socket is being given to the server at this moment. */
  readonly handedOver: () => Connection | undefined
}

const maxStreams = 100
/** Streams that end in a reset: browsers do that now and then, an attack does nothing else. */
const resets = { burst: 200, perSecond: 20 }
/** PING and SETTINGS frames: gRPC measures the line with them, and needs a few a second. */
const signals = { burst: 500, perSecond: 50 }

/**
 * A server of HTTP/2 that is given its connections: `server.emit('connection', socket)`. Sessions
 * are ended when they have no stream for too long, and when they flood.
 */
export function createHttp2Server(options: Http2Options): Http2Server {
  const { limits, handler, handedOver } = options
  const connections = new WeakMap<ServerHttp2Session, Connection>()
  const server = createServer({
    settings: {
      maxConcurrentStreams: maxStreams,
      maxHeaderListSize: limits.headBytes,
      enableConnectProtocol: false,
    },
    // Somewhat more than is accepted, so that who sends it can be told so.
    maxHeaderListPairs: 2 * limits.headerCount + 8,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    maxSettings: 32,
    maxOutstandingPings: 10,
    streamResetBurst: resets.burst,
    streamResetRate: resets.perSecond,
  })
  server.on('session', (session) => {
    const connection = handedOver()
    if (connection === undefined) {
      session.destroy()
      return
    }
    connection.session = session
    connections.set(session, connection)
    endWhenIdle(session, connection, limits)
    endFloods(session, connection)
    watchAnswersOf(session, connection)
  })

  const serve = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    const { session } = request.stream
    const connection = session === undefined ? undefined : connections.get(session as never)
    if (connection === undefined) return
    const exchange = { request, response, peer: connection.peer }
    const fault = checkRequest(request, limits)
    if (fault === undefined) handler.request(exchange)
    else refuseFault(handler, exchange, fault, limits)
  }
  server.on('request', serve)
  server.on('connect', serve)
  server.on('checkContinue', (request, response) => {
    continueOnRead(request, response)
    serve(request, response)
  })
  return server
}

/** Only streams keep a session open: one that merely pings is idle. */
function endWhenIdle(
  session: ServerHttp2Session,
  connection: Connection,
  { headMs, keepAliveMs }: EdgeLimits,
): void {
  const end = (): void => connection.endSession()
  // Until its SETTINGS have come it is somebody who says nothing.
  let idle = setTimeout(end, headMs)
  const wait = (): void => {
    clearTimeout(idle)
    if (connection.streams > 0 || session.destroyed) return
    if (session.closed) end()
    else idle = setTimeout(end, keepAliveMs)
  }
  session.once('remoteSettings', wait)
  session.on('stream', (stream) => {
    connection.streams++
    clearTimeout(idle)
    stream.once('close', () => {
      connection.streams--
      wait()
    })
  })
  session.once('close', () => clearTimeout(idle))
}

function endFloods(session: ServerHttp2Session, connection: Connection): void {
  const resetsLeft = new EventAllowance(resets.burst, resets.perSecond)
  const signalsLeft = new EventAllowance(signals.burst, signals.perSecond)
  const end = (): void => connection.breakSession('the session floods')
  session.on('stream', (stream) => {
    stream.once('close', () => {
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR && !resetsLeft.take()) end()
    })
  })
  const signal = (): void => {
    if (!signalsLeft.take()) end()
  }
  session.on('ping', signal)
  session.on('remoteSettings', signal)
}
