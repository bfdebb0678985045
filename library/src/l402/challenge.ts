import type { Scheme } from './credential.ts'

/** What a 402 response asks for. */
export type Challenge = {
  readonly scheme: Scheme
  /** The unpaid token, verbatim. Opaque to a client; echoed as it is. */
  readonly token: string
  /** Under which parameter the token came. */
  readonly tokenParam: 'token' | 'macaroon' | 'both'
  /** The BOLT 11 invoice, without a `lightning:` prefix. */
  readonly invoice: string
  readonly version: string | undefined
  /** Whether `version` is absent or "0". Never pay when it is false. */
  readonly supported: boolean
  /** Parameters nobody here interprets. Names in lower case. */
  readonly extra: Readonly<Record<string, string>>
}

/** One L402 or LSAT challenge of a response, or why it cannot be used. */
export type ChallengeReading = Challenge | { readonly scheme: Scheme; readonly error: string }

/** One challenge line, in the one form that every known client parser understands. */
export declare function formatChallenge(challenge: {
  readonly token: string
  readonly invoice: string
  readonly scheme?: Scheme
}): string
/** All L402 and LSAT challenges of all header lines, in order. Total: never throws. */
export declare function parseChallenges(lines: readonly string[]): readonly ChallengeReading[]
