import type { Msat } from '../amount/index.ts'
import { msat } from '../amount/index.ts'
import { encodeHex } from '../bytes/index.ts'
import { L402Error } from '../errors.ts'
import type { Invoice, Network } from '../invoice/index.ts'
import { decodeInvoice, expiresAtSeconds } from '../invoice/index.ts'
import type { CallLimits } from './call-limits.ts'
import type { Policy } from './policy.ts'
import type { RefusalReason } from './refusal.ts'
import { refuse, tooMuch } from './refusal.ts'

/** An invoice that may be paid, as far as the invoice itself and the limits on it go. */
export type CheckedInvoice = {
  readonly invoice: Invoice
  /** 64 hex digits. */
  readonly paymentHash: string
  /** 66 hex digits. */
  readonly payee: string
  readonly amountMsat: Msat
  /** The most that the route may take: what all limits leave. */
  readonly maxFeeMsat: Msat
}

/** What an invoice is held against. */
export type InvoiceRules = {
  readonly policy: Policy
  readonly limits: Pick<CallLimits, 'maxCostMsat' | 'maxFeeMsat' | 'expectedPriceMsat'>
  /** The network of the payer; `undefined` without one. */
  readonly network: Network | undefined
  readonly nowSeconds: number
  /** Who asks: scheme, host and port, or `lightning:` and the payee. */
  readonly origin: string
}

/** An invoice must be payable for at least this long: a payment takes its time. */
export const minValiditySeconds = 10
/** And for no longer than this: a week, Core Lightning's default, and an hour for its clock. */
export const maxValiditySeconds: number = 7 * 86_400 + 3600

const defaultMaxFeeMsat = 5000n

/**
 * Holds an invoice against every rule that needs no memory and asks nobody.
 *
 * @throws {L402Error} INVOICE_*, BUDGET_EXCEEDED, POLICY_REFUSED.
 * @spec client.md R-PAY-12 to R-PAY-18, R-PAY-81
 */
export function checkInvoice(text: string, rules: InvoiceRules): CheckedInvoice {
  const { policy, network, nowSeconds, origin } = rules
  const invoice = decodeInvoice(text)
  checkNetwork(invoice, network)
  const amountMsat = amountOf(invoice)
  const paymentHash = encodeHex(invoice.paymentHash)
  const payee = encodeHex(invoice.payee)
  const about = { origin, paymentHash, amountMsat: String(amountMsat) }
  const no = (reason: RefusalReason, more: { readonly [name: string]: string } = {}): L402Error =>
    refuse(reason, { ...about, ...more })

  if (policy.networks?.has(invoice.network) === false) {
    throw no('network', { network: invoice.network })
  }
  checkValidity(invoice, nowSeconds)
  const isAllowed = policy.payees?.has(payee) ?? true
  if (!isAllowed || policy.denyPayees.has(payee)) throw no('payee', { payee })
  const maxFeeMsat = checkCost(amountMsat, rules, { origin, paymentHash })
  return { invoice, paymentHash, payee, amountMsat, maxFeeMsat }
}

/**
 * @throws {L402Error} INVOICE_EXPIRED when too little time is left to pay; POLICY_REFUSED `expiry`
 *   when there is more than anybody needs.
 */
export function checkValidity(invoice: Invoice, nowSeconds: number): void {
  const leftSeconds = expiresAtSeconds(invoice) - nowSeconds
  // Negated, so that a clock that gives no number lets nothing through.
  if (!(leftSeconds >= minValiditySeconds)) {
    throw new L402Error('INVOICE_EXPIRED', { leftSeconds: Math.floor(leftSeconds) })
  }
  if (leftSeconds > maxValiditySeconds) {
    throw refuse('expiry', { leftSeconds: Math.floor(leftSeconds) })
  }
}

function checkNetwork(invoice: Invoice, network: Network | undefined): void {
  if (network === undefined || invoice.network === network) return
  throw new L402Error('INVOICE_NETWORK', { invoice: invoice.network, payer: network })
}

function amountOf(invoice: Invoice): Msat {
  const { amountMsat } = invoice
  if (amountMsat !== undefined && amountMsat > 0n) return amountMsat
  throw new L402Error('INVOICE_AMOUNT', { reason: amountMsat === undefined ? 'missing' : 'zero' })
}

/** Every ceiling on one payment. What they leave above the amount is the ceiling of the fee. */
function checkCost(
  amountMsat: Msat,
  { policy, limits }: InvoiceRules,
  about: { readonly origin: string; readonly paymentHash: string },
): Msat {
  for (const [limit, limitMsat] of [
    ['expected-price', limits.expectedPriceMsat],
    ['per-call', limits.maxCostMsat],
    ['per-payment', policy.maxPaymentMsat],
  ] as const) {
    if (limitMsat === undefined || amountMsat <= limitMsat) continue
    const sums = { amountMsat: String(amountMsat), limitMsat: String(limitMsat) }
    throw tooMuch(limit, { ...sums, ...about })
  }
  const onePercent = (amountMsat + 99n) / 100n
  const byDefault = onePercent > defaultMaxFeeMsat ? onePercent : defaultMaxFeeMsat
  const { maxCostMsat } = limits
  return msat(
    least(
      policy.maxFeeMsat ?? byDefault,
      limits.maxFeeMsat,
      policy.maxPaymentMsat - amountMsat,
      maxCostMsat === undefined ? undefined : maxCostMsat - amountMsat,
    ),
  )
}

function least(first: bigint, ...others: readonly (bigint | undefined)[]): bigint {
  let result = first
  for (const other of others) if (other !== undefined && other < result) result = other
  return result
}
