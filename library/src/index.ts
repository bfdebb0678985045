export type { Msat } from './amount/index.ts'
export { formatMsat, maxMsat, msat, msatToSatCeil, parseAmount, satToMsat } from './amount/index.ts'
export { decodeHex, encodeHex } from './bytes/index.ts'
export type { Code, Details } from './errors.ts'
export { codes, isL402Error, L402Error } from './errors.ts'
export type {
  Fallback,
  IgnoredField,
  Invoice,
  InvoiceFields,
  InvoiceRequest,
  Network,
  PaymentHash,
  Preimage,
  RouteHop,
  UnverifiedInvoice,
} from './invoice/index.ts'
export {
  decodeInvoice,
  decodeInvoiceUnverified,
  encodeInvoice,
  expiresAtSeconds,
  hashPreimage,
  maxInvoiceLength,
  paymentHash,
  preimage,
  provesPayment,
  verifyInvoice,
} from './invoice/index.ts'
export type {
  Access,
  CanonicalTarget,
  Challenge,
  ChallengeReading,
  Credential,
  Grant,
  Identifier,
  Limit,
  ParsedCaveat,
  Purchase,
  Scheme,
  Terms,
  TermsOptions,
} from './l402/index.ts'
export {
  authorize,
  canonicalTarget,
  decodeIdentifier,
  encodeIdentifier,
  enforcedConditions,
  formatCaveat,
  formatChallenge,
  formatCredential,
  parseCaveat,
  parseChallenges,
  parseCredential,
  parseMetadataCredential,
  purchaseCaveats,
  readTerms,
  requestCaveats,
} from './l402/index.ts'
