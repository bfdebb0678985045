import type { Msat } from '../amount/index.ts'
import type { Code, Details } from '../errors.ts'
import type { Receipt } from './paywall.ts'

/** A challenge was handed out. */
export type ChallengeEvent = {
  readonly capability: string
  readonly amountMsat: Msat
  /** 32 bytes in hex. */
  readonly paymentHash: string
  /** Why the request was not served: ACCESS_PAYMENT_REQUIRED when it carried no credential. */
  readonly code: Code
  /** Whether the challenge had been handed to this client before. */
  readonly reused: boolean
  /** The first second at which its invoice can no longer be paid. */
  readonly expiresAtSeconds: number
}

/** A request was let through. */
export type AdmittedEvent = {
  readonly capability: string
  /** `undefined` when the request was free. */
  readonly receipt: Receipt | undefined
}

/** A request was refused. */
export type RefusedEvent = {
  /** `undefined` when no route matched. */
  readonly capability: string | undefined
  readonly status: number
  /** What the client was told. */
  readonly code: Code
  /** What was wrong, precisely. Not for the client: it would tell a forger what to try next. */
  readonly cause: Code
  readonly details: Details
}

/** An invoice of the payee was paid in full. */
export type SettledEvent = {
  /** 32 bytes in hex. */
  readonly paymentHash: string
  readonly amountMsat: Msat
  readonly settledAtSeconds: number
  /** What was sold, where this process still remembers the challenge. */
  readonly capability: string | undefined
}

/** Something that the paywall depends on failed, and customers are turned away: the operator's turn. */
export type FailureEvent = {
  readonly part: 'payee' | 'price' | 'use-store' | 'deny-list'
  readonly code: Code
  /** What was thrown. It comes from the part, not from the request. */
  readonly error: unknown
}

/**
 * Listeners. What they are told carries no token, no key and no preimage. A listener that throws or
 * rejects changes nothing. `JSON.stringify` takes every event; amounts become digits.
 *
 * @spec server.md R-SRV-50, R-SRV-51
 */
export type PaywallEvents = {
  readonly challenge?: (event: ChallengeEvent) => unknown
  readonly admitted?: (event: AdmittedEvent) => unknown
  readonly refused?: (event: RefusedEvent) => unknown
  readonly settled?: (event: SettledEvent) => unknown
  /**
   * Without it, the first failure of each part is reported as a warning of the process
   * (`process.emitWarning`, where there is one), without what was thrown.
   *
   * @spec server.md R-SRV-59
   */
  readonly failure?: (event: FailureEvent) => unknown
}

/** Tells a listener, if there is one, and forgets what comes of it. */
export function tell<Event>(listener: ((event: Event) => unknown) | undefined, event: Event): void {
  if (listener === undefined) return
  try {
    const answer = listener(event)
    if (answer instanceof Promise) answer.catch(() => undefined)
  } catch {
    // R-SRV-51: a listener is an observer. Its fault is not the client's.
  }
}
