import type { StoredToken } from 'satway/client'
import { formatMoment } from '../desk/index.ts'
import type { TokenView } from '../schema/index.ts'

/** A token as programs see it: nothing secret is in it. */
export function viewToken(token: StoredToken): TokenView {
  const { id, origin, target, standing, paymentHash, facts, usesSeen, enforces } = token
  return {
    id,
    origin,
    service: facts?.service ?? null,
    capability: facts?.capability ?? null,
    target,
    standing,
    paymentHash,
    amountMsat: `${token.amountMsat}`,
    feeMsat: `${token.feeMsat}`,
    boughtAt: formatMoment(token.boughtAtSeconds),
    validUntil:
      facts?.validUntilSeconds === undefined ? null : formatMoment(facts.validUntilSeconds),
    uses: facts?.uses ?? null,
    usesSeen,
    enforces: [...enforces],
  }
}

/** Whether a token brought all the answers that it is good for, as far as was seen here. */
export function isUsedUp({ standing, facts, usesSeen }: StoredToken): boolean {
  return standing === 'good' && facts?.uses !== undefined && usesSeen >= facts.uses
}

/** How a token stands, in a word or two. */
export function standingWords(token: StoredToken, nowSeconds: number): string {
  const { standing, facts } = token
  if (standing === 'abandoned') return 'written off'
  if (standing === 'owed') return 'owed'
  const until = facts?.validUntilSeconds
  if (until !== undefined && nowSeconds >= until) return 'expired'
  if (isUsedUp(token)) return 'used up'
  return standing
}

/** The same, as a sentence. */
export function standingSentence(token: StoredToken, nowSeconds: number): string {
  switch (standingWords(token, nowSeconds)) {
    case 'new':
      return 'new: paid for, and not used yet'
    case 'good':
      return 'good: the server accepted it'
    case 'owed':
      return 'owed: paid for, and never accepted; `satway resume` asks for it again'
    case 'spent':
      return 'spent: it was good, and no longer opens what it was bought for'
    case 'used up':
      return 'used up: it brought as many answers as it was bought for'
    case 'expired':
      return 'expired: its time is over'
    default:
      return 'written off: it no longer keeps the same thing from being bought anew'
  }
}

/** How many requests it is still good for, as far as was seen here. */
export function usesLeft({ facts, usesSeen }: StoredToken): string {
  return facts?.uses === undefined ? 'any' : `${Math.max(0, facts.uses - usesSeen)}`
}
