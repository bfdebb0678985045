import type { Msat } from '../amount/index.ts'
import type { Scheme } from '../l402/index.ts'
import { routeOfTarget } from './ledger.ts'

/**
 * How a token stands. `new`: bought, and no server has judged it yet. `good`: it was accepted for what
 * it was bought for, or where payment was asked for. `owed`: it was paid for, and refused, or left
 * without a whole answer, where it was bought, and never accepted: the money bought nothing so far.
 * `spent`: it was good, and no longer opens what it was bought for. `abandoned`: written off by the
 * operator. None of these deletes it.
 */
export type TokenStanding = 'new' | 'good' | 'owed' | 'spent' | 'abandoned'

/** What a readable token says about itself. Claims of the server that minted it: good for choosing. */
export type TokenFacts = {
  /** 64 hex digits. */
  readonly paymentHash: string
  readonly service: string | undefined
  readonly capability: string | undefined
  /** Seconds since 1970: the first second at which it no longer works. */
  readonly validUntilSeconds: number | undefined
  /** How many requests it is good for; `undefined`: as many as you like. */
  readonly uses: number | undefined
  /** What it opens, as one text: tokens of equal coverage are good for the same requests. */
  readonly coverage: string | undefined
}

/** A token that was paid for, and what was learned about it. */
export type StoredToken = {
  /** 32 hex digits: digest of origin, payment hash and token. */
  readonly id: string
  /** Scheme, host and port of the server that issued it. It is sent nowhere else. */
  readonly origin: string
  readonly scheme: Scheme
  /** As the challenge wrote it. Secret together with the preimage. */
  readonly token: string
  /** 64 hex digits. */
  readonly paymentHash: string
  /** 64 hex digits. Secret. */
  readonly preimage: string
  readonly amountMsat: Msat
  readonly feeMsat: Msat
  /** The method, path and query it was bought for: `GET /image?size=small`. */
  readonly target: string
  readonly boughtAtSeconds: number
  /** `undefined`: the token is opaque. */
  readonly facts: TokenFacts | undefined
  /**
   * The conditions that the server said it enforces. With `exp` and `req` among them only narrowed
   * copies are sent.
   */
  readonly enforces: readonly string[]
  readonly standing: TokenStanding
  /** How many requests were answered with success under it. */
  readonly usesSeen: number
  /** Routes that it opened, latest first, at most 64. */
  readonly servedRoutes: readonly string[]
  /** Targets that refused it, latest first, at most 256. */
  readonly refusedTargets: readonly string[]
}

/** What an answer of the server taught about a token. */
export type TokenMark =
  /**
   * `used`: the answer was a success, which takes a use of a limited token. `asked`: the server had
   * asked for payment for it before, in the same call.
   */
  | {
      readonly kind: 'served'
      readonly target: string
      readonly used: boolean
      readonly asked: boolean
    }
  /** `sells`: the coverage of the token that the server offered instead, where it can be read. */
  | { readonly kind: 'refused'; readonly target: string; readonly sells: string | undefined }
  /**
   * What it was bought for was asked for with it, and the answer leaves delivery open, or none came, or
   * it broke off. `accepted`: it was that answer whose beginning made the token good.
   */
  | { readonly kind: 'undelivered'; readonly accepted: boolean }
  | { readonly kind: 'abandoned' }

/**
 * Keeps tokens that were paid for. There is no method that deletes one.
 *
 * Every method rejects with STORE_UNAVAILABLE when it cannot do its work. An implementation on a
 * disk makes each method one transaction, durable when it resolves.
 *
 * @spec client.md R-PAY-40 to R-PAY-45
 */
export type TokenStore = {
  /** Keeps a token. One whose id is known stays as it is. */
  put(token: StoredToken): Promise<void>
  /** Applies {@link markToken}. An id that is not known changes nothing. */
  mark(id: string, mark: TokenMark): Promise<void>
  find(id: string): Promise<StoredToken | undefined>
  /** Tokens of one origin that may still open something: {@link mayOpen}. Latest first. */
  usable(origin: string, nowSeconds: number): Promise<readonly StoredToken[]>
  /** How many tokens of a host name, at all of its origins, are owed: see {@link mayOpen}. */
  countOwed(host: string, nowSeconds: number): Promise<number>
  /** Every token, oldest first. */
  list(): Promise<readonly StoredToken[]>
}

