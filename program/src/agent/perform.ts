import { isL402Error } from 'satway'
import type { PaymentEntry, Purchase, Quote, QuotedPrice } from 'satway/client'
import { exitCodes } from '../cli/exit-codes.ts'
import type { CallReport, QuoteReport } from '../schema/index.ts'
import type { Agent, AskPrice, BodySink, CallOrder, Perform, ResumeCall } from './agent.ts'
import type { Asked } from './asked.ts'
import { listenTo } from './asked.ts'
import { asksFor } from './asks.ts'
import { explainDelegated } from './delegated-words.ts'
import type { Explained } from './failures.ts'
import { explainBrokenOff, explainCall, explainStatus } from './failures.ts'
import { readBody } from './report-body.ts'

/**
 * Makes a call and says how it ended. Never rejects.
 *
 * @spec agent.md R-AGT-20 to R-AGT-25
 */
export const perform: Perform = (agent, order, options) =>
  listenTo((asked) =>
    carryOut({ agent, order, asked }, () => agent.client.fetch(order.url, order.init), options),
  )

/**
 * Goes on with a purchase, without paying. Never rejects.
 *
 * @param paymentHash - 64 hex digits.
 * @spec agent.md R-AGT-23
 */
export const resumeCall: ResumeCall = async (agent, paymentHash, init, options) => {
  const entry = await findEntry(agent, paymentHash)
  const { url = '', method = 'GET' } = entry ?? {}
  const order = { url, init: { ...init, method } }
  return await listenTo((asked) =>
    carryOut({ agent, order, asked }, () => agent.client.resume(paymentHash, init), options),
  )
}

/**
 * Asks, checks, and says what it would cost. What is free is carried out, and its body dropped.
 * Never rejects.
 *
 * @spec agent.md R-AGT-22
 */
export const askPrice: AskPrice = (agent, order) =>
  listenTo(async (asked) => {
    const report = blankQuote(order)
    try {
      const quote = await agent.client.quote(order.url, order.init)
      return { ...report, ...(await quoteFacts({ agent, order, asked }, quote)) }
    } catch (error) {
      const { status, price } = asked()
      const verdict = unpaidVerdict(error, { agent, order, asked }) ?? explainCall(error)
      return { ...report, ...price, status: status ?? null, ...verdict }
    }
  })

/** One call on its way. */
type Call = { readonly agent: Agent; readonly order: CallOrder; readonly asked: () => Asked }
type Part = Partial<CallReport>

async function carryOut(
  call: Call,
  send: () => Promise<Response>,
  options: { readonly sink?: BodySink; readonly maxBodyBytes: number },
): Promise<CallReport> {
  const blank = blankCall(call.order)
  let response: Response
  try {
    response = await send()
  } catch (error) {
    return { ...blank, ...(await failureOf(error, call)) }
  }
  const { client } = call.agent
  const purchase = client.purchaseOf(response)
  // Without a purchase: of the stored token that opened it.
  const paymentHash = client.describe(response).paymentHash ?? null
  const report = { ...blank, ...headOf(response), paymentHash, ...costOfPurchase(purchase) }
  const verdict = statusVerdict(response, call) ?? explainStatus(response.status, purchase)
  const { sink } = options
  try {
    if (sink !== undefined && (sink.takes?.(response) ?? true)) {
      await sink.write(response)
      return { ...report, output: sink.path, ...verdict }
    }
    return { ...report, ...(await readBody(response, options.maxBodyBytes)), ...verdict }
  } catch (error) {
    // Whoever refuses a body before reading it leaves its connection open.
    await response.body?.cancel().catch(() => undefined)
    // What broke off may have been owed from an earlier call.
    const owed = client.purchaseOf(response)
    if (owed === undefined) return { ...report, ...(await failureOf(error, call)) }
    const resume = owed.paymentHash
    const broken = explainBrokenOff(error, owed)
    return { ...report, ...costOfPurchase(owed), outcome: 'paid_not_delivered', resume, ...broken }
  }
}

/** A report before anything has happened. */
function blankCall({ url, init }: CallOrder): CallReport {
  return {
    outcome: 'not_paid',
    method: init.method?.toUpperCase() ?? 'GET',
    url,
    status: null,
    contentType: null,
    amountMsat: null,
    feeMsat: null,
    maxFeeMsat: null,
    paymentHash: null,
    resume: null,
    approvalId: null,
    dryRun: false,
    quote: null,
    asks: null,
    output: null,
    credential: null,
    body: null,
    bodyEncoding: null,
    truncated: false,
    error: null,
    exitCode: exitCodes.ok,
  }
}

function headOf(response: Response): Part {
  return { status: response.status, contentType: response.headers.get('content-type') }
}

