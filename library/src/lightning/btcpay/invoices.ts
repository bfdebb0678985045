import { encodeHex } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { Fields, PayeeDriver } from '../adapter/index.ts'
import { readMsat, readSeconds, unavailable } from '../adapter/index.ts'
import type { InvoiceStatus } from '../index.ts'
import type { Store } from './greenfield.ts'
import { ask, noAnswer } from './greenfield.ts'

/** How many invoices are known for our own; the oldest are forgotten first. */
const maxMade = 10_000

/** How a driver makes invoices and looks them up. */
export function createInvoices(
  store: Store & { readonly privateRouteHints: boolean; readonly now: () => number },
): Pick<PayeeDriver, 'create' | 'lookUp'> {
  const { kind, path, privateRouteHints } = store
  /** Payment hashes in hex, oldest first. lnd cancels what expires, and BTCPay hides what is cancelled. */
  const made = new Set<string>()

  const create: PayeeDriver['create'] = async (order, signal) => {
    const { amountMsat, description, expirySeconds } = order
    const body = JSON.stringify({
      amount: String(amountMsat),
      description,
      expiry: expirySeconds,
      privateRouteHints,
    })
    const request = { method: 'POST', path: `${path}/invoices`, body } as const
    const answer = await ask(store, request, signal)
    if (answer.says === 'problem' && answer.code === 'generic-error') {
      throw unavailable(kind, 'its Lightning node made no invoice')
    }
    if (answer.says !== 'done') throw noAnswer(kind, answer)
    const { BOLT11: text, paymentHash: hashHex } = answer.fields
    if (typeof text !== 'string') throw unavailable(kind, 'it made no invoice that can be read')
    if (typeof hashHex === 'string') made.add(hashHex)
    const [oldest] = made
    if (made.size > maxMade) made.delete(oldest!)
    return text
  }

  // Every node of BTCPay 2 finds an invoice by its hash, whatever it calls it.
  const lookUp: PayeeDriver['lookUp'] = async (hash, signal) => {
    const request = { method: 'GET', path: `${path}/invoices/${encodeHex(hash)}` } as const
    const answer = await ask(store, request, signal)
    if (answer.says === 'problem' && answer.code === 'invoice-not-found') {
      return { status: made.has(encodeHex(hash)) ? 'closed' : 'not-found' }
    }
    const status = answer.says === 'done' ? statusOf(answer.fields, hash, store.now) : undefined
    if (status === undefined) throw noAnswer(kind, answer)
    return status
  }
  return { create, lookUp }
}

/** @returns `undefined` for what is not about this invoice. */
function statusOf(fields: Fields, hash: PaymentHash, now: () => number): InvoiceStatus | undefined {
  if (fields['paymentHash'] !== encodeHex(hash)) return undefined
  switch (fields['status']) {
    case 'Unpaid':
      return { status: 'open' }
    case 'Expired':
      return { status: 'closed' }
    case 'Paid': {
      const amountMsat = readMsat(fields['amountReceived']) ?? readMsat(fields['amount'])
      if (amountMsat === undefined) return undefined
      const settledAtSeconds = readSeconds(fields['paidAt']) ?? now()
      return { status: 'settled', amountMsat, settledAtSeconds }
    }
    default:
      return undefined
  }
}
