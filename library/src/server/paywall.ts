import type { Msat } from '../amount/index.ts'
import type { Code } from '../errors.ts'
import type { CanonicalTarget } from '../l402/index.ts'
import type { Payee } from '../lightning/index.ts'
import { checkIssuanceOptions, checkPaywallOptions } from './configuration.ts'
import type { PaywallEvents } from './events.ts'
import { createGate } from './gate.ts'
import { Issuance } from './issuance.ts'
import type { KeyRing } from './key-ring.ts'
import type { HeaderList } from './paid-headers.ts'
import type { Price } from './price.ts'
import { openShop, rememberShop } from './shop.ts'
import type { DenyList, UseStore } from './store.ts'

/** The little the paywall needs of a request, so that no adapter has to build a `Request`. */
export type IncomingRequest = {
  readonly method: string
  /** The request target as received: path and query, not decoded, not normalised. */
  readonly target: string
  /** The address of the peer, or what a trusted proxy says it is. */
  readonly clientAddress: string | undefined
  /** Every line of a header, in order; empty when it is absent. `name` is lower case. */
  headerLines(name: string): readonly string[]
  /**
   * SHA-256 of the body in hex. Absent where an adapter cannot read the body twice; rejects where
   * the body is longer than it is willing to keep.
   */
  readonly bodySha256?: () => Promise<string>
  /**
   * The body, for a price that depends on it. Absent where an adapter cannot read it twice.
   *
   * @throws {L402Error} REQUEST_TOO_LARGE where it is longer than `maxBytes`.
   */
  readonly body?: (maxBytes: number) => Promise<Uint8Array>
}

/** A response that takes the handler's place: it refuses, or answers a preflight. */
export type RefusalResponse = {
  readonly status: number
  /** In order; a name may repeat. */
  readonly headers: HeaderList
  readonly body: string
}

/**
 * What was bought, for the handler: facts under the token's signature. `JSON.stringify` takes it as
 * it is and writes the amount as digits; a copy (`{ ...receipt }`) needs that done by hand.
 *
 * @spec server.md R-SRV-50
 */
export type Receipt = {
  /** 32 bytes in hex. */
  readonly tokenId: string
  /** 32 bytes in hex. */
  readonly paymentHash: string
  readonly amountMsat: Msat
  readonly service: string
  readonly capability: string
  readonly tier: number
  /** Until when this token works: what a holder added counts. */
  readonly validUntilSeconds: number
  /** Until when what was bought works, whatever a holder added. */
  readonly soldUntilSeconds: number
}

/** Why a request is refused, for the operator. No token, no preimage, nothing of the request. */
export type Refusal = {
  readonly status: number
  /** What the client is told. */
  readonly code: Code
  /** What was wrong, precisely. */
  readonly cause: Code
  /** `undefined` when no priced route matched. */
  readonly capability: string | undefined
  /** The challenge that it was answered with, if any. */
  readonly challenge:
    | {
        /** 32 bytes in hex. */
        readonly paymentHash: string
        readonly amountMsat: Msat
        readonly reused: boolean
      }
    | undefined
}

export type Decision =
  | {
      readonly status: 'refused'
      readonly response: RefusalResponse
      /** `undefined` for a preflight that was answered. */
      readonly refusal: Refusal | undefined
    }
  | {
      readonly status: 'admitted'
      /** The key in the route table; `undefined` where the gate is of one charge. */
      readonly route: string | undefined
      /** What was matched, and the only thing to hand on. */
      readonly target: CanonicalTarget
      /** In a dry run: why the request would have been refused. */
      readonly waived: Refusal | undefined
      /** `undefined` when the price function said that this request is free. */
      readonly receipt: Receipt | undefined
      /** Headers of the paid response, given what the handler set: `Cache-Control`, `Vary`, CORS. */
      responseHeaders(current: (name: string) => string | undefined): HeaderList
      /** Whether a use was set aside. Where none was, `finish` has nothing to do. */
      readonly isCounted: boolean
      /**
       * Ends the reservation: commits below status 500, releases otherwise. Called once, as soon as
       * the response starts; `undefined` when the handler failed before that, or never ran. Never
       * rejects.
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
  /** From 0 to 255. Default 0. */
  readonly tier?: number
  /** Requests per token, from 1 to 1 000 000 000. Default: any number until it expires. */
  readonly uses?: number
  /**
   * How long a token works, in seconds, from 1 to 31 536 000. Default 3600. Counted from the end of
   * the time in which the invoice can be paid, so that nobody gets less.
   */
  readonly lifetimeSeconds?: number
  /** Text of the invoice, at most 639 bytes. Default: service and capability. */
  readonly description?: string
  /**
   * Asked for a request that has no credential and would have to pay: `true` lets it through free.
   * Where it fails the request is 503, neither free nor charged.
   */
  readonly allowance?: (request: IncomingRequest) => boolean | Promise<boolean>
}

