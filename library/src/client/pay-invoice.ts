import type { Msat } from '../amount/index.ts'
import { encodeHex } from '../bytes/index.ts'
import { decodeInvoice } from '../invoice/index.ts'
import { readCallLimits } from './call-limits.ts'
import { checkInvoice } from './check-invoice.ts'
import { crashPoint } from './crash-point.ts'
import type { Decision } from './decide.ts'
import { decide } from './decide.ts'
import { failedPayment, unknownPayment } from './intent.ts'
import type { PaymentEntry } from './ledger.ts'
import { isOpen } from './ledger.ts'
import { noteRefused } from './notes.ts'
import type { Order } from './order.ts'
import { barePurpose, originOfPayee } from './order.ts'
import type { Parts } from './parts.ts'
import type { Amount, Policy } from './policy.ts'
import { refuse } from './refusal.ts'
import { storing } from './storing.ts'

/** What `payInvoice` gives. */
export type PaidInvoice = {
  /** 64 hex digits. */
  readonly paymentHash: string
  /** 64 hex digits. Secret where it is half of a credential. */
  readonly preimage: string
  readonly amountMsat: Msat
  readonly feeMsat: Msat
  /** Paid by an earlier call: nothing was spent now. */
  readonly before: boolean
}

/** What one call says about the invoice that it pays. */
export type PayInvoiceInit = {
  /** The most that this call may cost, fee included. */
  readonly maxCostMsat?: Amount
  /** The most that the route may take. */
  readonly maxFeeMsat?: Amount
  readonly signal?: AbortSignal
}

/**
 * Pays a bare invoice, once.
 *
 * @throws {TypeError} for anything but text, and for a misspelt limit.
 * @throws {L402Error} as `Client.payInvoice`.
 * @spec client.md R-BARE-1 to R-BARE-6
 */
export async function payInvoice(
  parts: Parts,
  invoice: string,
  init: PayInvoiceInit = {},
): Promise<PaidInvoice> {
  if (typeof invoice !== 'string')
    throw new TypeError('payInvoice: expected the text of an invoice')
  const { signal, ...options } = init
  const limits = readCallLimits(options)
  const text = invoice.trim()
  const asked = { method: 'PAY', origin: 'lightning:', path: '' }
  try {
    const { payee, paymentHash } = decodeInvoice(text)
    const hash = encodeHex(paymentHash)
    asked.origin = originOfPayee(encodeHex(payee))
    asked.path = hash
    // One at a time: the second one finds what the first one paid.
    return await parts.locks.run(`PAY ${hash}`, signal, () =>
      payOnce(parts, { text, hash, origin: asked.origin, limits, signal }),
    )
  } catch (error) {
    await noteRefused(parts, asked, error)
    throw error
  }
}

type Wanted = {
  readonly text: string
  readonly hash: string
  readonly origin: string
  readonly limits: ReturnType<typeof readCallLimits>
  readonly signal: AbortSignal | undefined
}

async function payOnce(parts: Parts, wanted: Wanted): Promise<PaidInvoice> {
  const { text, hash, origin, limits, signal } = wanted
  const orderUnder = (policy: Policy): Order => {
    if (!policy.allowInvoices) throw refuse('invoices', { origin, paymentHash: hash })
    if (parts.payer === undefined) throw refuse('no-payer', { origin, paymentHash: hash })
    const { network } = parts.payer
    const checked = checkInvoice(text, { policy, limits, network, nowSeconds: parts.now(), origin })
    const isNamed = policy.payees?.has(checked.payee) ?? false
    return {
      checked,
      purpose: barePurpose(checked),
      isNamed,
      capability: undefined,
      body: undefined,
    }
  }
  let decision: Decision | undefined
  for (;;) {
    const earlier = await paidEarlier(parts, wanted)
    if (earlier !== undefined) return earlier
    decision = await decide(parts, origin, orderUnder, decision, signal)
    crashPoint('policy-checked')
    const bought = await parts.payments.pay(decision, signal)
    if (typeof bought === 'object') {
      const { amountMsat } = decision.order.checked
      const { preimage, feeMsat } = bought
      return { paymentHash: hash, preimage, amountMsat, feeMsat, before: false }
    }
    if (bought === 'look-again') continue
    const paid = await paidEarlier(parts, wanted)
    if (paid !== undefined) return paid
    // The wallet paid it for somebody else, and does not tell the proof.
    throw failedPayment({ paymentHash: hash, origin }, 'already-paid')
  }
}

/** What an earlier call, or another process, paid for the same invoice; `undefined`: nothing. */
async function paidEarlier(
  parts: Parts,
  { hash, origin, signal }: Wanted,
): Promise<PaidInvoice | undefined> {
  const entry = await storing(() => parts.ledger.find(hash))
  if (entry === undefined) return undefined
  const isBound = entry.state !== 'failed' || entry.failure !== 'never-sent'
  if (entry.origin !== origin && isBound) {
    const amountMsat = String(entry.amountMsat)
    throw refuse('other-origin', { origin, paymentHash: hash, amountMsat })
  }
  const now = isOpen(entry) ? (await parts.payments.settle(entry, signal)).entry : entry
  if (isOpen(now)) throw unknownPayment(now, parts.payer)
  return proofIn(now)
}

function proofIn({
  paymentHash,
  preimage,
  amountMsat,
  feeMsat,
}: PaymentEntry): PaidInvoice | undefined {
  if (preimage === undefined || feeMsat === undefined) return undefined
  return { paymentHash, preimage, amountMsat, feeMsat, before: true }
}
