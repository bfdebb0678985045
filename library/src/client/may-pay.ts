import type { L402Error } from '../errors.ts'
import type { Call, Hop } from './call.ts'
import { owedFor } from './choose-token.ts'
import { bareHostname, isConfidential, isLoopback, matchesHost, portOf } from './host.ts'
import type { Aim } from './ledger.ts'
import { notDelivered } from './outcome.ts'
import type { Parts } from './parts.ts'
import type { Policy } from './policy.ts'
import { isPrivateHost } from './private-host.ts'
import type { RefusalReason } from './refusal.ts'
import { refuse } from './refusal.ts'
import type { StoredToken } from './token-store.ts'

/**
 * Why no credential may go with a request; `undefined`: it may.
 *
 * @param downgraded - A redirect led from https to http on the way here.
 * @spec client.md R-PAY-4, R-PAY-22, R-PAY-52
 */
export function refusesCredential(
  parts: Pick<Parts, 'policy'>,
  call: Call,
  hop: Hop,
  downgraded: boolean,
): L402Error | undefined {
  const { url } = hop
  const isSafe = isConfidential(url) || names(parts.policy().policy.allowHttp, url)
  if (downgraded || !isSafe) return because('insecure', hop)
  const isTaken = hop.headers.has('authorization') && !call.limits.replaceAuthorization
  return isTaken ? because('authorization', hop) : undefined
}

/**
 * Why nothing is paid for a request, whatever it costs; `undefined`: it may be.
 *
 * @spec client.md R-PAY-21, R-PAY-27
 */
export function refusesPayment(
  { payer }: Pick<Parts, 'payer'>,
  policy: Policy,
  call: Call,
  hop: Hop,
): L402Error | undefined {
  const { url } = hop
  if (payer === undefined) return because('no-payer', hop)
  if (!call.limits.pay) return because('no-pay', hop)
  if (names(policy.denyHosts, url)) return because('host', hop)
  const isAllowed = policy.allowHosts === undefined || names(policy.allowHosts, url)
  return isAllowed ? undefined : because('host', hop)
}

/** Whether the operator named a host in full among those that may be paid. */
export function isNamedHost({ allowHosts }: Policy, url: URL): boolean {
  return allowHosts?.some((host) => !host.below && matchesHost(host, url)) ?? false
}

/** How much a host owes, and how much the policy lets it owe. */
export type Debt = {
  /** Tokens of the host, at all of its origins, that are owed. */
  readonly owed: number
  /** Payments at the host, for other things, of which nobody knows the end. */
  readonly unknown: number
  readonly most: number
}

/**
 * Why nothing more is paid at an origin that owes for what it was paid; `undefined`: its host owes
 * little, and the origin nothing of this kind.
 *
 * @param tokens - Of the origin, those that may still open something.
 * @spec client.md R-PAY-44, R-PAY-45
 */
export function refusesWhileOwed(
  tokens: readonly StoredToken[],
  hop: Hop,
  aim: Aim,
  { owed, unknown, most }: Debt,
): L402Error | undefined {
  const same = owedFor(tokens, aim)
  if (same !== undefined) return notDelivered(same, 402)
  return owed + unknown < most ? undefined : because('owed', hop)
}

/**
 * Whether one thing more may be bought at a host now, or only once a purchase under way has ended:
 * what never delivered anything gets no more money at once than it may owe.
 *
 * @param underWay - How many purchases at the host this process waits for.
 * @spec client.md R-PAY-45
 */
export function hasRoom(
  tokens: readonly StoredToken[],
  underWay: number,
  { owed, unknown, most }: Debt,
): boolean {
  if (tokens.some(({ standing }) => standing === 'good')) return true
  return owed + unknown + underWay < most
}

/**
 * Why a request is not sent at all: a stranger must not choose what is asked of this machine or the
 * network around it. `undefined`: it may be.
 *
 * @spec client.md R-PAY-54
 */
export function refusesPlace(parts: Pick<Parts, 'policy'>, hop: Hop): L402Error | undefined {
  if (!isPrivateHost(hop.url) || !publicOnly(parts, hop)) return undefined
  return because('private-address', hop)
}

/**
 * Whether a request must not reach this machine or a private network, whatever DNS says.
 *
 * @spec client.md R-PAY-54
 */
export function publicOnly(parts: Pick<Parts, 'policy'>, { isForeign, url }: Hop): boolean {
  return isForeign && !names(parts.policy().policy.allowPrivateHosts, url)
}

/**
 * Whether a stranger chose where a redirect leads: not within this machine where nobody else led to
 * it, and not back to the host and port that the caller chose, or from http to https there. Another
 * port of that name is another server, at whatever address DNS says by then.
 *
 * @spec client.md R-PAY-54
 */
export function isForeignRedirect(first: Hop, from: Hop, to: URL): boolean {
  if (isLoopback(from.url) && !from.isForeign && isLoopback(to)) return false
  if (first.isForeign || bareHostname(first.url) !== bareHostname(to)) return true
  const ports = `${portOf(first.url)} ${portOf(to)}`
  const isUpgrade = ports === '80 443' && to.protocol === 'https:'
  return portOf(first.url) !== portOf(to) && !isUpgrade
}

function names(hosts: readonly Parameters<typeof matchesHost>[0][], url: URL): boolean {
  return hosts.some((host) => matchesHost(host, url))
}

function because(reason: RefusalReason, { url }: Hop): L402Error {
  return refuse(reason, { origin: url.origin })
}
