import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Payee } from 'satway/lightning'
import { protect } from 'satway/node-http'
import type { PaywallEvents } from 'satway/server'
import { createKeyRing, createPaywall, createRoutes } from 'satway/server'
import type { ApiResponse, Order } from './api.ts'
import {
  answerOrder,
  decodePath,
  decodePrice,
  describeApi,
  maxBodyBytes,
  readOrder,
} from './api.ts'
import type { WantedPort } from './port.ts'
import { listen } from './port.ts'

export type Seller = {
  readonly port: number
  readonly url: string
  close(): Promise<void>
}

/** The seller: an HTTP API on the loopback address, with a paywall in front of it. */
export async function startSeller(options: {
  readonly payee: Payee
  readonly wanted: WantedPort
  readonly on: PaywallEvents
}): Promise<Seller> {
  const { payee, wanted, on } = options
  const paywall = createPaywall({
    service: 'decoder',
    payee,
    keys: createKeyRing([{ kid: 1, key: randomBytes(32) }]),
    on,
  })
  const routes = createRoutes(paywall, {
    'GET /': 'free',
    [`POST ${decodePath}`]: {
      price: decodePrice,
      capability: 'decode',
      uses: 1,
      description: 'What one invoice says',
    },
  })

  /** Orders that were looked at before anybody was asked to pay. */
  const orders = new WeakMap<IncomingMessage, Order>()
  const guarded = protect(routes, async (request, response) => {
    const page = request.method === 'POST' ? answer(await orderOf(request)) : describeApi()
    send(response, page)
  })
  const orderOf = async (request: IncomingMessage): Promise<Order> => {
    return orders.get(request) ?? readOrder(await readBody(request), nowSeconds())
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'POST' && request.url === decodePath) {
      const order = await orderOf(request)
      if ('refusal' in order) return send(response, order.refusal)
      orders.set(request, order)
    }
    await guarded(request, response)
  }
  const server = createServer((request, response) => {
    // What fails here is the connection: the rest is answered.
    serve(request, response).catch(() => response.destroy())
  })

  const port = await listen(server, wanted)
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await paywall.close()
    },
  }
}

function answer(order: Order): ApiResponse {
  return 'refusal' in order ? order.refusal : answerOrder(order.reading)
}

/** The body as text; `undefined` when it is longer than what is read. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  // The connection stays open: whoever sent too much is told so.
  const body: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false })
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function send(response: ServerResponse, { status, contentType, body }: ApiResponse): void {
  response.writeHead(status, { 'content-type': contentType })
  response.end(body)
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
