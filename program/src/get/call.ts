import { isL402Error } from 'satway'
import type { Client, FetchInit, Ledger, Purchase, QuotedPrice } from 'satway/client'
import { exitCodes } from '../cli/exit-codes.ts'
import type { Destination } from './destination.ts'
import { readBody, standardOutput } from './destination.ts'
import { explainCall, explainStatus } from './failures.ts'
import type { Patience } from './patience.ts'
import type { GetReport } from './report.ts'
import type { HttpRequest } from './request.ts'

export type Call = {
  readonly client: Client
  /** The client's: it knows what a failed call cost. */
  readonly ledger: Ledger
  readonly request: HttpRequest
  readonly patience: Patience
  /** Where the body of a success goes. `undefined`: into the report. */
  readonly destination: Destination | undefined
}

/** Makes the request, pays for it if need be, and writes the body. */
export async function carryOut(call: Call): Promise<GetReport> {
  const { client, request, patience, destination } = call
  let response: Response
  try {
    response = await client.fetch(request.url, initOf(call))
  } catch (error) {
    return { ...blank(call), ...(await costOf(error, call)), ...failureOf(error, client) }
  }
  patience.answered()
  const purchase = client.purchaseOf(response)
  const report = { ...blank(call), ...headOf(response), ...priceOf(purchase) }
  const verdict = explainStatus(response.status, purchase)
  try {
    if (destination === undefined) return { ...report, ...(await readBody(response)), ...verdict }
    // The body of an error is no content for a file that the user named.
    const place = response.ok ? destination : standardOutput()
    await place.write(response)
    return { ...report, output: place.path, ...verdict }
  } catch (error) {
    if (purchase === undefined) return { ...report, ...failureOf(error, client) }
    return { ...report, ...brokenOff(error) }
  }
}

/** Asks, checks, and says what it would cost. What is free is carried out, and its body dropped. */
export async function askPrice(call: Call): Promise<GetReport> {
  const { client, request } = call
  const report: GetReport = { ...blank(call), dryRun: true }
  try {
    const quote = await client.quote(request.url, initOf(call))
    if (quote.status === 'free') {
      return { ...report, status: quote.httpStatus, ...explainStatus(quote.httpStatus, undefined) }
    }
    if (quote.status === 'covered') return { ...report, status: 402 }
    if (quote.status === 'payable') return { ...report, status: 402, ...quotedPrice(quote.price) }
    const price = quote.price === undefined ? {} : quotedPrice(quote.price)
    return { ...report, status: 402, ...price, ...failureOf(quote.error, client) }
  } catch (error) {
    return { ...report, ...failureOf(error, client) }
  }
}

function initOf({ request, patience }: Call): FetchInit {
  const { method, headers, body } = request
  return { method, headers, signal: patience.signal, ...(body !== undefined && { body }) }
}

/** A report before anything has happened. */
function blank({ request }: Call): GetReport {
  return {
    outcome: 'not_paid',
    method: request.method,
    url: request.url.href,
    status: null,
    contentType: null,
    amountMsat: null,
    feeMsat: null,
    paymentHash: null,
    dryRun: false,
    output: null,
    body: null,
    bodyEncoding: null,
    error: null,
    exitCode: exitCodes.ok,
  }
}

type Part = Partial<GetReport>

function headOf(response: Response): Part {
  return { status: response.status, contentType: response.headers.get('content-type') }
}

function priceOf(purchase: Purchase | undefined): Part {
  if (purchase === undefined) return {}
  const { outcome, amountMsat, feeMsat, paymentHash } = purchase
  return { outcome, amountMsat: String(amountMsat), feeMsat: String(feeMsat), paymentHash }
}

function quotedPrice({ amountMsat, maxFeeMsat, paymentHash }: QuotedPrice): Part {
  return { amountMsat: String(amountMsat), feeMsat: String(maxFeeMsat), paymentHash }
}

function failureOf(error: unknown, client: Client): Part {
  return { outcome: client.outcomeOf(error), ...explainCall(error) }
}

/** What the journal says about the payment that an error names. */
async function costOf(error: unknown, { ledger }: Call): Promise<Part> {
  const paymentHash = isL402Error(error) ? error.details['paymentHash'] : undefined
  if (typeof paymentHash !== 'string') return {}
  const entry = await ledger.find(paymentHash)
  if (entry === undefined || entry.state === 'failed') return { paymentHash }
  const { amountMsat, feeMsat } = entry
  return {
    paymentHash,
    amountMsat: String(amountMsat),
    feeMsat: feeMsat === undefined ? null : String(feeMsat),
  }
}

/** Paid, accepted, and then the answer ended too early. */
function brokenOff(error: unknown): Part {
  const reason = explainCall(error).error.message
  return {
    outcome: 'paid_not_delivered',
    exitCode: exitCodes.notDelivered,
    error: {
      code: 'PAYMENT_NOT_DELIVERED',
      message: `It was paid, but its answer broke off. ${reason}`,
      advice: 'What has arrived is not all of it.',
    },
  }
}
