import { L402Error } from '../errors.ts'
import type { Access, Grant } from './access.ts'
import type { Check, Expiry, ReadTerms, Terms } from './terms.ts'
import { refusal } from './terms.ts'

/**
 * Decides whether the terms allow one request. Pure; counts nothing: every limit of the grant must
 * be reserved before the request is served.
 *
 * @throws {L402Error} ACCESS_EXPIRED, ACCESS_OTHER_RESOURCE, ACCESS_UNDERPAID when what was bought
 *   does not cover the request; CAVEAT_NOT_MET, with `condition` and `reason`, when a holder's
 *   restriction forbids it.
 * @spec caveats.md R-CAV-10, R-CAV-11
 */
export function authorize(terms: Terms, access: Access): Grant {
  const read = terms as ReadTerms
  // Not `<`: a tier that is not a number refuses.
  if (!(read.tier >= access.tier)) {
    throw new L402Error('ACCESS_OTHER_RESOURCE', { condition: 'services', reason: 'tier' })
  }
  requireAll(read.bought, access)
  requireAll(read.added, access)
  return {
    service: read.service,
    tier: read.tier,
    capability: access.capability,
    amountMsat: read.amountMsat,
    validUntilSeconds: earliest(read.expiries, access.capability),
    limits: read.limits,
    delegationIds: read.delegationIds,
    skipped: read.skipped,
  }
}

function requireAll(checks: readonly Check[], access: Access): void {
  for (const check of checks) {
    const reason = check.satisfier.refuses!(check.value, access)
    if (reason !== undefined) throw refusal(check, reason)
  }
}

function earliest(expiries: readonly Expiry[], capability: string): number {
  let seconds = Number.POSITIVE_INFINITY
  for (const expiry of expiries) {
    if (expiry.capability !== undefined && expiry.capability !== capability) continue
    if (expiry.untilSeconds < seconds) seconds = expiry.untilSeconds
  }
  return seconds
}
