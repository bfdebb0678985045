import { encodeHex } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import { paymentHash } from '../../invoice/index.ts'
import type { InvoiceOrder } from '../adapter/index.ts'
import { createPayee, unavailable } from '../adapter/index.ts'
import type { InvoiceStatus, Payee, Settlement } from '../index.ts'
import type { NwcLink } from './nwc-link.ts'
import { kind, whyNot } from './refusals.ts'
import type { Settings } from './settings.ts'
import type { Transaction } from './wallet-messages.ts'
import { readHex, readNotification, readTransaction } from './wallet-messages.ts'

const maxMade = 10_000

/**
 * The receiving half of a connection.
 *
 * @spec wallets.md R-NWC-20 to R-NWC-24
 */
export function createInvoices(link: NwcLink, settings: Settings): Payee {
  const { network, timeoutMs, pollMs, now } = settings
  /** Payment hashes of invoices that were made here, in hex, oldest first. */
  const made = new Set<string>()

  const create = async (order: InvoiceOrder, signal: AbortSignal): Promise<string> => {
    const { amountMsat, description, expirySeconds: expiry } = order
    if (amountMsat > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(
        'amountMsat: nwc says amounts as JSON numbers, which do not reach so far',
      )
    }
    const method = 'make_invoice'
    const params = { amount: Number(amountMsat), description, expiry }
    const reply = await link.ask(method, params, 'question', signal)
    if (reply.kind !== 'answered' || reply.code !== undefined) throw whyNot(reply, method)
    const { invoice } = reply.result
    if (typeof invoice !== 'string') throw unavailable(kind, 'it answered without an invoice')
    rememberMade(made, reply.result['payment_hash'])
    return invoice
  }

  const lookUp = async (hash: PaymentHash, signal: AbortSignal): Promise<InvoiceStatus> => {
    const method = 'lookup_invoice'
    const reply = await link.ask(method, { payment_hash: encodeHex(hash) }, 'question', signal)
    if (reply.kind === 'answered' && reply.code === 'NOT_FOUND') return { status: 'not-found' }
    if (reply.kind !== 'answered' || reply.code !== undefined) throw whyNot(reply, method)
    const found = readTransaction(reply.result, hash)
    if (found === undefined) throw unavailable(kind, 'it answered nonsense')
    return statusOf(found, made.has(encodeHex(hash)), now())
  }

  async function* follow(signal: AbortSignal): AsyncGenerator<Settlement> {
    const info = await link.info(signal)
    // It tells of nothing: what waits is asked about.
    if (!info.notifications.has('payment_received')) return await aborted(signal)
    for await (const text of link.notifications(info, signal)) {
      const settlement = readSettlement(text, now())
      if (settlement !== undefined) yield settlement
    }
  }

  return createPayee({
    kind,
    network,
    create,
    lookUp,
    // Never said to be `opened`: a notification may get lost, so what waits is asked about all along.
    follow,
    pollMs,
    timeoutMs,
    now,
  })
}

/** @param isOurs - Made here: then a wallet that tells of the payment instead has paid itself. */
function statusOf(found: Transaction, isOurs: boolean, nowSeconds: number): InvoiceStatus {
  const { type, state, amountMsat, settledAtSeconds } = found
  if (type === 'outgoing' && !isOurs) return { status: 'not-found' }
  const isSettled = state === undefined ? settledAtSeconds !== undefined : state === 'settled'
  if (isSettled) {
    if (amountMsat === undefined) throw unavailable(kind, 'it told no amount that can be read')
    return { status: 'settled', amountMsat, settledAtSeconds: settledAtSeconds ?? nowSeconds }
  }
  const isOver = type !== 'outgoing' && (state === 'expired' || state === 'failed')
  return { status: isOver ? 'closed' : 'open' }
}

/** Reads a notification of a payment that has come in. Total. */
function readSettlement(text: string, nowSeconds: number): Settlement | undefined {
  const told = readNotification(text)
  const hashBytes = readHex(told?.about['payment_hash'])
  if (told?.type !== 'payment_received' || hashBytes === undefined) return undefined
  const hash = paymentHash(hashBytes)
  const found = readTransaction(told.about, hash)
  if (found === undefined || found.type === 'outgoing' || found.amountMsat === undefined) {
    return undefined
  }
  if (found.state !== undefined && found.state !== 'settled') return undefined
  return {
    paymentHash: hash,
    amountMsat: found.amountMsat,
    settledAtSeconds: found.settledAtSeconds ?? nowSeconds,
  }
}

function rememberMade(made: Set<string>, hash: unknown): void {
  const bytes = readHex(hash)
  if (bytes !== undefined) made.add(encodeHex(bytes))
  if (made.size <= maxMade) return
  const [oldest] = made
  made.delete(oldest!)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
