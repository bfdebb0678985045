import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { Request as ExpressRequest, Response as ExpressResponse } from 'express'
import express from 'express'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { l402 as expressL402 } from '../../library/src/middleware/express/index.ts'
import { l402 as honoL402 } from '../../library/src/middleware/hono/index.ts'
import { protect as protectNode } from '../../library/src/middleware/node-http/index.ts'
import { protect as protectWeb } from '../../library/src/middleware/web/index.ts'
import type { Gate, Receipt } from '../../library/src/server/index.ts'

/** What the tests do to a handler, and what it saw. */
export type Backstage = {
  /** How often a handler that is paid for was reached. */
  reached: number
  /** Ends what a handler waits for. */
  release(): void
  readonly released: Promise<void>
}

/** Where a gate stands: before one route, before everything under a prefix, or before all of it. */
export type Mount = 'route' | 'prefix' | 'table'

export type Shop = {
  readonly port: number
  readonly backstage: Backstage
  /** Resolves when the connections that are open now have been closed. */
  drained(): Promise<void>
  close(): Promise<void>
}

export type Adapter = {
  readonly name: string
  /** The handler runs in this process and is handed the request as it came. */
  readonly hidesCredential: boolean
  readonly mounts: readonly Mount[]
  open(gate: Gate, mount: Mount): Promise<Shop>
}

function newBackstage(): Backstage {
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  return { reached: 0, release: () => release(), released }
}

type Act = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly pieces: 'whole' | 'stream'
}

/** What a request asks the handler to do, by its header `X-Act`. */
async function act(wanted: string | undefined, backstage: Backstage): Promise<Act> {
  backstage.reached++
  if (wanted === 'fail') throw new Error('the handler failed')
  if (wanted === 'hang') await backstage.released
  const headers: Record<string, string> =
    wanted === 'headers' ? { 'Cache-Control': 'public, max-age=60', Vary: 'Accept' } : {}
  const status = wanted?.startsWith('status ') === true ? Number(wanted.slice(7)) : 200
  return { status, headers, pieces: wanted === 'stream' ? 'stream' : 'whole' }
}

/** What the handler tells the test: what it was given. */
function report(
  receipt: Receipt | undefined,
  header: (name: string) => string | undefined,
): string {
  return JSON.stringify({
    capability: receipt?.capability,
    paymentHash: receipt?.paymentHash,
    authorization: header('authorization'),
    satway: header('satway-token-id') ?? header('satway_token_id'),
    override: header('x-http-method-override'),
    kept: header('x-kept'),
  })
}

function stream(backstage: Backstage): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(encoder.encode('first '))
      await backstage.released
      controller.enqueue(encoder.encode('last'))
      controller.close()
    },
  })
}

function nodeHandler(backstage: Backstage, style: 'set' | 'write-head') {
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    receipt: Receipt | undefined,
  ): Promise<void> => {
    const header = (name: string): string | undefined => {
      const value = request.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    }
    const { status, headers, pieces } = await act(header('x-act'), backstage)
    if (style === 'write-head') {
      response.writeHead(status, 'As Asked', { ...headers, 'Content-Type': 'text/plain' })
    } else {
      response.statusCode = status
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    }
    if (pieces === 'whole') return void response.end(report(receipt, header))
    response.write('first ')
    await backstage.released
    response.end('last')
  }
}

async function fetchHandler(
  request: Request,
  receipt: Receipt | undefined,
  backstage: Backstage,
): Promise<Response> {
  const header = (name: string): string | undefined => request.headers.get(name) ?? undefined
  const { status, headers, pieces } = await act(header('x-act'), backstage)
  const body = pieces === 'stream' ? stream(backstage) : report(receipt, header)
  return new Response(body, { status, headers })
}