/** How many challenges are issued. What is paid is never slowed by it. */
export type IssuanceOptions = {
  /** New challenges that a client network may ask for at once. Default 60. */
  readonly burst?: number
  /** And how many a minute after that. Default 60. An IPv6 /48 has four times both, as a whole. */
  readonly perMinute?: number
  /** New challenges that all clients together may ask for at once. Default 1000. */
  readonly globalBurst?: number
  /** And how many a minute after that. Default 1000. */
  readonly globalPerMinute?: number
  /** Invoices that the payee is asked for at a time. Default 32. */
  readonly concurrent?: number
  /** Requests that may wait for their turn, a quarter of them from one network. Default 200. */
  readonly queue?: number
  /** How long the wait and the payee may take together. Default 10 000. */
  readonly timeoutMs?: number
}

export type PaywallOptions = {
  /** The seller's name in its tokens. `[a-z][a-z0-9-]{0,31}` */
  readonly service: string
  readonly payee: Payee
  readonly keys: KeyRing
  /** Counts limited tokens. Default: in this process. Several instances need one they share. */
  readonly uses?: UseStore
  /** Default: nothing is revoked. */
  readonly denyList?: DenyList
  /** Seconds since 1970. Default: the system clock. */
  readonly now?: () => number
  /** Default: the operating system's generator. */
  readonly random?: (length: number) => Uint8Array
  /** Answers preflights and lets every page read challenges. Default true. */
  readonly cors?: boolean
  /** The answer to a credential that is not valid. 402 makes clients pay again. Default 401. */
  readonly invalidCredential?: 401 | 402
  /** A second challenge line under the scheme's name before 2023. Default `off`. */
  readonly legacyLsat?: 'off' | 'after' | 'first'
  /** What becomes of a token with a caveat that is not known here. Default `refuse`. */
  readonly unknownCaveats?: 'refuse' | 'skip'
  /** By how many per cent a token may have been cheaper than the price now. Default 0. */
  readonly priceGracePercent?: number
  /** How long an invoice can be paid, in seconds, from 30 to 86 400. Default 600. */
  readonly challengeSeconds?: number
  /** How long the store of uses and the deny list may take, in milliseconds. Default 5000. */
  readonly storeTimeoutMs?: number
  /** Several paywalls share what {@link createIssuance} gives; options are for this one alone. */
  readonly issuance?: IssuanceOptions | Issuance
  /**
   * Refuses nobody for want of payment, and asks the payee for nothing: what would be 401, 402 or
   * 403 is let through, and the decision says why it would not have been. Default false.
   */
  readonly dryRun?: boolean
  readonly on?: PaywallEvents
}

export type Paywall = {
  /**
   * Makes the gate of a route.
   *
   * @throws {L402Error} CONFIG_INVALID with every mistake, each under its number: also for a
   *   capability that another gate of this paywall sells on other terms.
   */
  charge(options: ChargeOptions): Gate
  /** Stops following the payee. Gates keep deciding. */
  close(): Promise<void>
}

/**
 * Makes a paywall: what all priced routes of one seller have in common. Nothing is asked of the
 * payee before the first challenge.
 *
 * @throws {L402Error} CONFIG_INVALID with every mistake, each under its number with its path.
 * @spec server.md R-SRV-52
 */
export function createPaywall(options: PaywallOptions): Paywall {
  checkPaywallOptions(options)
  const shop = openShop(options)
  const paywall: Paywall = {
    charge: (charged) => createGate(shop, shop.register(charged)),
    close: () => shop.close(),
  }
  rememberShop(paywall, shop)
  return paywall
}

/**
 * Makes limits of issuance that several paywalls share: of one server, one payee.
 *
 * @throws {L402Error} CONFIG_INVALID with every mistake.
 * @spec server.md R-SRV-36, R-SRV-37
 */
export function createIssuance(options: IssuanceOptions = {}): Issuance {
  checkIssuanceOptions(options)
  return new Issuance(options)
}
