import type { L402Error } from '../errors.ts'
import type { Call, Hop } from './call.ts'
import { owedFor } from './choose-token.ts'
import { bareHostname, isConfidential, matchesHost } from './host.ts'
import type { Aim } from './ledger.ts'
import { notDelivered } from './outcome.ts'
import type { Parts } from './parts.ts'
import { isLoopbackHost, isPrivateHost } from './private-host.ts'
import type { RefusalReason } from './refusal.ts'
import { refuse } from './refusal.ts'
import type { StoredToken } from './token-store.ts'

/** With this much that was paid for and did not come, nothing more is paid at an origin. */
export const maxOwed = 3

/**
 * Why no credential may go with a request; `undefined`: it may.
 *
 * @param downgraded - A redirect led from https to http on the way here.
 * @spec client.md R-PAY-4, R-PAY-22, R-PAY-52
 */
export function refusesCredential(
  { policy }: Parts,
  call: Call,
  hop: Hop,
  downgraded: boolean,
): L402Error | undefined {
  const { url } = hop
  const isSafe = isConfidential(url) || policy.allowHttp.some((host) => matchesHost(host, url))
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
  { payer, policy }: Parts,
  call: Call,
  hop: Hop,
): L402Error | undefined {
  const { url } = hop
  if (payer === undefined) return because('no-payer', hop)
  if (!call.limits.pay) return because('no-pay', hop)
  if (policy.denyHosts.some((host) => matchesHost(host, url))) return because('host', hop)
  const isAllowed = policy.allowHosts?.some((host) => matchesHost(host, url)) ?? true
  return isAllowed ? undefined : because('host', hop)
}

/**
 * Why nothing more is paid at an origin that owes for what it was paid; `undefined`: it owes little,
 * and nothing of this kind.
 *
 * @param tokens - Of the origin, those that may still open something.
 * @param openElsewhere - How many payments at the origin, for other things, have no known end.
 * @spec client.md R-PAY-44, R-PAY-45
 */
export function refusesWhileOwed(
  tokens: readonly StoredToken[],
  hop: Hop,
  aim: Aim,
  openElsewhere: number,
): L402Error | undefined {
  const owed = owedFor(tokens, aim)
  if (owed !== undefined) return notDelivered(owed, 402)
  return countOwed(tokens) + openElsewhere < maxOwed ? undefined : because('owed', hop)
}

/**
 * Whether one thing more may be bought at an origin now, or only once a purchase under way has ended:
 * what never delivered anything gets no more money at once than it may owe.
 *
 * @param underWay - How many purchases at the origin this process waits for.
 * @spec client.md R-PAY-45
 */
export function hasRoom(
  tokens: readonly StoredToken[],
  underWay: number,
  openElsewhere: number,
): boolean {
  if (tokens.some(({ standing }) => standing === 'good')) return true
  return countOwed(tokens) + openElsewhere + underWay < maxOwed
}

function countOwed(tokens: readonly StoredToken[]): number {
  return tokens.filter(({ standing }) => standing === 'owed').length
}

/**
 * Why a redirect is not followed at all: a public host must not choose what is asked of this machine
 * or the network around it. `undefined`: it may be.
 *
 * @spec client.md R-PAY-54
 */
export function refusesRedirect(
  { policy }: Pick<Parts, 'policy'>,
  from: Hop,
  to: Hop,
): L402Error | undefined {
  if (!isPrivateHost(to.url) || isLoopbackHost(from.url)) return undefined
  if (bareHostname(from.url) === bareHostname(to.url)) return undefined
  const isMeant = policy.allowPrivateRedirects.some((host) => matchesHost(host, to.url))
  return isMeant ? undefined : because('private-redirect', to)
}

function because(reason: RefusalReason, { url }: Hop): L402Error {
  return refuse(reason, { origin: url.origin })
}