/** The path as a lenient router takes it, of the kind that people write. */
function lenientPath(url: string): string {
  const path = new URL(url.split(/[?#]/)[0]!, 'http://shop.example').pathname
  try {
    return decodeURIComponent(path).toLowerCase().replace(/\/+$/, '')
  } catch {
    return path
  }
}

const nodeHttp: Adapter = {
  name: 'node-http',
  hidesCredential: true,
  mounts: ['route', 'prefix', 'table'],
  open: (gate, mount) => {
    const backstage = newBackstage()
    const paid = nodeHandler(backstage, mount === 'prefix' ? 'write-head' : 'set')
    const missing = (response: ServerResponse): void => void response.writeHead(404).end('no route')
    const listener = protectNode(gate, (request, response, receipt) => {
      const isPremium = lenientPath(request.url ?? '') === '/premium'
      if (mount !== 'prefix' && !isPremium) return missing(response)
      return paid(request, response, receipt)
    })
    const server = createServer((request, response) => {
      if (mount === 'route' && lenientPath(request.url ?? '') !== '/premium')
        return missing(response)
      listener(request, response).catch(() => {
        if (!response.headersSent) response.writeHead(500)
        response.end()
      })
    })
    return listen(server, backstage)
  },
}

const web: Adapter = {
  name: 'web',
  hidesCredential: false,
  mounts: ['route', 'prefix', 'table'],
  open: (gate, mount) => {
    const backstage = newBackstage()
    type Environment = { readonly incoming: IncomingMessage }
    const handler = protectWeb<[Environment]>(
      gate,
      (request, receipt) => {
        const isPremium = lenientPath(request.url) === '/premium'
        if (mount !== 'prefix' && !isPremium) return new Response('no route', { status: 404 })
        return fetchHandler(request, receipt, backstage)
      },
      { clientAddress: (_, { incoming }) => incoming.socket.remoteAddress },
    )
    const server = createAdaptorServer({
      fetch: (request: Request, environment: unknown) =>
        handler(request, environment as Environment),
    })
    return listen(server as Server, backstage)
  },
}

const hono: Adapter = {
  name: 'hono',
  hidesCredential: false,
  mounts: ['route', 'prefix', 'table'],
  open: (gate, mount) => {
    const backstage = newBackstage()
    const app = new Hono()
    const paid = (c: Context<{ Variables: { l402: Receipt | undefined } }>): Promise<Response> =>
      fetchHandler(c.req.raw, c.get('l402'), backstage)
    if (mount === 'route') app.all('/premium', honoL402(gate), paid)
    if (mount === 'prefix') app.use('/premium/*', honoL402(gate)).all('/premium/*', paid)
    if (mount === 'table') app.use(honoL402(gate)).all('/premium', paid)
    app.onError((_, c) => c.text('failed', 500))
    return listen(createAdaptorServer({ fetch: app.fetch }) as Server, backstage)
  },
}

const expressFramework: Adapter = {
  name: 'express',
  hidesCredential: true,
  mounts: ['route', 'prefix', 'table'],
  open: (gate, mount) => {
    const backstage = newBackstage()
    const handler = nodeHandler(backstage, mount === 'prefix' ? 'write-head' : 'set')
    const paid = (request: ExpressRequest, response: ExpressResponse): Promise<void> =>
      handler(request, response, request.l402)
    const app = express()
    if (mount === 'route') app.all('/premium', expressL402(gate), paid)
    if (mount === 'prefix') app.use('/premium', expressL402(gate), express.Router().use(paid))
    if (mount === 'table') app.use(expressL402(gate)).all('/premium', paid)
    app.use(
      (_error: Error, _request: ExpressRequest, response: ExpressResponse, _next: () => void) => {
        response.status(500).send('failed')
      },
    )
    return listen(createServer(app), backstage)
  },
}

export const adapters: readonly Adapter[] = [web, nodeHttp, hono, expressFramework]

export async function listen(server: Server, backstage: Backstage = newBackstage()): Promise<Shop> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    backstage,
    drained: async () => {
      await Promise.all(
        [...open].map(
          (socket) => new Promise<void>((resolve) => socket.on('close', () => resolve())),
        ),
      )
    },
    close: async () => {
      backstage.release()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
