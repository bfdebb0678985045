import type { Msat } from '../../amount/index.ts'
import { encodeHex, encodeUtf8, sha256 } from '../../bytes/index.ts'
import { L402Error } from '../../errors.ts'
import type { Network, PaymentHash } from '../../invoice/index.ts'
import type { Payer, PaymentOutcome } from '../index.ts'
import { Orders } from './orders.ts'
import type { Settings } from './settings.ts'
import { readOptions } from './settings.ts'
import type { WalletAnswer } from './wallet-answer.ts'
import { readAnswer } from './wallet-answer.ts'
import type { Reply } from './wallet-request.ts'
import { askWallet, untilAborted } from './wallet-request.ts'

/** A wallet that pays when it is sent an invoice: `POST /payinvoice {"invoice": "lnbc…"}`. */
export type HttpWalletOptions = {
  /** Where invoices are sent. https, or http on this machine. */
  readonly url: string
  /** Default `bitcoin`. */
  readonly network?: Network
  /** Sent with every request: `{ Authorization: 'Bearer …' }`. Secret. */
  readonly headers?: Readonly<Record<string, string>>
  /** Where the invoice is put. Default `invoice`. */
  readonly invoiceField?: string
  /** Where the fee ceiling is put, as digits, in msat; most such wallets know none. Default: nowhere. */
  readonly maxFeeField?: string
  /** Path to the preimage, with dots. Default: the first of the usual names that is there. */
  readonly preimagePath?: string
  /** Path to whether it was paid. Default: the first of the usual names that is there. */
  readonly paidPath?: string
  /** Path to the fee, in msat. Default: the usual names; without one the fee ceiling counts. */
  readonly feePath?: string
  /**
   * Where a payment is looked up, with `{hash}` in it. Without one an unknown payment stays unknown:
   * it holds its budget until the operator has asked the wallet and written it off.
   */
  readonly lookupUrl?: string
  /** How long an answer is waited for, in ms; after that the payment is unknown. Default 60 000. */
  readonly timeoutMs?: number
  /** Default: the platform's. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
}

/**
 * Statuses with which no sane wallet carries out an order: it did not know who asks (401, 403), had
 * nothing at that place (404, 405), or did not take the body (413, 415). Each of them is decided before
 * an invoice is read, by the wallet or by a proxy before it.
 *
 * Not among them, because some wallets say them about a payment that is, or was, on its way: 400 and
 * 422 (an invoice that it pays already may be "invalid" the second time; errors of the node behind are
 * passed on as 400), 402 (no route yet), 408, 409 (being paid), 410, 429 (its own limit, but after how
 * many attempts?), and every 5xx.
 */
const neverCarriedOut: ReadonlySet<number> = new Set([401, 403, 404, 405, 413, 415])
/** A lookup costs the wallet little. */
const maxLookupMs = 10_000

const unknown: PaymentOutcome = { status: 'unknown' }
/**
 * The port has no word for "not told". Whoever reads an outcome takes an amount that is none for that
 * of the invoice, and a fee that is none for the whole ceiling (client.md R-PAY-36).
 */
const notTold = undefined as unknown as Msat

/**
 * A payer over a wallet that takes invoices by HTTP.
 *
 * Only three things end a payment: a preimage that hashes to the payment hash; a lookup that says
 * *failed* about this payment; a status that no wallet carries an order out with. Everything else,
 * `"isPaid": false` included, is `unknown`: such wallets say it of payments that are on their way.
 * An order is sent once; while nobody knows how it ended, it is not sent again.
 *
 * The abort of a caller ends that caller's waiting, not the order: what comes later is remembered.
 *
 * @throws {RangeError} for an option that is not as its type says; never with the text of it.
 * @spec lightning.md R-HW-1 to R-HW-12
 * @example
 * const payer = createHttpWallet({
 *   url: 'http://127.0.0.1:4021/payinvoice',
 *   headers: { authorization: `Bearer ${secret}` },
 * })
 */
export function createHttpWallet(options: HttpWalletOptions): Payer {
  const settings = readOptions(options)
  const orders = new Orders()

  const lookUp = async (
    hash: PaymentHash,
    lookupUrl: string,
    signal: AbortSignal,
  ): Promise<PaymentOutcome | undefined> => {
    const hashHex = encodeHex(hash)
    const url = lookupUrl.replaceAll('{hash}', hashHex)
    const reply = await askWallet(settings.fetch, url, { headers: settings.headers }, signal)
    const said = requireAnswer(reply, hash, settings)
    const order = orders.find(hashHex)
    if (said.says === 'not-found') {
      if (order === undefined) return undefined
      // A wallet that has not written an order down yet does not know it either.
      return order.outcome ?? unknown
    }
    const outcome = outcomeOf(said, order ?? { amountMsat: notTold, maxFeeMsat: notTold })
    if (outcome.status !== 'unknown') orders.end(hashHex, outcome)
    return outcome
  }

  /** Total: what cannot be found out is unknown. */
  const findOut = async (hash: PaymentHash): Promise<PaymentOutcome> => {
    if (settings.lookupUrl === undefined) return unknown
    const signal = AbortSignal.timeout(Math.min(settings.timeoutMs, maxLookupMs))
    return lookUp(hash, settings.lookupUrl, signal).then(
      (outcome) => outcome ?? unknown,
      () => unknown,
    )
  }

  const order = async (
    text: string,
    hash: PaymentHash,
    amounts: { readonly amountMsat: Msat; readonly maxFeeMsat: Msat },
  ): Promise<PaymentOutcome> => {
    const { invoiceField, maxFeeField, timeoutMs } = settings
    const body = JSON.stringify({
      [invoiceField]: text,
      ...(maxFeeField !== undefined && { [maxFeeField]: String(amounts.maxFeeMsat) }),
    })
    // On a connection of its own: an order on an idle one that turns out to be dead would be unknown.
    const headers = {
      'content-type': 'application/json',
      ...settings.headers,
      connection: 'close',
    }
    const signal = AbortSignal.timeout(timeoutMs)
    const reply = await askWallet(
      settings.fetch,
      settings.url,
      { method: 'POST', headers, body },
      signal,
    )
    if (reply.kind === 'not-sent') throw unavailable(reply.reason)
    if (reply.kind === 'lost') return findOut(hash)

    const said = answerOf(reply, hash, settings)
    if (said?.says === 'settled') return outcomeOf(said, amounts)
    const found = await findOut(hash)
    if (found.status !== 'unknown') return found
    const isRefusal = neverCarriedOut.has(reply.status) && said?.says !== 'paid'
    return isRefusal ? { status: 'failed', reason: 'rejected' } : unknown
  }

  const pay: Payer['pay'] = async (invoice, { maxFeeMsat, signal }) => {
    const { paymentHash: hash, network, amountMsat, text } = invoice
    if (signal?.aborted === true) return unknown
    if (network !== settings.network) return { status: 'failed', reason: 'wrong-network' }
    if (amountMsat === undefined) return { status: 'failed', reason: 'rejected' }

    const hashHex = encodeHex(hash)
    const before = orders.find(hashHex)
    const known = before?.outcome
    if (known?.status === 'settled') return known
    if (known?.status === 'unknown') return orUnknown(findOut(hash), signal)
    // Under way: joined. Failed, or never ordered: sent.
    const amounts = { amountMsat, maxFeeMsat }
    const isUnderWay = before !== undefined && known === undefined
    const given = isUnderWay
      ? before
      : orders.add(hashHex, amounts, () => order(text, hash, amounts))
    return orUnknown(given.ending, signal)
  }

  const lookupPayment: Payer['lookupPayment'] = async (hash, signal) => {
    if (signal?.aborted === true) throw unavailable('aborted')
    const known = orders.find(encodeHex(hash))?.outcome
    if (known?.status === 'settled') return known
    if (settings.lookupUrl === undefined) return known ?? unknown
    const limit = AbortSignal.timeout(settings.timeoutMs)
    const until = signal === undefined ? limit : AbortSignal.any([signal, limit])
    return lookUp(hash, settings.lookupUrl, until)
  }

  const id = encodeHex(sha256(encodeUtf8(settings.url)))
  return { network: settings.network, id, pay, lookupPayment }
}

/** What an answer proves, for an order of these amounts. */
function outcomeOf(
  said: WalletAnswer,
  { amountMsat, maxFeeMsat }: { readonly amountMsat: Msat; readonly maxFeeMsat: Msat },
): PaymentOutcome {
  if (said.says === 'failed') return { status: 'failed', reason: said.reason }
  if (said.says !== 'settled') return unknown
  const { preimage, feeMsat = maxFeeMsat } = said
  return { status: 'settled', preimage, amountMsat, feeMsat }
}

/** @throws {L402Error} NODE_UNAVAILABLE when the wallet did not answer the question. */
function requireAnswer(reply: Reply, hash: PaymentHash, settings: Settings): WalletAnswer {
  if (reply.kind === 'not-sent') throw unavailable(reply.reason)
  if (reply.kind === 'lost') throw unavailable('it did not answer')
  const said = answerOf(reply, hash, settings)
  // A wrong lookupUrl answers 404, too: only a wallet that names the hash says that there is none.
  const counts = reply.status === 200 || (reply.status === 404 && said?.says === 'not-found')
  if (said === undefined || !counts) throw unavailable(`it answered ${reply.status}`)
  return said
}

function answerOf(
  { text }: Extract<Reply, { readonly kind: 'answered' }>,
  hash: PaymentHash,
  { paths }: Settings,
): WalletAnswer | undefined {
  return text === undefined ? undefined : readAnswer(text, hash, paths)
}

async function orUnknown(
  ending: Promise<PaymentOutcome>,
  signal: AbortSignal | undefined,
): Promise<PaymentOutcome> {
  if (signal === undefined) return ending
  try {
    return await untilAborted(ending, signal)
  } catch (error) {
    if (signal.aborted) return unknown
    throw error
  }
}

function unavailable(reason: string): L402Error {
  return new L402Error('NODE_UNAVAILABLE', { reason: `the wallet: ${reason}` })
}
