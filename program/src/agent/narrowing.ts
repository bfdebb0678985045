import type { Msat } from 'satway'
import { maxMsat } from 'satway'
import type { FilePolicy } from './policy-rules.ts'

/**
 * What arguments say about the policy. They can only tighten it.
 *
 * Two things are not here. A fee limit is given with the call: where the policy has none, the
 * library's own applies, and one that is put in its place could be a wider one. And a list of allowed
 * hosts: a host that the policy names in full is no new one, so that to name it by an argument would
 * take it out of `new_hosts`.
 */
export type Narrowing = {
  readonly perPaymentMsat?: Msat
  readonly perHourMsat?: Msat
  readonly perDayMsat?: Msat
  readonly perHostMsat?: Msat
  readonly totalMsat?: Msat
  /** What costs more is asked about. */
  readonly autoUpToMsat?: Msat
  readonly newHosts?: 'ask' | 'deny'
  /** Patterns as the policy file has them. */
  readonly denyHosts?: readonly string[]
}

const strictness = ['allow', 'ask', 'deny'] as const

/**
 * The policy, and whatever the arguments tighten of it.
 *
 * @spec agent.md R-POL-10
 */
export function narrow(policy: FilePolicy, by: Narrowing): FilePolicy {
  const newHosts = stricter(policy.newHosts, by.newHosts)
  const askAboveMsat =
    least(policy.askAboveMsat, by.autoUpToMsat) ?? (newHosts === 'ask' ? maxMsat : undefined)
  const denyHosts = [...(policy.denyHosts ?? []), ...(by.denyHosts ?? [])]
  const given = {
    perHourMsat: least(policy.perHourMsat, by.perHourMsat),
    perDayMsat: least(policy.perDayMsat, by.perDayMsat),
    perHostMsat: least(policy.perHostMsat, by.perHostMsat),
    askAboveMsat,
    newHosts,
    denyHosts: denyHosts.length === 0 ? undefined : denyHosts,
  }
  const present = Object.entries(given).filter(([, member]) => member !== undefined)
  return {
    ...policy,
    ...(Object.fromEntries(present) as Partial<FilePolicy>),
    maxPaymentMsat: least(policy.maxPaymentMsat, by.perPaymentMsat) ?? policy.maxPaymentMsat,
    maxTotalMsat: least(policy.maxTotalMsat, by.totalMsat) ?? policy.maxTotalMsat,
  }
}

function least(one: Msat | undefined, other: Msat | undefined): Msat | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one < other ? one : other
}

function stricter(
  one: FilePolicy['newHosts'],
  other: FilePolicy['newHosts'],
): FilePolicy['newHosts'] {
  if (one === undefined || other === undefined) return one ?? other
  return strictness.indexOf(one) > strictness.indexOf(other) ? one : other
}
