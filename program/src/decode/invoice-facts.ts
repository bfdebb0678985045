import type { Fallback, Invoice, RouteHop, UnverifiedInvoice } from 'satway'
import {
  decodeInvoiceUnverified,
  expiresAtSeconds,
  formatMsat,
  isL402Error,
  verifyInvoice,
} from 'satway'
import { featureName } from './features.ts'
import { hex, isoTime } from './notation.ts'

/** What an invoice says, ready for JSON. Everything in it is the payee's claim. */
export type InvoiceFacts = {
  readonly network: string
  /** Thousandths of a satoshi, in digits: JSON's numbers are too small. `null`: the payer chooses. */
  readonly amountMsat: string | null
  /** For people, with its unit. */
  readonly amount: string | null
  /** ISO 8601, UTC. */
  readonly timestamp: string
  readonly expirySeconds: number
  readonly expiresAt: string
  readonly expired: boolean
  readonly paymentHash: string
  /** Who signed. `null` when the signature does not verify, or was not checked. */
  readonly payee: string | null
  readonly description: string | null
  readonly descriptionHash: string | null
  readonly features: readonly FeatureFacts[]
  readonly minFinalCltvExpiry: number
  readonly routes: readonly (readonly HopFacts[])[]
  readonly fallbacks: readonly FallbackFacts[]
  readonly metadata: string | null
  /** What a payer should know before paying. */
  readonly warnings: readonly string[]
}

export type FeatureFacts = {
  readonly bit: number
  readonly name: string | null
  readonly required: boolean
}
export type HopFacts = {
  readonly nodeId: string
  /** Block x transaction x output. */
  readonly shortChannelId: string
  readonly feeBaseMsat: number
  readonly feeProportionalMillionths: number
  readonly cltvExpiryDelta: number
}
export type FallbackFacts = {
  readonly kind: string
  readonly version: number
  readonly program: string
}

/** An invoice that was read, and what is wrong with it. */
export type InvoiceReading = {
  readonly invoice: UnverifiedInvoice
  readonly facts: InvoiceFacts
  /** Why the signature does not hold. `undefined`: it does, or was not checked. */
  readonly fault: string | undefined
  /** Why nobody should pay it, apart from the clock. Empty: nothing was found. */
  readonly obstacles: readonly string[]
}

/**
 * Reads an invoice for display: also one that is expired, has no amount, needs features that nobody
 * here knows, or carries a wrong signature. The reading says so.
 *
 * @throws {L402Error} INVOICE_* when there is nothing in it that can be relied on.
 */
export function readInvoice(text: string, nowSeconds: number): InvoiceReading {
  const invoice = decodeInvoiceUnverified(text)
  const { payee, fault } = verify(invoice)
  const facts = factsOf(invoice, payee === undefined ? null : hex(payee), nowSeconds)
  const obstacles = [...(fault === undefined ? [] : [fault]), ...obstaclesOf(invoice)]
  return { invoice, facts, fault, obstacles }
}

type Verified = { readonly payee: Uint8Array | undefined; readonly fault: string | undefined }

function verify(invoice: UnverifiedInvoice): Verified {
  try {
    const { payee }: Invoice = verifyInvoice(invoice)
    return { payee, fault: undefined }
  } catch (error) {
    if (!isL402Error(error)) throw error
    // An unknown required feature forbids paying, not reading. The signature stays unchecked.
    if (error.code === 'INVOICE_FEATURE') return { payee: undefined, fault: undefined }
    return { payee: undefined, fault: error.message }
  }
}

function factsOf(
  invoice: UnverifiedInvoice,
  payee: string | null,
  nowSeconds: number,
): InvoiceFacts {
  const expiresAt = expiresAtSeconds(invoice)
  const { amountMsat } = invoice
  return {
    network: invoice.network,
    amountMsat: amountMsat === undefined ? null : String(amountMsat),
    amount: amountMsat === undefined ? null : formatMsat(amountMsat),
    timestamp: isoTime(invoice.timestampSeconds),
    expirySeconds: invoice.expirySeconds,
    expiresAt: isoTime(expiresAt),
    expired: nowSeconds >= expiresAt,
    paymentHash: hex(invoice.paymentHash),
    payee,
    description: invoice.description ?? null,
    descriptionHash: invoice.descriptionHash === undefined ? null : hex(invoice.descriptionHash),
    features: invoice.featureBits.map((bit) => ({
      bit,
      name: featureName(bit),
      required: bit % 2 === 0,
    })),
    minFinalCltvExpiry: invoice.minFinalCltvExpiry,
    routes: invoice.routes.map((route) => route.map(hopFacts)),
    fallbacks: invoice.fallbacks.map(fallbackFacts),
    metadata: invoice.metadata === undefined ? null : hex(invoice.metadata),
    warnings: warningsOf(invoice),
  }
}

function obstaclesOf(invoice: UnverifiedInvoice): readonly string[] {
  const unknown = invoice.unknownRequiredFeatures.map((bit) => {
    return `It requires feature ${bit}, which is not known here: it must not be paid.`
  })
  if (invoice.amountMsat !== undefined) return unknown
  return ['It names no amount, so no L402 client pays it.', ...unknown]
}

function warningsOf(invoice: UnverifiedInvoice): readonly string[] {
  const ignored = invoice.ignoredFields.map(({ tag, reason }) => {
    return `Its field "${tag}" is ignored: ${reason}.`
  })
  return [...obstaclesOf(invoice), ...ignored]
}

function hopFacts(hop: RouteHop): HopFacts {
  const id = Buffer.from(hop.shortChannelId)
  return {
    nodeId: hex(hop.nodeId),
    shortChannelId: `${id.readUIntBE(0, 3)}x${id.readUIntBE(3, 3)}x${id.readUInt16BE(6)}`,
    feeBaseMsat: hop.feeBaseMsat,
    feeProportionalMillionths: hop.feeProportionalMillionths,
    cltvExpiryDelta: hop.cltvExpiryDelta,
  }
}

function fallbackFacts({ version, program }: Fallback): FallbackFacts {
  return { kind: fallbackKind(version, program.length), version, program: hex(program) }
}

function fallbackKind(version: number, length: number): string {
  if (version === 17) return 'p2pkh'
  if (version === 18) return 'p2sh'
  if (version === 0) return length === 20 ? 'p2wpkh' : 'p2wsh'
  if (version === 1) return 'p2tr'
  return 'witness'
}
