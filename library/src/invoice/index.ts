export type { Bech32 } from './bech32.ts'
export { decodeBech32 } from './bech32.ts'
export {
  decodeInvoice,
  decodeInvoiceUnverified,
  expiresAtSeconds,
  maxInvoiceLength,
  verifyInvoice,
} from './decode.ts'
export type { InvoiceRequest } from './encode.ts'
export { encodeInvoice } from './encode.ts'
export type {
  Fallback,
  IgnoredField,
  Invoice,
  InvoiceFields,
  Network,
  RouteHop,
  UnverifiedInvoice,
} from './invoice.ts'
export type { PaymentHash, Preimage } from './payment.ts'
export { hashPreimage, paymentHash, preimage, provesPayment } from './payment.ts'
export { readBytes } from './words.ts'
