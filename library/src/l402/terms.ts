import type { Msat } from '../amount/index.ts'
import { msat } from '../amount/index.ts'
import { encodeHex, sha256 } from '../bytes/index.ts'
import type { Code, Details } from '../errors.ts'
import { L402Error } from '../errors.ts'
import type { PaymentHash, Preimage } from '../invoice/index.ts'
import type { VerifiedCaveats } from '../macaroon/index.ts'
import type { Limit } from './access.ts'
import type { ParsedCaveat } from './caveat.ts'
import { parseCaveat } from './caveat.ts'
import type { Satisfier } from './satisfier.ts'
import type { Services } from './vocabulary.ts'
import {
  amount,
  capabilities,
  findSatisfier,
  scope,
  servicePrefix,
  services,
  validUntil,
} from './vocabulary.ts'

/** What `readTerms` has to know of a token beside its caveats. */
export type TermsOptions = {
  /** Whose terms they are: the service that is asked. */
  readonly service: string
  readonly paymentHash: PaymentHash
  readonly preimage: Preimage
  /** Default `refuse`. `skip` is the letter of the L402 draft. */
  readonly unknownCaveats?: 'refuse' | 'skip'
}

declare const read: unique symbol
/** The caveats of one verified token, understood: what can be kept and asked again. */
export type Terms = { readonly [read]: true }

/** What {@link Terms} holds, for `authorize` alone. */
export type ReadTerms = Terms & Contents

type Contents = {
  readonly service: string
  readonly tier: number
  readonly amountMsat: Msat
  /** What was bought. It is asked before what holders added: who must buy again should know. */
  readonly bought: readonly Check[]
  readonly added: readonly Check[]
  readonly expiries: readonly Expiry[]
  readonly limits: readonly Limit[]
  readonly delegationIds: readonly string[]
  readonly skipped: readonly string[]
}

/** One caveat that was understood, and the code with which it refuses. */
export type Check = {
  readonly condition: string
  readonly satisfier: Satisfier
  readonly value: unknown
  readonly code: Code
}

/** An expiry, of one capability or of all. */
export type Expiry = { readonly untilSeconds: number; readonly capability: string | undefined }

/**
 * Understands the caveats of a verified token: grammar, vocabulary, narrowing. What was bought ends
 * with the first `<service>_amount_msat`; everything after it was added by holders and can only take
 * away.
 *
 * @throws {L402Error} CAVEAT_MALFORMED, CAVEAT_UNKNOWN, CAVEAT_WIDENS; ACCESS_OTHER_RESOURCE for a
 *   token that lacks a caveat every purchase carries, or is for another service; CAVEAT_NOT_MET when
 *   a holder took the service away, or for a `preimage` caveat with another preimage.
 * @spec caveats.md R-CAV-4, R-CAV-6, R-CAV-7, R-CAV-8, R-CAV-9
 */
export function readTerms(caveats: VerifiedCaveats, options: TermsOptions): Terms {
  const parsed = caveats.map(({ text }) => parseCaveat(text))
  const purchase = readPurchase(parsed, options.service)
  const skipped: string[] = []
  const readings: Reading[] = []
  const latest = new Map<string, unknown>()
  for (const [i, caveat] of parsed.entries()) {
    const { condition } = caveat
    const satisfier = findSatisfier(condition, options.service, purchase.capabilities)
    if (satisfier === undefined) {
      requireSkippable(condition, purchase.services, options)
      skipped.push(condition)
      continue
    }
    const value = readValue(satisfier, caveat)
    const isFirst = !latest.has(condition)
    if (!isFirst && !satisfier.narrows(latest.get(condition), value)) {
      throw new L402Error('CAVEAT_WIDENS', { condition })
    }
    latest.set(condition, value)

    const boughtCode = isFirst && i <= purchase.end ? satisfier.boughtCode : undefined
    const check: Check = { condition, satisfier, value, code: boughtCode ?? 'CAVEAT_NOT_MET' }
    const reason = satisfier.refusesToken?.(value, options)
    if (reason !== undefined) throw refusal(check, reason)
    const { branch } = caveats[i]!
    const lineage = caveats[Math.min(i, purchase.end + 1)]!.branch
    readings.push({ ...check, isBought: boughtCode !== undefined, branch, lineage })
  }
  return summarize(readings, purchase, skipped, options)
}

/** The error with which a caveat refuses. */
export function refusal({ code, condition }: Check, reason: string): L402Error {
  return new L402Error(code, { condition, reason })
}

type Reading = Check & {
  readonly isBought: boolean
  readonly branch: Uint8Array
  /** The first branch that a holder made, for what holders added. */
  readonly lineage: Uint8Array
}

