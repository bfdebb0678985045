import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { isIP } from 'node:net'
import { Failure } from '../cli/failure.ts'
import type { AdminConfig } from '../gateway/config/index.ts'
import type { AdminChange } from '../gateway/operations/index.ts'
import { openAuthority } from './authority.ts'
import type { Control } from './control.ts'
import { guard, isLoopback } from './guard.ts'
import { AdminProblem, writeProblem } from './problem.ts'

export type AdminOptions = {
  readonly config: AdminConfig
  readonly control: Control
  /** Seconds since 1970. Default: the system clock. */
  readonly now?: () => number
  /** Told of each change that was asked for, done or refused. No secrets. */
  readonly log: (change: AdminChange) => void
  /** Told of what went wrong in here, in one sentence. No secrets. */
  readonly onFault: (words: string) => void
}

/** A running admin listener. */
export type Admin = {
  /** `127.0.0.1:8403`, `[::1]:8403`: what `--address` takes. */
  readonly address: string
  /** Stops listening; what is open may take one more second. */
  close(): Promise<void>
}

const maxConnections = 256
const headTimeoutMs = 10_000
const requestTimeoutMs = 30_000
const checkMs = 2000
const graceMs = 1000

/**
 * Opens the admin API on a listener of its own.
 *
 * @throws {Failure} for an address that is not on the loopback or is taken, and for key and macaroon
 *   files that cannot be used.
 * @spec gateway.md R-ADM-1 to R-ADM-23
 */
export async function openAdmin({
  config,
  control,
  now = () => Math.floor(Date.now() / 1000),
  log,
  onFault,
}: AdminOptions): Promise<Admin> {
  if (!isLoopback(config.host)) {
    throw new Failure(`The admin API may not listen on ${config.host}: it is not the loopback.`, {
      advice: 'Use admin: 127.0.0.1:8403, and an SSH tunnel from elsewhere.',
    })
  }
  const rootKey = openAuthority(config)
  const { createApp } = await import('./app.ts')
  const { getRequestListener } = await import('@hono/node-server')
  const app = createApp({ control, rootKey, now, log, onFault })
  const listener = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    errorHandler: () => respond(new AdminProblem('ADMIN_MALFORMED', 'The target cannot be read.')),
  })

  const server = createServer(
    // A request without a Host gets the answer that every wrong Host gets.
    {
      requireHostHeader: false,
      headersTimeout: headTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: checkMs,
    },
    (incoming, outgoing) => {
      const problem = refusalOf(incoming, config.host)
      if (problem === undefined) void listener(incoming, outgoing)
      else refuse(outgoing, problem)
    },
  )
  server.maxConnections = maxConnections
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    answerBroken(error, socket)
  })
  await listen(server, config)
  return { address: addressOf(server), close: () => close(server) }
}

function refusalOf(incoming: IncomingMessage, host: string): AdminProblem | undefined {
  try {
    guard(incoming, host)
    return undefined
  } catch (error) {
    if (error instanceof AdminProblem) return error
    throw error
  }
}

function refuse(outgoing: ServerResponse, problem: AdminProblem): void {
  const { status, headers, body } = writeProblem(problem)
  // What else the peer sends on this connection is of no interest.
  outgoing.writeHead(status, { ...headers, connection: 'close' }).end(body)
}

function respond(problem: AdminProblem): Response {
  const { status, headers, body } = writeProblem(problem)
  return new Response(body, { status, headers })
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

async function listen(server: Server, { host, port }: AdminConfig): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new Failure(`The admin API cannot listen on ${host}:${port} (${error.code}).`, {
          advice: 'Free the address, or choose another: admin: 127.0.0.1:8404',
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

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const hurry = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(hurry)
}
