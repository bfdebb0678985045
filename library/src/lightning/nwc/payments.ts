import { encodeHex, encodeUtf8, sha256 } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { Order, Told } from '../adapter/index.ts'
import { createPayer, readMsat, unavailable } from '../adapter/index.ts'
import type { FailureReason, Payer } from '../index.ts'
import type { NwcLink, NwcReply } from './nwc-link.ts'
import { kind, notBegun, whyNot } from './refusals.ts'
import type { Settings } from './settings.ts'
import type { WalletInfo } from './wallet-info.ts'
import type { Transaction } from './wallet-messages.ts'
import { provingPreimage, readTransaction } from './wallet-messages.ts'

/**
 * How long a wallet may take up an order that a relay keeps for it: Alby Hub takes none that is older.
 * NIP-47 wants it left alone after its `expiration`, which is sooner; Alby Hub does not look at that.
 */
const orderLagSeconds = 6 * 3600
const maxNotes = 1000

/** What is remembered of an order beyond what the wallet tells. */
type Note = {
  /** Why it failed, as far as its code said. */
  reason: FailureReason
  /** The wallet said that it did not begin it. */
  isRefused: boolean
  /** An attempt before it, which had failed: when the wallet wrote that down. */
  readonly earlierSeconds: number | undefined
  /** The wallet answered: what it tells from then on is about this order. */
  isAnswered: boolean
}

const unknown: Told = { status: 'unknown' }

/**
 * The paying half of a connection.
 *
 * @spec wallets.md R-NWC-1 to R-NWC-9
 */
export function createPayments(link: NwcLink, settings: Settings): Payer {
  const { network, walletPubkey, clientPubkey, relays, now } = settings
  const { timeoutMs, askMs, orderTimeoutMs } = settings
  const notes = new Map<string, Note>()

  /**
   * Whether a refusal counts without a look-up. A wallet that takes one order for two, since it came over
   * two relays, refuses the second.
   */
  const isBelieved = (note: Note | undefined): boolean =>
    note?.isRefused === true && relays.length === 1

  /** @returns `undefined` when the wallet does not know the hash. */
  const ask = async (
    hash: PaymentHash,
    signal: AbortSignal,
  ): Promise<Transaction | undefined | 'cannot-tell'> => {
    const info = await link.info(signal)
    if (!tells(info)) return 'cannot-tell'
    const method = 'lookup_invoice'
    const reply = await link.ask(method, { payment_hash: encodeHex(hash) }, 'question', signal)
    if (reply.kind === 'answered' && reply.code === 'NOT_FOUND') return undefined
    if (reply.kind === 'answered' && cannotTell.has(String(reply.code))) return 'cannot-tell'
    if (reply.kind !== 'answered' || reply.code !== undefined) throw whyNot(reply, method)
    const found = readTransaction(reply.result, hash)
    if (found === undefined) throw unavailable(kind, 'it answered nonsense')
    return found
  }

  const lookUp = async (hash: PaymentHash, signal: AbortSignal): Promise<Told | undefined> => {
    const note = notes.get(encodeHex(hash))
    const found = await ask(hash, signal)
    if (found === 'cannot-tell') return isBelieved(note) ? failed(note) : unknown
    if (found === undefined || isUnpaidInvoice(found)) {
      return note?.isRefused === true ? failed(note) : undefined
    }
    return toldBy(found, note)
  }

  /** @throws NODE_UNAVAILABLE when nothing was ordered. */
  const order = async ({ invoice, maxFeeMsat }: Order, signal: AbortSignal): Promise<Told> => {
    // It cannot be asked for: NIP-47 knows no ceiling.
    if (maxFeeMsat === 0n) return { status: 'failed', reason: 'fee-limit' }
    const { paymentHash: hash } = invoice
    const before = await ask(hash, within(signal, askMs))
    const isKnown = before !== undefined && before !== 'cannot-tell' && !isUnpaidInvoice(before)
    if (isKnown) {
      const told = toldBy(before, undefined)
      if (told.status !== 'failed') return told
    }
    const note: Note = {
      reason: 'rejected',
      isRefused: false,
      earlierSeconds: isKnown ? (before.createdAtSeconds ?? Number.POSITIVE_INFINITY) : undefined,
      isAnswered: false,
    }
    remember(notes, encodeHex(hash), note)
    const reply = await link.ask('pay_invoice', { invoice: invoice.text }, 'order', signal)
    if (reply.kind === 'not-sent') throw unavailable(kind, reply.reason)
    if (reply.kind === 'lost') return unknown
    return await judge(reply, hash, note, signal)
  }

  const judge = async (
    { result, code }: Extract<NwcReply, { readonly kind: 'answered' }>,
    hash: PaymentHash,
    note: Note,
    signal: AbortSignal,
  ): Promise<Told> => {
    const preimage = provingPreimage(result['preimage'], hash)
    if (preimage !== undefined) {
      return { status: 'settled', preimage, feeMsat: readMsat(result['fees_paid']) }
    }
    if (code === undefined) return unknown
    note.isAnswered = true
    const reason = notBegun.get(code)
    if (reason === undefined) {
      note.reason = code === 'PAYMENT_FAILED' ? 'no-route' : 'rejected'
      return unknown
    }
    note.reason = reason
    note.isRefused = true
    const found = await ask(hash, within(signal, askMs)).catch(() => 'unavailable' as const)
    if (found === 'unavailable') return unknown
    if (found === 'cannot-tell') return isBelieved(note) ? failed(note) : unknown
    if (found === undefined || isUnpaidInvoice(found)) return failed(note)
    return toldBy(found, note)
  }

  return createPayer({
    kind,
    network,
    id: encodeHex(sha256(encodeUtf8(`nwc:${walletPubkey}:${clientPubkey}`))),
    orderLagSeconds,
    // It is asked before each order, within `order`: whether it can be asked, only it can tell.
    asksFirst: false,
    tellsAttempts: true,
    order,
    lookUp,
    orderTimeoutMs,
    lookUpTimeoutMs: timeoutMs,
    now,
  })
}

