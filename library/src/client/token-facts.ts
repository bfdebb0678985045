import { decodeUtf8, encodeHex } from '../bytes/index.ts'
import { isL402Error } from '../errors.ts'
import type { ParsedCaveat } from '../l402/index.ts'
import { decodeIdentifier, parseCaveat } from '../l402/index.ts'
import { decodeToken } from '../macaroon/index.ts'
import { cut } from './refusal.ts'
import type { TokenFacts } from './token-store.ts'

/** Conditions that say how long, how often or how much, and so not what. */
const aboutQuantity =
  /_valid_until$|_uses$|_amount_msat$|^(valid_until|exp|expires_at|expiry|expiration|request_count|max_requests|max_amount_sats|spend_limit_sat)$/

/**
 * What a token says about itself. Nothing of it is verified, and nothing is decided by it but which
 * token to try and when: only the server that minted it knows.
 *
 * @returns `undefined` when it is not a macaroon with an L402 identifier of version 0.
 * @spec client.md R-PAY-14, R-PAY-42
 */
export function readTokenFacts(token: string): TokenFacts | undefined {
  const claims = readClaims(token)
  if (claims === undefined) return undefined
  const { paymentHash, caveats } = claims
  const [service] = statedBy(caveats, 'services')?.split(':') ?? []
  const capability = statedBy(caveats, `${service}_capabilities`)
  return {
    paymentHash,
    service: service === undefined ? undefined : cut(service),
    capability: capability === undefined ? undefined : cut(capability),
    validUntilSeconds: leastOf(caveats, /_valid_until$|^(valid_until|exp)$/),
    uses: leastOf(caveats, /_uses$|^(request_count|max_requests)$/),
    coverage: coverageOf(caveats),
  }
}

function readClaims(
  token: string,
): { readonly paymentHash: string; readonly caveats: readonly ParsedCaveat[] } | undefined {
  try {
    const macaroon = decodeToken(token)
    const { paymentHash } = decodeIdentifier(macaroon.identifier)
    const caveats = macaroon.unverifiedCaveats.flatMap(({ identifier }) => readCaveat(identifier))
    return { paymentHash: encodeHex(paymentHash), caveats }
  } catch (error) {
    if (isL402Error(error)) return undefined
    throw error
  }
}

/** A caveat nobody here can read says nothing to us; it may well say something to its server. */
function readCaveat(bytes: Uint8Array): readonly ParsedCaveat[] {
  try {
    return [parseCaveat(decodeUtf8(bytes))]
  } catch (error) {
    if (isL402Error(error)) return []
    throw error
  }
}

function statedBy(caveats: readonly ParsedCaveat[], condition: string): string | undefined {
  return caveats.find((caveat) => caveat.condition === condition)?.value
}

function leastOf(caveats: readonly ParsedCaveat[], condition: RegExp): number | undefined {
  const numbers = caveats
    .filter((caveat) => condition.test(caveat.condition) && /^\d{1,15}$/.test(caveat.value))
    .map(({ value }) => Number(value))
  return numbers.length === 0 ? undefined : Math.min(...numbers)
}

function coverageOf(caveats: readonly ParsedCaveat[]): string | undefined {
  const what = caveats.filter(({ condition }) => !aboutQuantity.test(condition))
  if (what.length === 0) return undefined
  return what
    .map(({ condition, operator, value }) => `${condition}${operator}${value}`)
    .sort()
    .join('\n')
}
