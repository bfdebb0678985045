import { decodeHex, equalBytes } from '../bytes/index.ts'
import type { Access } from './access.ts'
import type { AddressRange } from './address-range.ts'
import { coversRange, readAddressRange } from './address-range.ts'
import { readMoment, readUnixMilliseconds, readUnixSeconds } from './moment.ts'
import type { PathPattern } from './path-pattern.ts'
import { coversPattern, matchesPath, readPathPattern } from './path-pattern.ts'
import { isCapability, isScope, isServiceName, maxTier } from './purchase.ts'
import { requestDigest } from './request-digest.ts'
import type { Satisfier } from './satisfier.ts'
import { counter, exact, list, moment, readHexDigits, readList, readNumber } from './satisfier.ts'

/** Tiers by the name of the service. */
export type Services = ReadonlyMap<string, number>

// What a purchase states. One table for both readings: the purchase's own caveats, and the same
// conditions where a holder repeats them to narrow.

export const services: Satisfier<Services> = {
  operator: '=',
  boughtCode: 'ACCESS_OTHER_RESOURCE',
  read: (text) => {
    const entries = readList(text, readService)
    const tiers = new Map(entries)
    return entries !== undefined && tiers.size === entries.length ? tiers : undefined
  },
  // A higher tier never narrows anything, and never grants anything: the first tier counts.
  narrows: (earlier, later) =>
    [...later].every(([name, tier]) => tier >= (earlier.get(name) ?? Number.POSITIVE_INFINITY)),
  refusesToken: (tiers, { service }) => (tiers.has(service) ? undefined : 'service'),
}

export const capabilities: Satisfier<readonly string[]> = {
  ...list(
    (text) => (isCapability(text) ? text : undefined),
    (earlier, later) => earlier === later,
    (names, { capability }) => (names.includes(capability) ? undefined : 'capability'),
  ),
  boughtCode: 'ACCESS_OTHER_RESOURCE',
}

export const validUntil: Satisfier<number> = {
  ...moment(readUnixSeconds),
  boughtCode: 'ACCESS_EXPIRED',
}

export const amount: Satisfier<bigint> = {
  operator: '=',
  boughtCode: 'ACCESS_UNDERPAID',
  read: (text) => readNumber(text),
  narrows: (earlier, later) => later <= earlier,
  refuses: (amountMsat, { priceMsat }) => (amountMsat >= priceMsat ? undefined : 'amount'),
}

/** `undefined` stands for a purchase without a scope: what is priced by scope was not bought. */
export const scope: Satisfier<string | undefined> = {
  operator: '=',
  boughtCode: 'ACCESS_OTHER_RESOURCE',
  read: (text) => (isScope(text) ? text : undefined),
  narrows: (earlier, later) => earlier === later,
  refuses: (value, access) => (value === access.scope ? undefined : 'scope'),
}

const uses: Satisfier<bigint> = {
  ...counter('=', 'use'),
  boughtCode: 'ACCESS_USED_UP',
}

/** What follows the name of the service in the conditions of a purchase. */
const ofService: ReadonlyMap<string, Satisfier> = new Map<string, Satisfier>([
  ['_capabilities', capabilities],
  ['_valid_until', validUntil],
  ['_uses', uses],
  ['_scope', scope],
  ['_amount_msat', amount],
])

const path = {
  operator: '=',
  read: readPathPattern,
  narrows: coversPattern,
  refuses: (pattern, { target }) => (matchesPath(pattern, target.path) ? undefined : 'path'),
} satisfies Satisfier<PathPattern>

const method = list(
  (text) => (/^[A-Z][A-Z-]{0,31}$/.test(text) ? text : undefined),
  coversMethod,
  (methods, access) =>
    methods.some((allowed) => coversMethod(allowed, access.method)) ? undefined : 'method',
)

const clientAddress = list(readAddressRange, coversRange, refusesAddress)

