import type { InvoiceFields } from './invoice.ts'

/** What the caller chooses; the rest has BOLT 11's defaults. Exactly one description form. */
export type InvoiceRequest = Pick<
  InvoiceFields,
  'network' | 'amountMsat' | 'timestampSeconds' | 'paymentHash' | 'paymentSecret'
> &
  Partial<Omit<InvoiceFields, 'network' | 'amountMsat' | 'timestampSeconds' | 'paymentHash' | 'paymentSecret'>> & {
    /** Adds field `n`. Default false: payers recover the key from the signature. */
    readonly includePayee?: boolean
  }
/** Encodes and signs. @throws {RangeError|TypeError} caller's mistakes */
export declare function encodeInvoice(request: InvoiceRequest, privateKey: Uint8Array): string