function costOfPurchase(purchase: Purchase | undefined): Part {
  if (purchase === undefined) return {}
  const { outcome, amountMsat, feeMsat, paymentHash } = purchase
  const resume = outcome === 'paid_not_delivered' ? paymentHash : null
  return { outcome, amountMsat: String(amountMsat), feeMsat: String(feeMsat), paymentHash, resume }
}

/** Why there is no answer, and what was asked for or paid. */
async function failureOf(error: unknown, call: Call): Promise<Part> {
  const { agent, asked } = call
  const { status, price } = asked()
  const { outcome, resume, approvalId, amountMsat, paymentHash } = agent.client.describe(error)
  const hash = isL402Error(error) ? error.details['paymentHash'] : undefined
  const entry = typeof hash === 'string' ? await findEntry(agent, hash) : undefined
  return {
    status: status ?? null,
    ...price,
    ...(amountMsat !== undefined && { amountMsat: String(amountMsat) }),
    ...(paymentHash !== undefined && { paymentHash }),
    ...(entry !== undefined && costOfEntry(entry)),
    outcome,
    resume: resume ?? null,
    approvalId: approvalId ?? null,
    ...(unpaidVerdict(error, call) ?? explainCall(error, entry?.maxFeeMsat)),
  }
}

/** For somebody who was given a token and no wallet. */
function unpaidVerdict(error: unknown, { agent, order, asked }: Call): Explained | undefined {
  const { delegatedTo } = agent
  if (delegatedTo === undefined) return undefined
  const origin = URL.parse(order.url)?.origin
  return explainDelegated(delegatedTo, { error, origin }, asked().refusal)
}

function statusVerdict(response: Response, { agent, order, asked }: Call): Explained | undefined {
  const { delegatedTo } = agent
  if (delegatedTo === undefined) return undefined
  const origin = URL.parse(response.url || order.url)?.origin
  return explainDelegated(delegatedTo, { status: response.status, origin }, asked().refusal)
}

/** What the journal says about a payment. */
function costOfEntry({ paymentHash, amountMsat, feeMsat, maxFeeMsat }: PaymentEntry): Part {
  return {
    paymentHash,
    amountMsat: String(amountMsat),
    feeMsat: feeMsat === undefined ? null : String(feeMsat),
    maxFeeMsat: String(maxFeeMsat),
  }
}

async function findEntry({ journal }: Agent, hash: string): Promise<PaymentEntry | undefined> {
  try {
    return await journal?.ledger.find(hash)
  } catch {
    return undefined // the call says what is wrong with the journal
  }
}

function blankQuote({ url, init }: CallOrder): QuoteReport {
  return {
    quote: null,
    method: init.method?.toUpperCase() ?? 'GET',
    url,
    status: null,
    amountMsat: null,
    maxFeeMsat: null,
    paymentHash: null,
    payee: null,
    expiresAt: null,
    description: null,
    service: null,
    capability: null,
    asks: null,
    error: null,
    exitCode: exitCodes.ok,
  }
}

/** What is refused may have no price in its quote: what the server asked for is known. */
async function quoteFacts(call: Call, quote: Quote): Promise<Partial<QuoteReport>> {
  const { status } = quote
  switch (status) {
    case 'free':
      return {
        quote: status,
        status: quote.httpStatus,
        ...explainStatus(quote.httpStatus, undefined),
      }
    case 'covered': {
      const { paymentHash } = quote
      return { quote: status, status: 402, paymentHash }
    }
    case 'payable':
      return {
        quote: status,
        status: 402,
        ...quotedPrice(quote.price),
        asks: await asksFor(call.agent, quote.price),
      }
    case 'refused': {
      const price = quote.price === undefined ? call.asked().price : quotedPrice(quote.price)
      const verdict = unpaidVerdict(quote.error, call) ?? explainCall(quote.error)
      const { paymentHash: begun } = call.agent.client.describe(quote.error)
      const isOpen = isL402Error(quote.error, 'PAYMENT_UNKNOWN') && begun !== undefined
      // Of the payment without an end, and not of what was asked for now.
      const hash = isOpen ? { paymentHash: begun } : {}
      return { quote: status, status: 402, ...verdict, ...price, ...hash }
    }
    default:
      return status satisfies never
  }
}

function quotedPrice(price: QuotedPrice): Partial<QuoteReport> {
  const { amountMsat, maxFeeMsat, paymentHash, payee, description, service, capability } = price
  return {
    amountMsat: String(amountMsat),
    maxFeeMsat: String(maxFeeMsat),
    paymentHash,
    payee,
    expiresAt: new Date(price.expiresAtSeconds * 1000).toISOString(),
    description,
    service: service ?? null,
    capability: capability ?? null,
  }
}
