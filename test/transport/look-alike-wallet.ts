import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { msat } from '../../library/src/amount/index.ts'
import { decodeHex, encodeHex } from '../../library/src/bytes/index.ts'
import type { Invoice } from '../../library/src/invoice/index.ts'
import { decodeInvoice, paymentHash } from '../../library/src/invoice/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import type { PaymentOutcome } from '../../library/src/lightning/index.ts'

/** An order to pay, as it arrived. */
export type ArrivedOrder = {
  readonly invoice: Invoice
  readonly headers: IncomingMessage['headers']
  /** Carries it out, for real. */
  pay(): Promise<PaymentOutcome>
  /** The honest answer to an outcome. */
  say(outcome: PaymentOutcome, more?: object): void
  /** Any other answer. */
  answer(status: number, body?: string | Buffer, headers?: Record<string, string>): void
  readonly response: ServerResponse
}

export type OrderScript = (order: ArrivedOrder) => void | Promise<void>

/** A wallet with `POST /payinvoice` and `GET /payments/{hash}` before a node of the devnet. */
export type LookAlike = {
  readonly url: string
  readonly lookupUrl: string
  /** Orders that arrived. */
  readonly orders: readonly ArrivedOrder[]
  /** Lookups that arrived. */
  readonly lookups: () => number
  /** How orders are answered from now on. */
  script(next: OrderScript): void
  close(): Promise<void>
}

export const honest: OrderScript = async (order) => order.say(await order.pay())

export async function startLookAlike(node: DevnetNode, first = honest): Promise<LookAlike> {
  const orders: ArrivedOrder[] = []
  let lookups = 0
  let script = first
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => undefined)
    request.on('end', () => {
      const [, folder, hashHex = ''] = request.url!.split('/')
      if (request.method === 'GET' && folder === 'payments') {
        lookups++
        const hash = paymentHash(decodeHex(hashHex))
        node.lookupPayment(hash).then(
          (outcome) => {
            if (outcome !== undefined) sayTo(response, hashHex, outcome)
            else send(response, 404, { paymentHash: hashHex, status: 'not-found' })
          },
          () => response.writeHead(503).end(),
        )
        return
      }
      const order = readOrder(node, request, response, Buffer.concat(chunks).toString())
      orders.push(order)
      Promise.resolve(script(order)).catch(() => response.writeHead(500).end('broken'))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/payinvoice`,
    lookupUrl: `http://127.0.0.1:${port}/payments/{hash}`,
    orders,
    lookups: () => lookups,
    script: (next) => {
      script = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function readOrder(
  node: DevnetNode,
  request: IncomingMessage,
  response: ServerResponse,
  text: string,
): ArrivedOrder {
  const body = JSON.parse(text) as { readonly invoice: string; readonly maxFeeMsat?: string }
  const invoice = decodeInvoice(body.invoice)
  const maxFeeMsat = msat(BigInt(body.maxFeeMsat ?? '1000000'))
  return {
    invoice,
    headers: request.headers,
    response,
    pay: () => node.pay(invoice, { maxFeeMsat }),
    say: (outcome, more) => sayTo(response, encodeHex(invoice.paymentHash), outcome, more),
    answer: (status, answer, headers = {}) => {
      response.writeHead(status, headers).end(answer)
    },
  }
}

function sayTo(
  response: ServerResponse,
  hash: string,
  outcome: PaymentOutcome,
  more: object = {},
): void {
  const head = { paymentHash: hash, status: outcome.status }
  if (outcome.status === 'failed') {
    send(response, 200, { ...head, isPaid: false, reason: outcome.reason, ...more })
    return
  }
  if (outcome.status === 'unknown') {
    send(response, 200, { ...head, isPaid: false, ...more })
    return
  }
  send(response, 200, {
    ...head,
    isPaid: true,
    paymentPreimage: encodeHex(outcome.preimage),
    amount: Number(outcome.amountMsat / 1000n),
    feeMsat: outcome.feeMsat.toString(),
    ...more,
  })
}

function send(response: ServerResponse, status: number, body: object): void {
  const headers = { 'content-type': 'application/json' }
  response.writeHead(status, headers).end(JSON.stringify(body))
}
