import { L402Error } from '../errors.ts'
import { decodeBech32 } from './bech32.ts'
import { unknownRequired } from './features.ts'
import { readFields } from './fields.ts'
import type { Invoice, InvoiceFields, UnverifiedInvoice } from './invoice.ts'
import { parsePrefix } from './prefix.ts'
import { malformed } from './refusal.ts'
import { readSignature, signatureWords, signerOf, signingHash } from './signature.ts'
import { readFixedNumber } from './words.ts'

/**
 * Longest invoice, in characters, without `lightning:`. The limit of LND and LDK, so that no invoice
 * they would pay is refused here for its length. R-INV-1
 */
export const maxInvoiceLength = 7089

/** Words of the timestamp: 35 bits. */
export const timestampWords = 7

/** In seconds, when field `x` is absent. */
const defaultExpirySeconds = 3600
/** In blocks, when field `c` is absent. */
const defaultMinFinalCltvExpiry = 18

/**
 * Reads an invoice and checks who signed it. Costs about 1 ms, nearly all of it for the signature.
 *
 * @param text - At most 7089 characters, in one case; `lightning:` may stand before it.
 * @throws {L402Error} INVOICE_MALFORMED, INVOICE_CHECKSUM, INVOICE_NETWORK and INVOICE_AMOUNT as
 *   {@link decodeInvoiceUnverified}; INVOICE_FEATURE and INVOICE_SIGNATURE as {@link verifyInvoice}.
 * @spec invoice.md R-INV-1 to R-INV-21
 */
export function decodeInvoice(text: string): Invoice {
  return verify(decodeInvoiceUnverified(text))
}

/**
 * Reads an invoice without looking at its signature: for display, and where the signature has been
 * checked. Whoever is about to pay uses {@link decodeInvoice}.
 *
 * @param text - At most 7089 characters, in one case; `lightning:` may stand before it.
 * @throws {L402Error} INVOICE_CHECKSUM when it was mistyped or cut; INVOICE_NETWORK for an unknown
 *   network; INVOICE_AMOUNT for an amount that is zero, has a leading zero, is finer than 1 msat or
 *   exceeds 21 million BTC; INVOICE_MALFORMED for everything else that BOLT 11 does not allow.
 * @spec invoice.md R-INV-1 to R-INV-18
 */
export function decodeInvoiceUnverified(text: string): UnverifiedInvoice {
  const bare = withoutScheme(text)
  if (bare.length > maxInvoiceLength) throw malformed('too long')
  if (!/^ln/i.test(bare)) throw malformed('does not begin with ln')
  const { prefix, words } = decodeBech32(bare)
  const { network, amountMsat } = parsePrefix(prefix)

  const end = words.length - signatureWords
  if (end < timestampWords) throw malformed('too short')
  const fields = readFields(words, timestampWords, end)
  const { paymentHash, paymentSecret, description, descriptionHash } = fields
  if (paymentHash === undefined) throw malformed('no payment hash')
  if (paymentSecret === undefined) throw malformed('no payment secret')
  if ((description === undefined) === (descriptionHash === undefined)) {
    throw malformed('not exactly one of description and description hash')
  }
  const { signature, recoveryId } = readSignature(words, end)

  const featureBits = fields.featureBits ?? []
  return {
    network,
    amountMsat,
    timestampSeconds: readFixedNumber(words, 0, timestampWords),
    paymentHash,
    paymentSecret,
    description,
    descriptionHash,
    expirySeconds: fields.expirySeconds ?? defaultExpirySeconds,
    minFinalCltvExpiry: fields.minFinalCltvExpiry ?? defaultMinFinalCltvExpiry,
    featureBits,
    fallbacks: fields.fallbacks,
    routes: fields.routes,
    metadata: fields.metadata,
    text: bare.toLowerCase(),
    claimedPayee: fields.claimedPayee,
    unknownRequiredFeatures: unknownRequired(featureBits),
    ignoredFields: fields.ignoredFields,
    signature,
    recoveryId,
    signingHash: signingHash(prefix, words, end),
  }
}

/**
 * Checks the signature and the features of an invoice that was read earlier.
 *
 * Reads the text again, so that what comes back is what was signed, whatever became of the object.
 *
 * @throws {L402Error} INVOICE_FEATURE when the invoice requires a feature that is not known here;
 *   INVOICE_SIGNATURE when no key made the signature, or not the key of field `n`; and as
 *   {@link decodeInvoiceUnverified} when the text is not an invoice.
 * @spec invoice.md R-INV-16, R-INV-19, R-INV-20, R-INV-22
 */
export function verifyInvoice(invoice: UnverifiedInvoice): Invoice {
  return verify(decodeInvoiceUnverified(invoice.text))
}

/**
 * Timestamp plus expiry: the first second at which the invoice is no longer valid.
 *
 * @spec invoice.md R-INV-23
 */
export function expiresAtSeconds(invoice: InvoiceFields): number {
  return invoice.timestampSeconds + invoice.expirySeconds
}

function verify(invoice: UnverifiedInvoice): Invoice {
  const [feature] = invoice.unknownRequiredFeatures
  if (feature !== undefined) throw new L402Error('INVOICE_FEATURE', { feature })
  return { ...invoice, payee: signerOf(invoice) } as UnverifiedInvoice as Invoice
}

function withoutScheme(text: string): string {
  return /^lightning:/i.test(text) ? text.slice('lightning:'.length) : text
}
