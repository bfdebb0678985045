import type { Msat } from '../amount/index.ts'
import { maxMsat } from '../amount/index.ts'
import { requestDigest } from './request-digest.ts'
import { canonicalTarget } from './request-target.ts'

/** What a token is sold for: everything that was quoted. */
export type Purchase = {
  /** `[a-z][a-z0-9-]{0,31}` */
  readonly service: string
  /** 0 to 255. */
  readonly tier: number
  /** The capability of the route, `[a-z0-9][a-z0-9.-]{0,63}`. */
  readonly capability: string
  /** Seconds since 1970, at most 11 digits: the first second at which the token no longer works. */
  readonly validUntilSeconds: number
  /** The price of the challenge. */
  readonly amountMsat: Msat
  /** How many requests the token is good for; `undefined`: any number until it expires. */
  readonly uses?: number
  /** Digest of what the price depended on, 32 lower-case hex digits. */
  readonly scope?: string
}

export const maxTier = 255
/** The last moment that eleven digits can name. */
const maxSeconds = 99_999_999_999
/** A credential that is tied to one request works for this long. */
const requestLifetimeSeconds = 60

/** Whether a name can stand in a caveat without being mistaken for anything else in it. */
export function isServiceName(text: string): boolean {
  return /^[a-z][a-z0-9-]{0,31}$/.test(text)
}

export function isCapability(text: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{0,63}$/.test(text)
}

export function isScope(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}

/**
 * The caveats of a sold token, in the order in which they are minted. The amount is the last of
 * them: whatever follows it was added by a holder. Every value is of a closed alphabet, and
 * `readTerms` understands exactly what was written.
 *
 * @throws {RangeError} for a value outside its range or alphabet.
 * @spec caveats.md R-CAV-3, R-CAV-4
 * @example
 * purchaseCaveats({ service: 'weather', tier: 0, capability: 'forecast', validUntilSeconds: 1900000000, amountMsat: satToMsat(10n) })
 * // ['services=weather:0', 'weather_capabilities=forecast', 'weather_valid_until=1900000000', 'weather_amount_msat=10000']
 */
export function purchaseCaveats(purchase: Purchase): readonly string[] {
  const { service, tier, capability, validUntilSeconds, amountMsat, uses, scope } = purchase
  assertRange(isServiceName(service), 'service')
  assertRange(isWithin(tier, 0, maxTier), 'tier')
  assertRange(isCapability(capability), 'capability')
  assertRange(isWithin(validUntilSeconds, 0, maxSeconds), 'validUntilSeconds')
  assertRange(amountMsat >= 0n && amountMsat <= maxMsat, 'amountMsat')
  assertRange(uses === undefined || isWithin(uses, 1, Number.MAX_SAFE_INTEGER), 'uses')
  assertRange(scope === undefined || isScope(scope), 'scope')
  return [
    `services=${service}:${tier}`,
    `${service}_capabilities=${capability}`,
    `${service}_valid_until=${validUntilSeconds}`,
    ...(uses === undefined ? [] : [`${service}_uses=${uses}`]),
    ...(scope === undefined ? [] : [`${service}_scope=${scope}`]),
    `${service}_amount_msat=${amountMsat}`,
  ]
}

/**
 * Caveats that tie a credential to one request for a minute. A client appends them to a copy of the
 * token for every request, so that a header that leaks is worth next to nothing.
 *
 * @param request - `method` in upper case; `target` in origin form, as it will be sent.
 * @throws {RangeError} for a method or a time outside its range.
 * @throws {L402Error} REQUEST_AMBIGUOUS for a target that two servers could read differently.
 * @spec caveats.md R-CAV-16
 */
export function requestCaveats(request: {
  readonly method: string
  readonly target: string
  readonly nowSeconds: number
}): readonly string[] {
  const { method, target, nowSeconds } = request
  assertRange(/^[A-Z][A-Z-]{0,31}$/.test(method), 'method')
  assertRange(isWithin(nowSeconds, 0, maxSeconds - requestLifetimeSeconds), 'nowSeconds')
  return [
    `exp=${nowSeconds + requestLifetimeSeconds}`,
    `req=${requestDigest(method, canonicalTarget(target))}`,
  ]
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max
}

function assertRange(holds: boolean, name: string): void {
  if (!holds) throw new RangeError(`${name} is outside its range`)
}
