import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'vitest'
import { satToMsat } from '../../library/src/amount/index.ts'
import { encodeHex, sha256 } from '../../library/src/bytes/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import type { PaymentHash } from '../../library/src/invoice/index.ts'
import { decodeInvoice, hashPreimage } from '../../library/src/invoice/index.ts'
import {
  authorize,
  canonicalTarget,
  decodeIdentifier,
  encodeIdentifier,
  formatChallenge,
  parseCredential,
  purchaseCaveats,
  readTerms,
} from '../../library/src/l402/index.ts'
import type { Payee } from '../../library/src/lightning/index.ts'
import { decodeToken, encodeToken, mint, verify } from '../../library/src/macaroon/index.ts'

/** A request as it arrived. */
export type Arrived = {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export type Reply = {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
  /** Answers by hand instead, for streams and worse. */
  readonly raw?: (response: ServerResponse) => void
}

type Order = {
  readonly sat?: bigint
  readonly capability?: string
  readonly uses?: number
  readonly expirySeconds?: number
  readonly lifetimeSeconds?: number
}

type Sold = { readonly token: string; readonly invoice: string; readonly paymentHash: PaymentHash }

/** A loopback server that sells, honestly unless told otherwise. */
export type Seller = {
  readonly origin: string
  readonly arrived: readonly Arrived[]
  /** Tokens and invoices that were asked for so far. */
  readonly sold: readonly Sold[]
  /** A token and an invoice that belong together. */
  sell(order?: Order): Promise<Sold>
  /** A 402 for an order. */
  demand(order?: Order): Promise<Reply>
  /** Whether the request carries a good credential for a capability. */
  isPaid(request: Arrived, capability?: string, sat?: bigint): boolean
  /** What it does by default: free under `/free`, 10 sat for the first segment of the path else. */
  serve(request: Arrived, order?: Order): Promise<Reply>
}

export const service = 'shop'
const rootKey = sha256(Buffer.from('the root key of the tests'))
const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

export async function startSeller(options: {
  readonly payee: Payee
  readonly now: () => number
  readonly answer?: (request: Arrived, seller: Seller) => Reply | Promise<Reply>
  /** Whether a 402 says that `exp` and `req` are enforced. */
  readonly publishes?: boolean
}): Promise<Seller> {
  const { payee, now, publishes = false } = options
  const arrived: Arrived[] = []
  const sold: Sold[] = []
  const useCounts = new Map<string, number>()
  let tokenNumber = 0

  const sell = async (order: Order = {}): Promise<Sold> => {
    const { sat = 10n, capability = 'data', expirySeconds = 600, lifetimeSeconds = 3600 } = order
    const { invoice } = await payee.createInvoice({
      amountMsat: satToMsat(sat),
      description: `${service} ${capability}`,
      expirySeconds,
    })
    const { paymentHash } = decodeInvoice(invoice)
    const tokenId = sha256(Buffer.from(`${capability} ${tokenNumber++}`))
    const macaroon = mint({
      rootKey,
      identifier: encodeIdentifier({ paymentHash, tokenId }),
      caveats: purchaseCaveats({
        service,
        tier: 0,
        capability,
        validUntilSeconds: Math.floor(now()) + lifetimeSeconds,
        amountMsat: satToMsat(sat),
        ...(order.uses === undefined ? {} : { uses: order.uses }),
      }),
    })
    const one = { token: encodeToken(macaroon), invoice, paymentHash }
    sold.push(one)
    return one
  }

  const seller: Seller = {
    origin: '',
    arrived,
    sold,
    sell,
    demand: async (order) => {
      const headers = { 'www-authenticate': formatChallenge(await sell(order)) }
      const body = publishes ? JSON.stringify({ caveats: ['services', 'exp', 'req'] }) : 'pay'
      return { status: 402, headers, body }
    },
    isPaid: (request, capability = 'data', sat = 10n) => {
      try {
        const { authorization } = request.headers
        const credential = parseCredential(authorization === undefined ? [] : [authorization])
        if (credential === undefined) return false
        const macaroon = decodeToken(credential.tokens[0]!)
        const { paymentHash } = decodeIdentifier(macaroon.identifier)
        if (!Buffer.from(hashPreimage(credential.preimage)).equals(paymentHash)) return false
        const terms = readTerms(verify(macaroon, rootKey), {
          service,
          paymentHash,
          preimage: credential.preimage,
        })
        const grant = authorize(terms, {
          tier: 0,
          capability,
          method: request.method,
          target: canonicalTarget(request.target),
          nowSeconds: Math.floor(now()),
          priceMsat: satToMsat(sat),
          scope: undefined,
          clientAddress: undefined,
          origin: undefined,
          bodySha256: undefined,
        })
        for (const { key, max } of grant.limits) {
          const used = (useCounts.get(key) ?? 0) + 1
          if (BigInt(used) > max) return false
          useCounts.set(key, used)
        }
        return true
      } catch (error) {
        if (isL402Error(error)) return false
        throw error
      }
    },
    serve: async (request, order = {}) => {
      const capability = order.capability ?? request.path.split('/')[1]!
      if (capability === 'free') return { body: 'free' }
      if (seller.isPaid(request, capability, order.sat)) return { body: `paid ${request.target}` }
      return seller.demand({ ...order, capability })
    },
  }

  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const target = incoming.url!
      const [path = ''] = target.split('?')
      const { method, headers } = incoming
      const request = { method: method!, target, path, headers, body: Buffer.concat(chunks) }
      arrived.push(request)
      const answer = options.answer ?? ((one, by) => by.serve(one))
      Promise.resolve(answer(request, seller)).then(
        (reply) => send(outgoing, reply, now()),
        (error: unknown) => {
          outgoing.writeHead(599).end(String(error))
        },
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  const { port } = server.address() as AddressInfo
  return Object.assign(seller, { origin: `http://127.0.0.1:${port}` })
}

/** The credential of the last request that carried one. */
export function lastCredential(seller: Seller): string | undefined {
  return seller.arrived.findLast(({ headers }) => headers.authorization !== undefined)?.headers
    .authorization
}

export function hashHex({ paymentHash }: Sold): string {
  return encodeHex(paymentHash)
}

function send(response: ServerResponse, reply: Reply, nowSeconds: number): void {
  response.sendDate = false
  response.setHeader('date', new Date(nowSeconds * 1000).toUTCString())
  if (reply.raw !== undefined) {
    reply.raw(response)
    return
  }
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
  response.writeHead(reply.status ?? 200).end(reply.body ?? '')
}
