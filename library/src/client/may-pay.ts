import type { L402Error } from '../errors.ts'
import type { Call, Hop } from './call.ts'
import { owedFor } from './choose-token.ts'
import { isConfidential, matchesHost } from './host.ts'
import type { Aim } from './ledger.ts'
import { notDelivered } from './outcome.ts'
import type { Parts } from './parts.ts'
import type { RefusalReason } from './refusal.ts'
import { refuse } from './refusal.ts'
import type { StoredToken } from './token-store.ts'

/** With this many tokens that were paid for and refused, nothing more is paid at an origin. */
const maxOwed = 3

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
 * @spec client.md R-PAY-44, R-PAY-45
 */
export function refusesWhileOwed(
  tokens: readonly StoredToken[],
  hop: Hop,
  aim: Aim,
): L402Error | undefined {
  const owed = owedFor(tokens, aim)
  if (owed !== undefined) return notDelivered(owed, 402)
  const count = tokens.filter(({ standing }) => standing === 'owed').length
  return count < maxOwed ? undefined : because('owed', hop)
}

function because(reason: RefusalReason, { url }: Hop): L402Error {
  return refuse(reason, { origin: url.origin })
}
