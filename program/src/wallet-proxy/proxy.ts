import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { isIP } from 'node:net'
import { Failure } from '../cli/failure.ts'
import type { Answer } from './answer.ts'
import { healthy, problemAnswer } from './answer.ts'
import { boundConnections } from './connections.ts'
import { guard, requireBearer } from './guard.ts'
import type { ListenAddress } from './listen-address.ts'
import type { Orders } from './orders.ts'
import { ProxyProblem } from './proxy-problem.ts'
import { readOrder } from './read-order.ts'

export type ProxyOptions = {
  readonly listen: ListenAddress
  /** 43 characters of base64url. */
  readonly token: string
  readonly orders: Orders
  /** Takes one line about what went wrong in here. No secrets. */
  readonly log: (line: string) => void
}

/** A running wallet proxy. */
export type WalletProxy = {
  /** `127.0.0.1:8405` */
  readonly address: string
  /** Begins nothing more, answers what is under way, and stops listening. */
  close(): Promise<void>
}

const connectionLimits = { most: 256, silentMs: 2000 }
const headTimeoutMs = 10_000
const requestTimeoutMs = 30_000
const checkMs = 2000
const graceMs = 10_000
const lastWordsMs = 1000

/**
 * Serves a wallet to other programs of this machine.
 *
 * @throws {Failure} when the address is taken.
 * @spec agent.md R-WPX-1 to R-WPX-10
 */
export async function openWalletProxy({
  listen,
  token,
  orders,
  log,
}: ProxyOptions): Promise<WalletProxy> {
  let closing = false
  const answerTo = async (incoming: IncomingMessage): Promise<Answer> => {
    try {
      return await route(incoming, token, orders, closing)
    } catch (error) {
      if (error instanceof ProxyProblem) return problemAnswer(error, null)
      log(`fault: ${error instanceof Error ? error.name : 'unknown'}`)
      const fault = new ProxyProblem('PROXY_FAULT', 'The request could not be carried out.')
      return problemAnswer(fault, null)
    }
  }

  const server = createServer(
    // A request without a Host gets the answer that every wrong Host gets.
    {
      requireHostHeader: false,
      headersTimeout: headTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: checkMs,
    },
    (incoming, outgoing) => {
      // Whoever leaves while his invoice is being paid finds the preimage when he asks again.
      void answerTo(incoming).then((answer) => write(incoming, outgoing, answer, closing))
    },
  )
  boundConnections(server, connectionLimits)
  server.on('clientError', answerBroken)
  await startListening(server, listen)
  return {
    address: addressOf(server),
    close: async () => {
      closing = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      await orders.finish(graceMs)
      const hurry = setTimeout(() => server.closeAllConnections(), lastWordsMs)
      await closed
      clearTimeout(hurry)
    },
  }
}

async function route(
  incoming: IncomingMessage,
  token: string,
  orders: Orders,
  closing: boolean,
): Promise<Answer> {
  guard(incoming)
  const { method = '', url: path = '' } = incoming
  if (path === '/healthz') {
    requireMethod(method, 'GET')
    if (closing) throw new ProxyProblem('PROXY_CLOSING', 'The proxy is ending.')
    return healthy
  }
  requireBearer(incoming, token)
  if (path === '/payinvoice') {
    requireMethod(method, 'POST')
    return await orders.pay(await readOrder(incoming))
  }
  const hash = /^\/payments\/([\da-f]{64})$/i.exec(path)?.[1]
  if (hash === undefined) throw new ProxyProblem('PROXY_NOT_FOUND', 'There is no such path.')
  requireMethod(method, 'GET')
  return await orders.lookUp(hash.toLowerCase())
}

function requireMethod(method: string, expected: string): void {
  if (method === expected) return
  throw new ProxyProblem('PROXY_METHOD', 'The method is not served here.', { allow: expected })
}

function write(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, headers, body }: Answer,
  closing: boolean,
): void {
  // What is left of a body that nobody read would be taken for the next request.
  const ends = closing || !incoming.complete
  // Read what has come already: a connection that closes over unread bytes loses the answer.
  if (!incoming.complete) incoming.resume()
  outgoing.writeHead(status, { ...headers, ...(ends && { connection: 'close' }) })
  outgoing.end(`${JSON.stringify(body)}\n`)
}

/** What is no HTTP, or came too slowly, gets a status line and no more. */
function answerBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = brokenStatus(error.code)
  const head = ['Connection: close', 'Cache-Control: no-store', 'Content-Length: 0']
  socket.end(`HTTP/1.1 ${status}\r\n${head.join('\r\n')}\r\n\r\n`)
}

function brokenStatus(code: string | undefined): string {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout'
  return '400 Bad Request'
}

async function startListening(server: Server, { host, port }: ListenAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new Failure(`The wallet cannot be served on ${host}:${port} (${error.code}).`, {
          advice: 'Free the address, or choose another: --listen 127.0.0.1:8406',
        }),
      )
    })
    server.listen({ host, port }, resolve)
  })
}

function addressOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`
}
