import { isL402Error } from 'satway'
import type {
  CallLimitOptions,
  Client,
  FetchInit,
  Ledger,
  PaymentEntry,
  Purchase,
  QuotedPrice,
} from 'satway/client'
import { exitCodes } from '../cli/exit-codes.ts'
import type { Asked } from './asked.ts'
import type { Destination } from './destination.ts'
import { readBody, standardOutput } from './destination.ts'
import { explainBrokenOff, explainCall, explainStatus } from './failures.ts'
import type { Patience } from './patience.ts'
import type { GetReport } from './report.ts'
import type { HttpRequest } from './request.ts'

export type Call = {
  readonly client: Client
  /** The client's: it knows what a failed call cost. */
  readonly ledger: Ledger
  readonly limits: CallLimitOptions
  readonly request: HttpRequest
  /** What the server said last. */
  readonly asked: () => Asked
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
    return { ...blank(call), ...(await failureOf(error, call)) }
  }
  patience.answered()
  const purchase = client.purchaseOf(response)
  const report = { ...blank(call), ...headOf(response), ...priceOf(purchase) }
  const verdict = explainStatus(response.status, purchase)
  try {
    if (destination === undefined) return { ...report, ...(await readBody(response)), ...verdict }
    // The body of an error is no content for a file that the user named.
    const place = response.ok ? destination : standardOutput(process.stdout)
    await place.write(response)
    return { ...report, output: place.path, ...verdict }
  } catch (error) {
    if (purchase === undefined) return { ...report, ...(await failureOf(error, call)) }
    return { ...report, outcome: 'paid_not_delivered', ...explainBrokenOff(error) }
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
    return { ...report, ...(await failureOf(quote.error, call)), ...price }
  } catch (error) {
    return { ...report, ...(await failureOf(error, call)) }
  }
}

function initOf({ request, patience, limits }: Call): FetchInit {
  const { method, headers, body } = request
  const { signal } = patience
  return { method, headers, signal, l402: limits, ...(body !== undefined && { body }) }
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
    maxFeeMsat: null,
    paymentHash: null,
    dryRun: false,
    output: null,
    credential: null,
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
  return { amountMsat: String(amountMsat), maxFeeMsat: String(maxFeeMsat), paymentHash }
}

/** Why there is no answer, and what was asked for or paid. */
async function failureOf(error: unknown, { client, ledger, asked }: Call): Promise<Part> {
  const { status, price } = asked()
  const paymentHash = isL402Error(error) ? error.details['paymentHash'] : undefined
  const entry = typeof paymentHash === 'string' ? await ledger.find(paymentHash) : undefined
  return {
    status: status ?? null,
    ...price,
    ...(entry !== undefined && costOf(entry)),
    outcome: client.outcomeOf(error),
    ...explainCall(error, entry?.maxFeeMsat),
  }
}

/** What the journal says about a payment. */
function costOf({ paymentHash, amountMsat, feeMsat }: PaymentEntry): Part {
  return {
    paymentHash,
    amountMsat: String(amountMsat),
    feeMsat: feeMsat === undefined ? null : String(feeMsat),
  }
}