const origin = exact(
  (text) => (/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#]+$/.test(text) ? text : undefined),
  (value, access) => (value === access.origin ? undefined : 'origin'),
)

const bodySha256 = exact(
  (text) => readHexDigits(text, 64),
  (value, access) => (value === access.bodySha256?.toLowerCase() ? undefined : 'body'),
)

const request = exact(
  (text) => readHexDigits(text, 64),
  (value, { method, target }) => (value === requestDigest(method, target) ? undefined : 'request'),
)

/** Delegations nest: each one names a link of the chain, and none of them replaces another. */
const delegation = {
  operator: '=',
  read: (text) => (/^[A-Za-z0-9_-]{1,64}$/.test(text) ? text : undefined),
  narrows: () => true,
  delegationId: (id) => id,
} satisfies Satisfier<string>

const preimage = {
  operator: '=',
  read: (text) => readHexDigits(text, 64),
  narrows: (earlier, later) => earlier === later,
  refusesToken: (hex, token) =>
    equalBytes(decodeHex(hex), token.preimage) ? undefined : 'preimage',
} satisfies Satisfier<string>

/** What anybody may add to a token, under every name that is in public use. */
const ofEverybody: ReadonlyMap<string, Satisfier> = new Map<string, Satisfier>([
  ['valid_until', moment(readUnixSeconds)],
  ['exp', moment(readUnixSeconds)],
  ['expires_at', moment(readMoment)],
  ['expiry', moment(readMoment)],
  ['expiration', moment(readUnixMilliseconds)],
  ['endpoint', path],
  ['path', path],
  ['method', method],
  ['request_count', counter('<=', 'use')],
  ['max_requests', counter('=', 'use')],
  ['max_amount_sats', counter('=', 'msat', 1000n)],
  ['spend_limit_sat', counter('=', 'msat', 1000n)],
  ['ip', clientAddress],
  ['client_ip', clientAddress],
  ['origin', origin],
  ['body_sha256', bodySha256],
  ['req', request],
  ['did', delegation],
  ['preimage', preimage],
])

/**
 * Who knows a condition, or `undefined` when nobody here does.
 *
 * @param bought - The capabilities of the purchase.
 */
export function findSatisfier(
  condition: string,
  service: string,
  bought: readonly string[],
): Satisfier | undefined {
  if (condition === 'services') return services
  const known = ofEverybody.get(condition)
  if (known !== undefined) return known
  if (condition.startsWith(`${service}_`)) {
    const minted = ofService.get(condition.slice(service.length))
    if (minted !== undefined) return minted
  }
  return findCapabilityMoment(condition, bought)
}

/** The other service to which a condition belongs by its prefix, if it has such a prefix. */
export function servicePrefix(condition: string): string | undefined {
  const name = condition.slice(0, Math.max(0, condition.indexOf('_')))
  return isServiceName(name) ? name : undefined
}

/**
 * The conditions that `authorize` enforces for a service, as published to holders: a holder may
 * rely on these and on no other. `<capability>_valid_until` is enforced as well, for the
 * capabilities that a token has.
 *
 * @param service - `[a-z][a-z0-9-]{0,31}`
 * @spec caveats.md R-CAV-5
 */
export function enforcedConditions(service: string): readonly string[] {
  const minted = [...ofService.keys()].map((suffix) => service + suffix)
  return ['services', ...minted, ...ofEverybody.keys()]
}

const capabilitySuffix = '_valid_until'

function findCapabilityMoment(condition: string, bought: readonly string[]): Satisfier | undefined {
  if (!condition.endsWith(capabilitySuffix)) return undefined
  const capability = condition.slice(0, -capabilitySuffix.length)
  if (!bought.includes(capability)) return undefined
  const always = moment(readUnixSeconds)
  const satisfier: Satisfier<number> = {
    ...always,
    capability,
    refuses: (until, access) =>
      access.capability === capability ? always.refuses!(until, access) : undefined,
  }
  return satisfier
}

function readService(text: string): readonly [string, number] | undefined {
  const [name = '', tier = '', ...rest] = text.split(':')
  if (!isServiceName(name) || !/^(?:0|[1-9]\d{0,2})$/.test(tier)) return undefined
  return rest.length === 0 && Number(tier) <= maxTier ? [name, Number(tier)] : undefined
}

/** HEAD asks for no more than GET; a holder who allows HEAD alone has not allowed GET. */
function coversMethod(allowed: string, used: string): boolean {
  return allowed === used || (allowed === 'GET' && used === 'HEAD')
}

function refusesAddress(
  ranges: readonly AddressRange[],
  { clientAddress }: Access,
): string | undefined {
  const address = clientAddress === undefined ? undefined : readAddressRange(clientAddress)
  if (address === undefined) return 'client address not known'
  return ranges.some((range) => coversRange(range, address)) ? undefined : 'client address'
}
