import type { Msat } from '../amount/index.ts'
import type { Payee } from '../lightning/index.ts'
import type { KeyRing } from './key-ring.ts'
import type { Price } from './price.ts'
import type { DenyList, UseStore } from './store.ts'

/** The little the paywall needs of a request, so that no adapter has to build a `Request`. */
export type IncomingRequest = {
  readonly method: string
  /** The request target as received: path and query, not decoded, not normalised. */
  readonly target: string
  /** The address of the peer, or what a trusted proxy says it is. */
  readonly clientAddress: string | undefined
  /** Every line of a header, in order; empty when it is absent. */
  headerLines(name: string): readonly string[]
  /** SHA-256 of the body in hex. Absent where an adapter cannot read the body twice. */
  readonly bodySha256?: () => Promise<string>
}

/** A response that refuses, for the adapter to translate. */
export type RefusalResponse = {
  readonly status: number
  /** In order; a name may repeat. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

/** What was bought, for the handler: facts under the token's signature. */
export type Receipt = {
  /** 32 bytes in hex. */
  readonly tokenId: string
  /** 32 bytes in hex. */
  readonly paymentHash: string
  readonly amountMsat: Msat
  readonly service: string
  readonly capability: string
  readonly tier: number
  readonly validUntilSeconds: number
}

export type Decision =
  | { readonly status: 'refused'; readonly response: RefusalResponse }
  | {
      readonly status: 'admitted'
      /** `undefined` when the price function said that this request is free. */
      readonly receipt: Receipt | undefined
      /** Headers of the paid response, given what the handler set: `Cache-Control`, `Vary`, CORS. */
      responseHeaders(current: (name: string) => string | undefined): readonly (readonly [string, string])[]
      /**
       * Ends the reservation: commits below status 500, releases otherwise. Called once, as soon as
       * the response starts; `undefined` when the handler failed before that.
       */
      finish(status: number | undefined): Promise<void>
    }

/** Decides one request. Never throws for a peer's fault. */
export type Gate = (request: IncomingRequest) => Promise<Decision>

export type ChargeOptions = {
  /** `'10 sat'`, an amount in msat, or a function of the request. */
  readonly price: Price
  /** Names what is sold; a token opens this capability only. `[a-z0-9][a-z0-9.-]{0,63}` */
  readonly capability: string
  readonly tier?: number
  /** Requests per token. Default: any number until it expires. */
  readonly uses?: number
  /** How long a token works, in seconds. Default 3600. */
  readonly lifetimeSeconds?: number
  /** Text of the invoice. Default: service and capability. */
  readonly description?: string
}

export type PaywallOptions = {
  readonly service: string
  readonly payee: Payee
  readonly keys: KeyRing
  readonly uses?: UseStore
  readonly denyList?: DenyList
  readonly now?: () => number
  readonly random?: (length: number) => Uint8Array
}
export type Paywall = {
  /** @throws {L402Error} CONFIG_INVALID */
  charge(options: ChargeOptions): Gate
  close(): Promise<void>
}
export declare function createPaywall(options: PaywallOptions): Paywall
