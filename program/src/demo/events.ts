import type { Msat } from 'satway'
import type { InvoiceFacts } from '../decode/invoice-facts.ts'
import type { MacaroonFacts } from '../decode/macaroon-facts.ts'
import type { Instructions } from './instructions.ts'

export type NodeBalance = { readonly role: 'buyer' | 'seller'; readonly balanceMsat: Msat }

/** One thing that was checked, and why it holds or does not. */
export type Check = { readonly ok: boolean; readonly what: string }

/** A credential as it was sent, without its secrets. */
export type Credential = {
  /** Fingerprint. */
  readonly token: string
  /** Fingerprint. */
  readonly preimage: string
  /** What the token carries: what was bought, and what the buyer added for this request. */
  readonly caveats: readonly string[]
}

/** One more purchase, in brief. */
export type Call = {
  readonly sample: string
  readonly status: number
  readonly amountMsat: Msat
  readonly feeMsat: Msat
  readonly ms: number
  readonly answer: InvoiceFacts
}

/**
 * What happens in the demonstration, in order. Carries no secret: tokens and preimages are named by
 * fingerprint.
 */
export type DemoEvent =
  | { readonly event: 'start'; readonly notice: string }
  | {
      readonly event: 'network'
      readonly network: string
      readonly nodes: readonly (NodeBalance & { readonly nodeId: string })[]
    }
  | {
      readonly event: 'listening'
      readonly url: string
      /** The port that was wanted and taken, when another one had to do. */
      readonly insteadOfPort: number | undefined
      readonly price: string
    }
  | {
      readonly event: 'request'
      readonly method: string
      readonly url: string
      readonly sample: string
      /** Absent: the request carries no credential. */
      readonly credential?: Credential
    }
  | { readonly event: 'response'; readonly status: number; readonly ms: number }
  | {
      readonly event: 'challenge'
      readonly token: MacaroonFacts
      readonly invoice: InvoiceFacts
      readonly nowSeconds: number
    }
  | { readonly event: 'checks'; readonly checks: readonly Check[] }
  | {
      readonly event: 'payment'
      readonly amountMsat: Msat
      readonly feeMsat: Msat
      readonly ms: number
      readonly paymentHash: string
      /** Fingerprint. */
      readonly preimage: string
      /** Whether the preimage hashes to the payment hash. */
      readonly proven: boolean
    }
  | { readonly event: 'answer'; readonly answer: InvoiceFacts; readonly checks: readonly Check[] }
  | { readonly event: 'calls'; readonly calls: readonly Call[] }
  | {
      readonly event: 'books'
      readonly before: readonly NodeBalance[]
      readonly after: readonly NodeBalance[]
      readonly feesMsat: Msat
      readonly totalBeforeMsat: Msat
      readonly totalAfterMsat: Msat
      readonly checks: readonly Check[]
    }
  | {
      readonly event: 'ready'
      readonly url: string
      readonly walletFile: string
      readonly instructions: Instructions
    }
  /** What somebody else did, while the demonstration stays up. */
  | { readonly event: 'activity'; readonly what: string }
  | { readonly event: 'done' }

/** One line of JSON. Amounts become digits in a string. */
export function formatEvent(event: DemoEvent): string {
  return JSON.stringify(event, (_, value: unknown) => {
    return typeof value === 'bigint' ? String(value) : value
  })
}
