import { decodeIdentifier, parseCaveat } from 'satway'
import type { Caveat, Macaroon } from 'satway/macaroon'
import { fingerprint, hex, isoTime } from './notation.ts'

/** What a macaroon says, ready for JSON. Nothing in it is verified: only its minter can do that. */
export type MacaroonFacts = {
  /** Of the signature: names the token without giving it away. */
  readonly fingerprint: string
  readonly location: string | null
  /** An L402 identifier, understood; `null` when it is something else. */
  readonly l402: {
    readonly version: 0
    readonly paymentHash: string
    readonly tokenId: string
  } | null
  /** The identifier as it is, in hex. */
  readonly identifier: string
  readonly caveats: readonly CaveatFacts[]
  /** In hex, with `--show-secrets`. Whoever has it can narrow the token. */
  readonly signature: string | null
}

export type CaveatFacts = {
  readonly party: 'first' | 'third'
  /** Its text; hex where it is not UTF-8. */
  readonly text: string
  readonly encoding: 'utf8' | 'hex'
  /** Where a discharge is to be had, for a third-party caveat. */
  readonly location: string | null
  /** For a time limit: when, as ISO 8601. */
  readonly time: string | null
}

/** @param showSecrets - Whether the signature is given in full. */
export function macaroonFacts(macaroon: Macaroon, showSecrets: boolean): MacaroonFacts {
  const { signature, location } = macaroon
  return {
    fingerprint: fingerprint(signature),
    location: location === undefined ? null : Buffer.from(location).toString('utf8'),
    l402: l402Facts(macaroon.identifier),
    identifier: hex(macaroon.identifier),
    caveats: macaroon.unverifiedCaveats.map((caveat) => caveatFacts(caveat, showSecrets)),
    signature: showSecrets ? hex(signature) : null,
  }
}

function l402Facts(identifier: Uint8Array): MacaroonFacts['l402'] {
  try {
    const { paymentHash, tokenId } = decodeIdentifier(identifier)
    return { version: 0, paymentHash: hex(paymentHash), tokenId: hex(tokenId) }
  } catch {
    return null
  }
}

function caveatFacts(caveat: Caveat, showSecrets: boolean): CaveatFacts {
  const plain = utf8(caveat.identifier)
  const text = plain === undefined || showSecrets ? plain : withoutPreimage(plain)
  return {
    party: caveat.verificationId === undefined ? 'first' : 'third',
    text: text ?? hex(caveat.identifier),
    encoding: text === undefined ? 'hex' : 'utf8',
    location: caveat.location === undefined ? null : Buffer.from(caveat.location).toString('utf8'),
    time: text === undefined ? null : timeOf(text),
  }
}

/** Some clients append the proof of payment to the token itself. It stays a secret. */
function withoutPreimage(text: string): string {
  return text.replace(/^(\s*preimage\s*=\s*)(.*)$/is, (_, start: string, preimage: string) => {
    return `${start}(secret, fingerprint ${fingerprint(preimage)})`
  })
}

/** `x_valid_until=1900000000` and `exp=…`: seconds since 1970 are hard to read. */
function timeOf(text: string): string | null {
  try {
    const { condition, value } = parseCaveat(text)
    if (!/(^|_)(valid_until|expires_at|exp|expiry)$/.test(condition)) return null
    return /^[1-9]\d{8,10}$/.test(value) ? isoTime(Number(value)) : null
  } catch {
    return null
  }
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