/** With which a wallet says that it does not tell of payments. */
const cannotTell: ReadonlySet<string> = new Set(['NOT_IMPLEMENTED', 'RESTRICTED'])

function tells({ methods }: WalletInfo): boolean {
  return methods === undefined || methods.has('lookup_invoice')
}

/**
 * An invoice that the wallet itself made and that nobody paid: no payment. One that was paid, or is held,
 * may have been paid by this wallet, which then tells of one half only.
 */
function isUnpaidInvoice({ type, state, settledAtSeconds }: Transaction): boolean {
  if (type !== 'incoming' || settledAtSeconds !== undefined) return false
  return state === undefined || state === 'pending' || state === 'expired' || state === 'failed'
}

/** What a transaction proves. */
function toldBy(found: Transaction, note: Note | undefined): Told {
  const { type, state, preimage, amountMsat, feeMsat, createdAtSeconds } = found
  if (type !== 'outgoing') return unknown
  const isSettled = state === 'settled' || state === undefined
  if (isSettled && preimage !== undefined) {
    return { status: 'settled', preimage, amountMsat, feeMsat }
  }
  // `expired` is said of the invoice, also while its payment is on its way.
  if (state !== 'failed' || preimage !== undefined) return unknown
  const earlier = note?.isAnswered === true ? undefined : note?.earlierSeconds
  const isEarlierOne = earlier !== undefined && !((createdAtSeconds ?? 0) > earlier)
  return isEarlierOne ? unknown : failed(note)
}

function failed(note: Note | undefined): Told {
  return { status: 'failed', reason: note?.reason ?? 'rejected' }
}

function remember(notes: Map<string, Note>, hash: string, note: Note): void {
  notes.delete(hash)
  notes.set(hash, note)
  if (notes.size <= maxNotes) return
  for (const [oldest, { earlierSeconds, isAnswered }] of notes) {
    // Without it, an attempt that failed before would be taken for one that is still on its way.
    if (earlierSeconds !== undefined && !isAnswered) continue
    notes.delete(oldest)
    return
  }
}

function within(signal: AbortSignal, ms: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ms)])
}
