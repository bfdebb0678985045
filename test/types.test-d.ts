import type { Msat } from '../library/src/amount/index.ts'
import { msat } from '../library/src/amount/index.ts'
import type {
  Invoice,
  PaymentHash,
  Preimage,
  UnverifiedInvoice,
} from '../library/src/invoice/index.ts'
import type { readTerms, TermsOptions } from '../library/src/l402/index.ts'
import type { Payer } from '../library/src/lightning/index.ts'
import type { Macaroon, VerifiedCaveats } from '../library/src/macaroon/index.ts'

// These hold at compile time: `npm test` type-checks this file, and an expected error that does not
// come is itself an error.

declare const macaroon: Macaroon
declare const verified: VerifiedCaveats
declare const options: TermsOptions
declare const unverified: UnverifiedInvoice
declare const invoice: Invoice
declare const payer: Payer
declare const hash: PaymentHash
declare const secret: Preimage
declare const terms: typeof readTerms

export function caveatsMustBeVerified(): unknown[] {
  return [
    terms(verified, options),
    // @ts-expect-error what a holder claims is not what was verified
    terms(macaroon.unverifiedCaveats, options),
    // @ts-expect-error nobody but `verify` makes verified caveats
    terms([{ text: 'services=a:0', branch: new Uint8Array(32) }], options),
  ]
}

export function invoicesMustBeVerifiedBeforePaying(limits: { maxFeeMsat: Msat }): unknown[] {
  return [
    payer.pay(invoice, limits),
    // @ts-expect-error the signature was not looked at
    payer.pay(unverified, limits),
  ]
}

export function unitsAndKindsDoNotMix(): unknown[] {
  const amount: Msat = msat(1000n)
  // @ts-expect-error a bare number of unknown unit
  const bare: Msat = 1000n
  // @ts-expect-error a payment hash is not a preimage
  const swapped: Preimage = hash
  // @ts-expect-error bytes of unknown length are not a payment hash
  const any: PaymentHash = new Uint8Array(32)
  return [amount, bare, swapped, any, secret]
}

export function valuesDoNotChange(): void {
  // @ts-expect-error narrowing makes a new token
  macaroon.signature = new Uint8Array(32)
  // @ts-expect-error what was verified stays as it was
  verified.push({ text: '', branch: new Uint8Array(32) })
}