const maxServedRoutes = 64
const maxRefusedTargets = 256
/** How long an origin owes what it was paid for, at least: a token that says less says it for itself. */
const owedSeconds = 86_400

/** Whether a token may still open something, or is owed: not spent, abandoned or expired. */
export function mayOpen(token: StoredToken, nowSeconds: number): boolean {
  return nowSeconds < opensUntil(token)
}

/**
 * The first second at which a token neither opens anything nor is owed any more. `Infinity`: there
 * is none, `-Infinity`: it is past whatever the time.
 */
export function opensUntil(token: StoredToken): number {
  if (token.standing === 'spent' || token.standing === 'abandoned') return -Infinity
  if (token.standing === 'owed') return owedUntil(token)
  return token.facts?.validUntilSeconds ?? Infinity
}

/**
 * What a mark makes of a token.
 *
 * A refusal ends a token when the server offers the very thing that the token covers, or, where that
 * cannot be read, when it is for what the token was bought for: `spent` if it ever worked, `owed` if
 * not. One that never worked is owed as soon as it is refused for what it was bought for, whatever is
 * sold there now. Any other refusal is about that target alone. A token that works after all is good
 * again; where it was neither bought for nor asked for, an answer proves nothing: that may be free.
 *
 * @spec client.md R-PAY-43, R-PAY-44, R-PAY-48
 */
export function markToken(token: StoredToken, mark: TokenMark): StoredToken {
  if (mark.kind === 'abandoned') return { ...token, standing: 'abandoned' }
  if (mark.kind === 'undelivered') {
    const wasMadeGood = mark.accepted && token.standing === 'good'
    return token.standing === 'new' || wasMadeGood ? { ...token, standing: 'owed' } : token
  }
  const { target } = mark
  if (mark.kind === 'served') {
    return {
      ...token,
      standing: provesToken(token, mark) ? 'good' : token.standing,
      usesSeen: token.usesSeen + (mark.used ? 1 : 0),
      servedRoutes: withFirst(token.servedRoutes, routeOfTarget(target), maxServedRoutes),
      refusedTargets: token.refusedTargets.filter((refused) => refused !== target),
    }
  }
  return {
    ...token,
    standing: endsToken(token, mark) ? standingAfterRefusal(token.standing) : token.standing,
    refusedTargets: withFirst(token.refusedTargets, target, maxRefusedTargets),
  }
}

/**
 * Whether to be accepted there shows that a token opens what costs money.
 *
 * @spec client.md R-PAY-48
 */
export function provesToken(
  token: Pick<StoredToken, 'target'>,
  { target, asked }: { readonly target: string; readonly asked: boolean },
): boolean {
  return asked || target === token.target
}

function endsToken(
  { target, facts, standing }: StoredToken,
  refusal: { readonly target: string; readonly sells: string | undefined },
): boolean {
  const { sells } = refusal
  // R-PAY-44: a server that sells something else each time has not delivered this for all that.
  if (standing === 'new' && refusal.target === target) return true
  if (facts?.coverage === undefined || sells === undefined) return refusal.target === target
  return facts.coverage === sells
}

function owedUntil(token: StoredToken): number {
  const atLeast = token.boughtAtSeconds + owedSeconds
  return Math.max(token.facts?.validUntilSeconds ?? atLeast, atLeast)
}

function standingAfterRefusal(standing: TokenStanding): TokenStanding {
  if (standing === 'new') return 'owed'
  return standing === 'good' ? 'spent' : standing
}

function withFirst(list: readonly string[], first: string, max: number): readonly string[] {
  return [first, ...list.filter((other) => other !== first)].slice(0, max)
}
