import type { Msat } from '../../amount/index.ts'
import { msat } from '../../amount/index.ts'
import { encodeUtf8, equalBytes, sha256 } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { InvoiceFields, Network, PaymentHash } from '../../invoice/index.ts'
import { decodeInvoiceUnverified } from '../../invoice/index.ts'
import type { InvoiceStatus, Payee, Settlement } from '../index.ts'
import { SettlementFeed } from './settlement-feed.ts'
import { unavailable } from './unavailable.ts'
import { untilAborted } from './until-aborted.ts'

/** What an invoice shall say. The adapter need not check any of it again. */
export type InvoiceOrder = {
  readonly amountMsat: Msat
  readonly description: string
  /** From 1 to 31 536 000. */
  readonly expirySeconds: number
}

/** The questions that a receiving adapter puts to its wallet. */
export type PayeeDriver = {
  /** As in its URI: `lnd`. Begins what errors say. */
  readonly kind: string
  readonly network: Network
  /** As {@link Payee.amountStepMsat}. Default 1. */
  readonly amountStepMsat?: bigint
  /** In bytes of UTF-8. Default 639. */
  readonly maxDescriptionBytes?: number
  /** In seconds. Default 31 536 000. */
  readonly maxExpirySeconds?: number
  /**
   * What the wallet decides itself, so that the invoice may say something else than was asked for.
   * Amount and network are always checked. `empty-description`: what stands where nothing was asked for.
   * Default: nothing.
   */
  readonly decidesItself?: ReadonlySet<'description' | 'empty-description' | 'expiry'>
  /** Makes an invoice; gives the BOLT 11 text, in which everything is checked here. */
  create(order: InvoiceOrder, signal: AbortSignal): Promise<string>
  lookUp(hash: PaymentHash, signal: AbortSignal): Promise<InvoiceStatus>
  /**
   * What settles, as the wallet tells it, until the signal aborts. Calls `opened` when everything that
   * settles from then on is certainly told. Ends or rejects when the connection breaks. May tell a
   * settlement twice; tells none that is not one. Left out: the invoices that wait are asked about.
   */
  readonly follow?: (signal: AbortSignal, opened: () => void) => AsyncIterable<Settlement>
  /**
   * How often an invoice that waits is asked about while nothing tells, in ms; each time that it is
   * still open, half as often, down to 30 s. Default 1000.
   */
  readonly pollMs?: number
  /**
   * Whether `lookUp` tells when an invoice settled. Where it tells when it was asked instead, a stream
   * asks about what waits as soon as it begins, and what has settled by then is no news. Default true.
   */
  readonly tellsTime?: boolean
  /** How long one answer is waited for, in ms. Default 10 000. */
  readonly timeoutMs?: number
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

const maxYear = 31_536_000
const maxDescription = 639

/**
 * What every payee does alike: it checks the order, bounds the wait, reads every invoice that the
 * wallet made before anybody sees it, and makes one stream of settlements of what the wallet tells
 * and what it has to be asked.
 *
 * @spec wallets.md R-ADP-10 to R-ADP-16
 */
export function createPayee(driver: PayeeDriver): Payee {
  const { kind, network, timeoutMs = 10_000 } = driver
  const amountStepMsat = driver.amountStepMsat ?? 1n

  const within = async <Value>(
    caller: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<Value>,
  ): Promise<Value> => {
    if (caller?.aborted === true) throw unavailable(kind, 'aborted')
    const limit = AbortSignal.timeout(timeoutMs)
    const signal = caller === undefined ? limit : AbortSignal.any([caller, limit])
    try {
      return await untilAborted(work(signal), signal)
    } catch (error) {
      if (isL402Error(error, 'NODE_UNAVAILABLE') || error instanceof RangeError) throw error
      const reason = signal.aborted ? 'it did not answer in time' : 'it did not answer'
      throw unavailable(kind, reason)
    }
  }
  const lookUp = (hash: PaymentHash, caller?: AbortSignal): Promise<InvoiceStatus> =>
    within(caller, (signal) => driver.lookUp(hash, signal))
  const feed = new SettlementFeed({
    kind,
    lookUp,
    follow: driver.follow,
    pollMs: driver.pollMs ?? 1000,
    tellsTime: driver.tellsTime ?? true,
    now: driver.now ?? (() => Math.floor(Date.now() / 1000)),
  })

  return {
    network,
    ...(amountStepMsat !== 1n && { amountStepMsat: msat(amountStepMsat) }),
    ...(driver.maxDescriptionBytes !== undefined && {
      maxDescriptionBytes: driver.maxDescriptionBytes,
    }),
    createInvoice: async ({ signal: caller, ...order }) => {
      requireSayable(order, driver)
      const text = await within(caller, (signal) => driver.create(order, signal))
      const invoice = readInvoice(text, order, driver)
      feed.watch(invoice)
      return { invoice: text }
    },
    lookupInvoice: async (hash, caller) => {
      const found = await lookUp(hash, caller)
      if (found.status === 'open') feed.watchHash(hash)
      return found
    },
    settlements: (signal) => feed.read(signal),
  }
}

/** @throws {RangeError} for what no invoice can say, or none of this wallet. */
function requireSayable(order: InvoiceOrder, driver: PayeeDriver): void {
  const { amountMsat, description, expirySeconds } = order
  const step = driver.amountStepMsat ?? 1n
  const maxBytes = Math.min(maxDescription, driver.maxDescriptionBytes ?? maxDescription)
  const maxExpiry = Math.min(maxYear, driver.maxExpirySeconds ?? maxYear)
  if (amountMsat <= 0n) throw new RangeError('amountMsat: expected more than 0')
  if (amountMsat % step !== 0n) {
    throw new RangeError(`amountMsat: ${driver.kind} makes invoices of whole sat only`)
  }
  if (encodeUtf8(description).length > maxBytes) {
    throw new RangeError(`description: expected at most ${maxBytes} bytes`)
  }
  if (!Number.isInteger(expirySeconds) || expirySeconds < 1 || expirySeconds > maxExpiry) {
    throw new RangeError(`expirySeconds: expected 1 to ${maxExpiry}`)
  }
}

/** @throws NODE_UNAVAILABLE for an invoice that must not be sold. */
function readInvoice(text: string, order: InvoiceOrder, driver: PayeeDriver): InvoiceFields {
  const { kind, network, decidesItself } = driver
  let invoice: InvoiceFields
  try {
    // Its signature is for those who pay: what a wallet of ours signed wrongly, they refuse.
    invoice = decodeInvoiceUnverified(text)
  } catch (error) {
    const code = isL402Error(error) ? `: ${error.code}` : ''
    throw unavailable(kind, `it made an invoice that cannot be read${code}`)
  }
  if (invoice.network !== network) {
    const is = `it makes invoices of ${invoice.network}, and it was named as one of ${network}`
    throw unavailable(kind, `${is}: say network=${invoice.network}, or name another wallet`)
  }
  if (invoice.amountMsat !== order.amountMsat) {
    throw unavailable(kind, 'it made an invoice of another amount than was asked for')
  }
  const isEmpty = order.description === ''
  const mayDescribe =
    decidesItself?.has('description') === true ||
    (isEmpty && decidesItself?.has('empty-description') === true)
  if (!mayDescribe && !describes(invoice, order.description)) {
    throw unavailable(kind, 'it made an invoice of another description than was asked for')
  }
  const mayExpire = decidesItself?.has('expiry') === true
  if (!mayExpire && invoice.expirySeconds !== order.expirySeconds) {
    throw unavailable(kind, 'it made an invoice of another expiry than was asked for')
  }
  return invoice
}

function describes(invoice: InvoiceFields, description: string): boolean {
  if (invoice.descriptionHash === undefined) return (invoice.description ?? '') === description
  return equalBytes(invoice.descriptionHash, sha256(encodeUtf8(description)))
}
