import type { Challenge, ChallengeReading } from 'satway'
import { decodeIdentifier, isL402Error, parseChallenges } from 'satway'
import { printable } from '../cli/printable.ts'
import type { InvoiceFacts } from './invoice-facts.ts'
import { readInvoice } from './invoice-facts.ts'
import type { MacaroonFacts } from './macaroon-facts.ts'
import { macaroonFacts } from './macaroon-facts.ts'
import { fingerprint, hex } from './notation.ts'
import { readMacaroon } from './token.ts'

/** What a 402 response asks for, ready for JSON. */
export type ChallengeFacts = {
  readonly scheme: string
  /** `null` when the token is no macaroon: a client echoes it as it is. */
  readonly token: MacaroonFacts | null
  readonly invoice: InvoiceFacts | null
  /** Whether the token commits to the payment of this invoice; `null` when it cannot be told. */
  readonly hashesMatch: boolean | null
  /** Parameters that nobody here interprets. Long values are named by fingerprint. */
  readonly extra: Readonly<Record<string, string>>
  /** Why nobody should pay it. Empty: nothing was found wrong. */
  readonly faults: readonly string[]
}

/** Reads every L402 challenge of the lines of a `WWW-Authenticate` header. */
export function readChallengeLines(
  lines: readonly string[],
  nowSeconds: number,
  showSecrets: boolean,
): readonly ChallengeFacts[] {
  return parseChallenges(lines).map((reading) => factsOf(reading, nowSeconds, showSecrets))
}

function factsOf(
  reading: ChallengeReading,
  nowSeconds: number,
  showSecrets: boolean,
): ChallengeFacts {
  if ('error' in reading) {
    const faults = [printable(reading.error)]
    const nothing = { token: null, invoice: null, hashesMatch: null, extra: {} }
    return { scheme: reading.scheme, ...nothing, faults }
  }
  const faults: string[] = []
  if (!reading.supported) faults.push('Its version is not "0": a client must not pay it.')
  const invoice = attempt(() => readInvoice(reading.invoice, nowSeconds), faults)
  if (invoice?.facts.expired === true) faults.push('Its invoice has expired.')
  faults.push(...(invoice?.obstacles ?? []))

  const hashesMatch = invoice === undefined ? null : compareHashes(reading, invoice.facts)
  if (hashesMatch === false) faults.push('Its token commits to another payment than its invoice.')
  return {
    scheme: reading.scheme,
    token: tokenFacts(reading.token, showSecrets),
    invoice: invoice?.facts ?? null,
    hashesMatch,
    extra: extraFacts(reading.extra, showSecrets),
    faults,
  }
}

/** A misspelt name would make a token or a preimage one of these: what is long may be a secret. */
function extraFacts(
  extra: Challenge['extra'],
  showSecrets: boolean,
): Readonly<Record<string, string>> {
  if (showSecrets) return extra
  return Object.fromEntries(
    Object.entries(extra).map(([name, value]) => {
      if (value.length <= 32) return [name, value]
      return [name, `(${value.length} characters, fingerprint ${fingerprint(value)})`]
    }),
  )
}

function compareHashes(challenge: Challenge, invoice: InvoiceFacts): boolean | null {
  try {
    const { paymentHash } = decodeIdentifier(readMacaroon(challenge.token).identifier)
    return hex(paymentHash) === invoice.paymentHash
  } catch {
    return null
  }
}

/** `null`: opaque to us, which the protocol allows. */
export function tokenFacts(token: string, showSecrets: boolean): MacaroonFacts | null {
  try {
    return macaroonFacts(readMacaroon(token), showSecrets)
  } catch {
    return null
  }
}

function attempt<T>(read: () => T, faults: string[]): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!isL402Error(error)) throw error
    faults.push(error.message)
    return undefined
  }
}
