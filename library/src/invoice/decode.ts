import type { Invoice, InvoiceFields, UnverifiedInvoice } from './invoice.ts'

/** Reads and verifies. @throws {L402Error} INVOICE_* */
export declare function decodeInvoice(text: string): Invoice
/** Everything but the signature and the unknown-feature refusal. @throws {L402Error} INVOICE_* */
export declare function decodeInvoiceUnverified(text: string): UnverifiedInvoice
/** @throws {L402Error} INVOICE_SIGNATURE, INVOICE_FEATURE */
export declare function verifyInvoice(invoice: UnverifiedInvoice): Invoice
/** Timestamp plus expiry: the first second at which the invoice is no longer valid. */
export declare function expiresAtSeconds(invoice: InvoiceFields): number
