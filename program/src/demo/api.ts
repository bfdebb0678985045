import { isL402Error } from 'satway'
import type { InvoiceReading } from '../decode/invoice-facts.ts'
import { readInvoice } from '../decode/invoice-facts.ts'

/** What the demonstration sells: it reads invoices. */
export const decodePath = '/v1/decode'
export const decodePrice = '10 sat'

/** Longest body that is read, in bytes: the longest invoice and its JSON around it. */
export const maxBodyBytes = 16_384

export type ApiResponse = {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** The free page: what is sold, for how much, and what to send. */
export function describeApi(): ApiResponse {
  return json(200, {
    name: 'Invoice decoder',
    network: 'regtest: an embedded development network. No real money moves.',
    routes: [
      { method: 'GET', path: '/', price: 'free', about: 'this page' },
      {
        method: 'POST',
        path: decodePath,
        price: decodePrice,
        uses: 1,
        about: 'what a BOLT 11 invoice says',
        body: 'the invoice as {"invoice": "lnbc..."} or as plain text',
        notCharged: 'a body that is no valid invoice: 422',
      },
    ],
  })
}

/** An order that can be carried out, or the answer that says why not. */
export type Order = { readonly reading: InvoiceReading } | { readonly refusal: ApiResponse }

/**
 * Looks at the order before anybody is asked to pay: what cannot be answered is not sold.
 *
 * @param body - `{"invoice": "…"}` or the invoice itself, whatever its content type says;
 *   `undefined`: it was too long.
 */
export function readOrder(body: string | undefined, nowSeconds: number): Order {
  if (body === undefined) return { refusal: tooLarge }
  const text = invoiceText(body.trim())
  if (text === undefined) {
    return refuse('REQUEST_MALFORMED', 'The body is not an invoice, and not JSON with one.')
  }
  try {
    const reading = readInvoice(text, nowSeconds)
    if (reading.fault !== undefined) return refuse('INVOICE_SIGNATURE', reading.fault)
    return { reading }
  } catch (error) {
    if (!isL402Error(error)) throw error
    return refuse(error.code, error.message)
  }
}

/** The answer that is paid for. */
export function answerOrder(reading: InvoiceReading): ApiResponse {
  return json(200, reading.facts)
}

function invoiceText(body: string): string | undefined {
  if (body === '') return undefined
  if (!body.startsWith('{')) return body
  try {
    const { invoice } = JSON.parse(body) as { readonly invoice?: unknown }
    return typeof invoice === 'string' ? invoice.trim() : undefined
  } catch {
    return undefined
  }
}

function refuse(code: string, detail: string): { readonly refusal: ApiResponse } {
  return { refusal: problem(422, code, 'This cannot be decoded; nothing was charged.', detail) }
}

function problem(status: number, code: string, title: string, detail: string): ApiResponse {
  const hint = `Send {"invoice": "lnbc..."} or the invoice as plain text to POST ${decodePath}.`
  const body = JSON.stringify({ type: 'about:blank', title, status, detail, code, hint }, null, 2)
  return { status, contentType: 'application/problem+json', body: `${body}\n` }
}

function json(status: number, value: unknown): ApiResponse {
  return {
    status,
    contentType: 'application/json',
    body: `${JSON.stringify(value, null, 2)}\n`,
  }
}

const tooLarge = problem(
  413,
  'REQUEST_MALFORMED',
  'The body is too large.',
  `At most ${maxBodyBytes} bytes.`,
)
