import { encodeHex, encodeUtf8, sha256 } from '../../bytes/index.ts'
import type { Network, PaymentHash } from '../../invoice/index.ts'
import type { Order, Told } from '../adapter/index.ts'
import { createPayer, unavailable } from '../adapter/index.ts'
import type { Payer } from '../index.ts'
import type { Settings } from './settings.ts'
import { readOptions } from './settings.ts'
import type { WalletAnswer } from './wallet-answer.ts'
import { readAnswer } from './wallet-answer.ts'
import type { Reply } from './wallet-request.ts'
import { askWallet } from './wallet-request.ts'

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

/** Begins what errors say. */
const kind = 'the wallet'
const unknown: Told = { status: 'unknown' }

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
  const { network, lookupUrl, timeoutMs } = settings

  const askAbout = (hash: PaymentHash, signal: AbortSignal): Promise<Reply> => {
    const url = String(lookupUrl).replaceAll('{hash}', encodeHex(hash))
    return askWallet(settings.fetch, url, { headers: settings.headers }, signal)
  }

  const lookUp = async (hash: PaymentHash, signal: AbortSignal): Promise<Told | undefined> => {
    const said = requireAnswer(await askAbout(hash, signal), hash, settings)
    return said.says === 'not-found' ? undefined : toldBy(said)
  }

  /** The order was turned away. It may have been paid before: a look-up knows better than a refusal. */
  const endOfRefused = async (hash: PaymentHash, signal: AbortSignal): Promise<Told> => {
    const rejected: Told = { status: 'failed', reason: 'rejected' }
    if (lookupUrl === undefined) return rejected
    const limit = AbortSignal.any([signal, AbortSignal.timeout(maxLookupMs)])
    const reply = await askAbout(hash, limit)
    if (reply.kind !== 'answered') return unknown
    const said = answerOf(reply, hash, settings)
    const isKnown = said?.says === 'settled' || said?.says === 'failed'
    if (isKnown && reply.status === 200) return toldBy(said)
    const isNeither = said?.says === 'not-found' || said?.says === 'nothing' || said === undefined
    // Turned away as the order was: by the same hand, which passes nothing on.
    const isTurnedAway = isNeither && neverCarriedOut.has(reply.status)
    return said?.says === 'not-found' || isTurnedAway ? rejected : unknown
  }

  const order = async ({ invoice, maxFeeMsat }: Order, signal: AbortSignal): Promise<Told> => {
    const { invoiceField, maxFeeField } = settings
    const { paymentHash: hash } = invoice
    const body = JSON.stringify({
      [invoiceField]: invoice.text,
      ...(maxFeeField !== undefined && { [maxFeeField]: String(maxFeeMsat) }),
    })
    // On a connection of its own: an order on an idle one that turns out to be dead would be unknown.
    const headers = {
      'content-type': 'application/json',
      ...settings.headers,
      connection: 'close',
    }
    const reply = await askWallet(
      settings.fetch,
      settings.url,
      { method: 'POST', headers, body },
      signal,
    )
    if (reply.kind === 'not-sent') throw unavailable(kind, reply.reason)
    if (reply.kind === 'lost') return unknown
    const said = answerOf(reply, hash, settings)
    if (said?.says === 'settled') return toldBy(said)
    const isRefusal = neverCarriedOut.has(reply.status) && said?.says !== 'paid'
    if (!isRefusal) return unknown
    return await endOfRefused(hash, signal)
  }

  return createPayer({
    kind,
    network,
    id: encodeHex(sha256(encodeUtf8(settings.url))),
    asksFirst: 'to-tell-attempts',
    order,
    ...(lookupUrl !== undefined && { lookUp }),
    orderTimeoutMs: timeoutMs,
    lookUpTimeoutMs: Math.min(timeoutMs, maxLookupMs),
  })
}

/** What an answer proves. */
function toldBy(said: WalletAnswer): Told {
  if (said.says === 'failed') return { status: 'failed', reason: said.reason }
  if (said.says !== 'settled') return unknown
  return { status: 'settled', preimage: said.preimage, feeMsat: said.feeMsat }
}

/** @throws {L402Error} NODE_UNAVAILABLE when the wallet did not answer the question. */
function requireAnswer(reply: Reply, hash: PaymentHash, settings: Settings): WalletAnswer {
  if (reply.kind === 'not-sent') throw unavailable(kind, reply.reason)
  if (reply.kind === 'lost') throw unavailable(kind, 'it did not answer')
  const said = answerOf(reply, hash, settings)
  // A wrong lookupUrl answers 404, too: only a wallet that names the hash says that there is none.
  const counts = reply.status === 200 || (reply.status === 404 && said?.says === 'not-found')
  if (said === undefined || !counts) throw unavailable(kind, `it answered ${reply.status}`)
  return said
}

function answerOf(
  { text }: Extract<Reply, { readonly kind: 'answered' }>,
  hash: PaymentHash,
  { paths }: Settings,
): WalletAnswer | undefined {
  return text === undefined ? undefined : readAnswer(text, hash, paths)
}