/** Sorts what was read by when it is needed, so that `authorize` has nothing left to look up. */
function summarize(
  readings: readonly Reading[],
  purchase: ReadPurchase,
  skipped: readonly string[],
  { service, paymentHash }: TermsOptions,
): Terms {
  const perRequest = readings.filter(({ satisfier }) => satisfier.refuses !== undefined)
  const bought = perRequest.filter(({ isBought }) => isBought)
  const contents: Contents = {
    service,
    tier: purchase.tier,
    amountMsat: purchase.amountMsat,
    bought: purchase.isScoped ? bought : [...bought, unscopedCheck(service)],
    added: perRequest.filter(({ isBought }) => !isBought),
    expiries: readings.flatMap(({ satisfier, value }) => {
      const untilSeconds = satisfier.untilSeconds?.(value)
      return untilSeconds === undefined ? [] : [{ untilSeconds, capability: satisfier.capability }]
    }),
    limits: readings.flatMap(
      ({ satisfier, value, isBought, branch, lineage }): readonly Limit[] => {
        const limit = satisfier.limit?.(value)
        if (limit === undefined) return []
        if (isBought) {
          const key = encodeHex(paymentHash)
          return [{ key, ...limit, lineage: key, setBy: 'purchase' }]
        }
        const keys = { key: branchKey(branch), lineage: branchKey(lineage) }
        return [{ ...keys, ...limit, setBy: 'attenuation' }]
      },
    ),
    delegationIds: readings.flatMap(({ satisfier, value }) => {
      return satisfier.delegationId === undefined ? [] : [satisfier.delegationId(value)]
    }),
    skipped,
  }
  return contents as ReadTerms
}

/** What the token was sold for: its caveats up to the first amount. */
type ReadPurchase = {
  /** The place of the last caveat of the purchase. */
  readonly end: number
  readonly services: Services
  readonly tier: number
  readonly capabilities: readonly string[]
  readonly amountMsat: Msat
  readonly isScoped: boolean
}

/**
 * Finds what was bought. The four caveats that every purchase carries must all stand in it: a
 * holder can append, but nothing that is appended completes a purchase.
 */
function readPurchase(parsed: readonly ParsedCaveat[], service: string): ReadPurchase {
  const end = parsed.findIndex(({ condition }) => condition === `${service}_amount_msat`)
  const sold = parsed.slice(0, end + 1)
  const tiers = readFirst(end === -1 ? parsed : sold, 'services', services)
  const tier = tiers.get(service)
  if (tier === undefined) throw otherResource({ condition: 'services', reason: 'service' })
  readFirst(sold, `${service}_valid_until`, validUntil)
  return {
    end,
    services: tiers,
    tier,
    capabilities: readFirst(sold, `${service}_capabilities`, capabilities),
    amountMsat: msat(readFirst(sold, `${service}_amount_msat`, amount)),
    isScoped: sold.some(({ condition }) => condition === `${service}_scope`),
  }
}

function readFirst<Value>(
  sold: readonly ParsedCaveat[],
  condition: string,
  satisfier: Satisfier<Value>,
): Value {
  const caveat = sold.find((other) => other.condition === condition)
  if (caveat === undefined) throw otherResource({ missing: condition })
  return readValue(satisfier, caveat)
}

function readValue<Value>(satisfier: Satisfier<Value>, caveat: ParsedCaveat): Value {
  const { condition, operator, spaced } = caveat
  if (operator !== satisfier.operator) throw malformed(condition, 'operator')
  // A trimmed reading of what was minted could differ from the minter's.
  if (spaced && satisfier.boughtCode !== undefined) throw malformed(condition, 'spaces')
  const value = satisfier.read(caveat.value)
  if (value === undefined) throw malformed(condition, 'value')
  return value
}

/** @throws {L402Error} CAVEAT_UNKNOWN unless the condition is another listed service's. */
function requireSkippable(condition: string, listed: Services, options: TermsOptions): void {
  if (options.unknownCaveats === 'skip') return
  const prefix = servicePrefix(condition)
  const isOthers = prefix !== undefined && prefix !== options.service && listed.has(prefix)
  if (!isOthers) throw new L402Error('CAVEAT_UNKNOWN', { condition })
}

function unscopedCheck(service: string): Check {
  const code = 'ACCESS_OTHER_RESOURCE'
  return { condition: `${service}_scope`, satisfier: scope, value: undefined, code }
}

/** 32 hex digits. Whoever has a branch can narrow the token, so it is never used as it is. */
function branchKey(branch: Uint8Array): string {
  return encodeHex(sha256(branch).subarray(0, 16))
}

function malformed(condition: string, reason: string): L402Error {
  return new L402Error('CAVEAT_MALFORMED', { condition, reason })
}

function otherResource(details: Details): L402Error {
  return new L402Error('ACCESS_OTHER_RESOURCE', details)
}
