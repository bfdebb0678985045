import { decodeIdentifier, parseCredential, provesPayment } from 'satway'
import { tokenFacts } from './challenge-facts.ts'
import type { MacaroonFacts } from './macaroon-facts.ts'
import { fingerprint, hex } from './notation.ts'
import { readMacaroon } from './token.ts'

/** What a request carries to show that it paid, ready for JSON. */
export type CredentialFacts = {
  readonly schemes: readonly string[]
  /** `null` for a token that is no macaroon. */
  readonly tokens: readonly (MacaroonFacts | null)[]
  /** Names the preimage without giving it away. */
  readonly preimageFingerprint: string
  /** In hex, with `--show-secrets`. */
  readonly preimage: string | null
  /** Whether it is the preimage of what the token commits to; `null` when it cannot be told. */
  readonly provesPayment: boolean | null
}

/**
 * @returns `undefined` when the lines carry no L402 credential.
 * @throws {L402Error} CREDENTIAL_MALFORMED, CREDENTIAL_CONFLICT
 */
export function readCredentialLines(
  lines: readonly string[],
  showSecrets: boolean,
): CredentialFacts | undefined {
  const credential = parseCredential(lines)
  if (credential === undefined) return undefined
  const { preimage, tokens, schemes } = credential
  return {
    schemes,
    tokens: tokens.map((token) => tokenFacts(token, showSecrets)),
    preimageFingerprint: fingerprint(preimage),
    preimage: showSecrets ? hex(preimage) : null,
    provesPayment: proves(tokens[0] ?? '', preimage),
  }
}

function proves(token: string, preimage: Parameters<typeof provesPayment>[0]): boolean | null {
  try {
    const { paymentHash } = decodeIdentifier(readMacaroon(token).identifier)
    return provesPayment(preimage, paymentHash)
  } catch {
    return null
  }
}
