import type { Aim } from './ledger.ts'
import { buysTheSame, routeOfTarget } from './ledger.ts'
import type { StoredToken } from './token-store.ts'

/** What has been done and is being done with tokens. */
export type Tries = {
  /** Ids of tokens that this call has tried already. */
  readonly tried: ReadonlySet<string>
  /** How many requests under a token are on their way. */
  readonly usesInFlight: (id: string) => number
}

/** The most tokens that are tried for one request before one is bought. */
export const maxTries = 4

/**
 * The token to send with a request before anything is known of what the server wants: one that
 * opened this route or was bought for it; else one that may be used as often as one likes, because
 * trying it on a route that is free costs nothing.
 *
 * @param tokens - Of the origin that the request goes to, latest first.
 * @param target - Method, path and query.
 * @spec client.md R-PAY-41
 */
export function chooseFirst(
  tokens: readonly StoredToken[],
  target: string,
  tries: Tries,
): StoredToken | undefined {
  const route = routeOfTarget(target)
  const open = tokens.filter(
    (token) => isAtHand(token, tries) && !token.refusedTargets.includes(target),
  )
  return (
    open.find((token) => token.servedRoutes.includes(route)) ??
    open.find((token) => isFor(token, target)) ??
    open.find((token) => token.facts?.uses === undefined)
  )
}

/**
 * Whether a token was bought for a route. One for few requests is not risked on another query, which
 * may be free, before it brought what it was bought for.
 */
function isFor({ target, standing, facts }: StoredToken, wanted: string): boolean {
  if (standing === 'new' && facts?.uses !== undefined) return target === wanted
  return routeOfTarget(target) === routeOfTarget(wanted)
}

/**
 * The token to try after the server asked for payment, before anything is bought: what is owed for
 * this very thing; one that covers what the challenge sells, even where it was refused, because the
 * server may sell several things there; one that was bought for this very target, whatever is sold
 * there now; or one about which nothing can be read.
 *
 * @param aim - `coverage`: of the token in the challenge.
 * @spec client.md R-PAY-42
 */
export function chooseBeforeBuying(
  tokens: readonly StoredToken[],
  aim: Aim,
  tries: Tries,
): StoredToken | undefined {
  const owed = owedFor(tokens, aim, tries.tried)
  if (owed !== undefined || tries.tried.size >= maxTries) return owed
  const { target, coverage } = aim
  const open = tokens.filter((token) => isAtHand(token, tries))
  return (
    open.find((token) => coverage !== undefined && token.facts?.coverage === coverage) ??
    open.find((token) => token.target === target && !token.refusedTargets.includes(target)) ??
    open.find((token) => isNarrowed(token, aim)) ??
    open.find((token) => {
      if (coverage !== undefined && token.facts?.coverage !== undefined) return false
      return !token.refusedTargets.includes(target)
    })
  )
}

/** Whether a token is for what is sold, and somebody narrowed it: it may be good for this request. */
function isNarrowed({ facts, refusedTargets }: StoredToken, { target, coverage }: Aim): boolean {
  if (facts?.coverage === undefined || coverage === undefined) return false
  const conditions = new Set(facts.coverage.split('\n'))
  return (
    coverage.split('\n').every((one) => conditions.has(one)) && !refusedTargets.includes(target)
  )
}

/**
 * A token that was paid for this very thing and never accepted. While there is one, the thing is not
 * bought again.
 *
 * @param except - Ids to pass over.
 * @spec client.md R-PAY-44
 */
export function owedFor(
  tokens: readonly StoredToken[],
  aim: Aim,
  except: ReadonlySet<string> = new Set(),
): StoredToken | undefined {
  return tokens.find(
    (token) => token.standing === 'owed' && !except.has(token.id) && concerns(token, aim),
  )
}

/**
 * A token on its way whose answer decides whether anything is to be bought: one that is owed for this
 * very thing and being tried again, or one that was just bought for this very target, where something
 * else is sold now.
 *
 * @param aim - `coverage`: of the token in the challenge.
 * @spec client.md R-PAY-9, R-PAY-46
 */
export function awaitedFor(
  tokens: readonly StoredToken[],
  aim: Aim,
  { tried, usesInFlight }: Tries,
): StoredToken | undefined {
  return tokens.find((token) => {
    if (tried.has(token.id) || usesInFlight(token.id) === 0) return false
    if (token.standing === 'owed') return concerns(token, aim)
    if (token.standing !== 'new' || token.target !== aim.target) return false
    return token.facts?.coverage !== aim.coverage
  })
}

/**
 * Whether what a token was bought for is what is wanted now: the same thing, or, where it was refused
 * for its own target, anything of the same method and path.
 */
function concerns({ target, facts, refusedTargets }: StoredToken, aim: Aim): boolean {
  if (buysTheSame({ target, coverage: facts?.coverage }, aim)) return true
  return refusedTargets.includes(target) && routeOfTarget(target) === routeOfTarget(aim.target)
}

function isAtHand(token: StoredToken, { tried, usesInFlight }: Tries): boolean {
  if (token.standing === 'owed' || tried.has(token.id)) return false
  const { uses } = token.facts ?? {}
  return uses === undefined || token.usesSeen + usesInFlight(token.id) < uses
}
