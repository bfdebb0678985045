import type { StoredToken } from './token-store.ts'

/** What a token is wanted for. */
export type Want = {
  /** Method and path. */
  readonly route: string
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
 * @spec client.md R-PAY-41
 */
export function chooseFirst(tokens: readonly StoredToken[], want: Want): StoredToken | undefined {
  const open = tokens.filter((token) => token.standing !== 'owed' && isOpenTo(token, want))
  const knows = (token: StoredToken): boolean => token.servedRoutes.includes(want.route)
  return (
    open.find(knows) ??
    open.find((token) => token.route === want.route) ??
    open.find((token) => token.facts?.uses === undefined)
  )
}

/**
 * The token to try after the server asked for payment, before anything is bought: one that covers
 * what the challenge sells, or one about which nothing can be read.
 *
 * @param coverage - Of the token in the challenge; `undefined` when it is opaque.
 * @spec client.md R-PAY-42
 */
export function chooseBeforeBuying(
  tokens: readonly StoredToken[],
  want: Want,
  coverage: string | undefined,
): StoredToken | undefined {
  if (want.tried.size >= maxTries) return owedFor(tokens, want.route, coverage, want.tried)
  const open = tokens.filter((token) => token.standing !== 'owed' && isOpenTo(token, want))
  return (
    owedFor(tokens, want.route, coverage, want.tried) ??
    open.find((token) => coverage !== undefined && token.facts?.coverage === coverage) ??
    open.find((token) => coverage === undefined || token.facts?.coverage === undefined)
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
  route: string,
  coverage: string | undefined,
  except: ReadonlySet<string> = new Set(),
): StoredToken | undefined {
  return tokens.find((token) => {
    if (token.standing !== 'owed' || except.has(token.id)) return false
    if (token.route === route) return true
    return coverage !== undefined && token.facts?.coverage === coverage
  })
}

function isOpenTo(token: StoredToken, { route, tried, usesInFlight }: Want): boolean {
  if (tried.has(token.id) || token.refusedRoutes.includes(route)) return false
  const { uses } = token.facts ?? {}
  return uses === undefined || token.usesSeen + usesInFlight(token.id) < uses
}
