export { expiresAtSeconds, decodeInvoice, decodeInvoiceUnverified, verifyInvoice } from './decode.ts'
export { encodeInvoice } from './encode.ts'
export type { InvoiceRequest } from './encode.ts'
export type {
  Fallback,
  IgnoredField,
  Invoice,
  InvoiceFields,
  Network,
  RouteHop,
  UnverifiedInvoice,
} from './invoice.ts'
export { hashPreimage, paymentHash, preimage, provesPayment } from './payment.ts'
export type { PaymentHash, Preimage } from './payment.ts'
