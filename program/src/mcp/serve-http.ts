import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isIP } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { McpServerFactory } from '@modelcontextprotocol/server'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { Failure } from '../cli/failure.ts'
import { boundConnections } from '../wallet-proxy/index.ts'
import type { AccessToken } from './access-token.ts'
import type { Refusal } from './http-guard.ts'
import { allowedHosts, maxBodyBytes, refusalOf } from './http-guard.ts'

/** A listener for HTTP. */
export type HttpServing = {
  /** `http://127.0.0.1:8404/mcp`. */
  readonly url: string
  /** Takes no more requests, and ends those that are open. */
  close(): Promise<void>
}

export type HttpOptions = {
  readonly host: string
  readonly port: number
  /** Further names that clients may call this server by. */
  readonly hosts: readonly string[]
  readonly token: AccessToken
  /** Told of what went wrong in here. */
  readonly onFault: (error: Error) => void
}

const connectionLimits = { most: 256, silentMs: 2000 }
const maxSubscriptions = 16
const headTimeoutMs = 10_000
const requestTimeoutMs = 30_000
const checkMs = 2000
const graceMs = 1000

/**
 * Serves MCP over streamable HTTP, at `/mcp`. Nothing is kept between two requests, so that there is
 * no session to be stolen or to be counted.
 *
 * @throws {Failure} when the address cannot be listened on.
 * @spec mcp.md R-MCP-50 to R-MCP-53
 */
export async function serveHttp(
  factory: McpServerFactory,
  options: HttpOptions,
): Promise<HttpServing> {
  const { host, port, token, onFault } = options
  const hosts = allowedHosts(options.hosts)
  const handler = createMcpHandler(factory, {
    maxRequestBodySize: maxBodyBytes,
    maxSubscriptions,
    onerror: onFault,
  })
  const answer = async (request: Request): Promise<Response> => {
    const response = await handler.fetch(request)
    // It says to keep the connection, also to a client that asked to close it: left to Node.
    response.headers.delete('connection')
    return response
  }
  const listener = getRequestListener(answer, {
    overrideGlobalObjects: false,
    errorHandler: () => new Response(null, { status: 400 }),
  })
  const server = createServer(
    {
      requireHostHeader: false,
      headersTimeout: headTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: checkMs,
    },
    (incoming, outgoing) => {
      const refusal = refusalOf(incoming, hosts, token)
      if (refusal === undefined) void listener(incoming, outgoing)
      else refuse(incoming, outgoing, refusal)
    },
  )
  boundConnections(server, connectionLimits)
  await listen(server, host, port)
  return {
    url: `http://${addressOf(server)}/mcp`,
    close: async () => {
      await handler.close()
      await close(server)
    },
  }
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse, refusal: Refusal): void {
  const { status, words } = refusal
  // What else the peer sends on this connection is of no interest.
  incoming.resume()
  outgoing.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close',
    ...(status === 401 && { 'www-authenticate': 'Bearer realm="satway mcp"' }),
  })
  outgoing.end(`${words}\n`)
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new Failure(`Cannot listen on ${host}:${port} (${error.code ?? 'unknown reason'}).`, {
          advice: 'Free the address, or choose another: --http 8405',
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
