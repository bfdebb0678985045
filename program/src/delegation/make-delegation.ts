import { randomBytes } from 'node:crypto'
import { parseCaveat } from 'satway'
import type { StoredToken } from 'satway/client'
import { delegate, mayOpen } from 'satway/client'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure, UsageMistake } from '../cli/failure.ts'
import { formatMoment } from '../desk/index.ts'
import type { DelegatedToken } from '../schema/index.ts'
import { isUsedUp } from '../tokens/index.ts'
import type { Restrictions } from './conditions.ts'
import { conditionsOf, isCounted } from './conditions.ts'
import { tryConditions } from './trial.ts'

/** A narrower token, and what its maker should know. */
export type Delegation = {
  readonly token: DelegatedToken
  /** The delegation id that it can be revoked by; `undefined`: the server knows none. */
  readonly name: string | undefined
  /** Sentences: what was cut down, what is not enforced. */
  readonly warnings: readonly string[]
}

/**
 * Makes a narrower copy of a token, for somebody else. Without a name it gets a random one, where the
 * server says that it enforces `did`: its uses and its spending are then counted for itself.
 *
 * @param options - `force`: also with conditions that the server does not say it enforces. `newName`:
 *   default 16 random hex digits.
 * @throws {UsageMistake} without a restriction, and for one that is malformed or widens.
 * @throws {Failure} refused: for a token that opens nothing any more, or cannot be narrowed, a moment
 *   in the past, and a condition that the server does not say it enforces.
 * @spec agent.md R-DEL-1 to R-DEL-6, R-DEL-9
 */
export function makeDelegation(
  parent: StoredToken,
  restrictions: Restrictions,
  options: {
    readonly nowSeconds: number
    readonly force?: boolean
    readonly newName?: () => string
  },
): Delegation {
  const { nowSeconds, force = false, newName = randomName } = options
  requireLiving(parent, nowSeconds)
  const warnings: string[] = []
  const named = withName(parent, restrictions, newName)
  const within = cutDown(parent, named, nowSeconds, warnings)
  const caveats = conditionsOf(within, parent.enforces)
  requireRestriction(caveats)
  tryConditions(parent, caveats)

  const conditions = caveats.map((caveat) => parseCaveat(caveat).condition)
  const unpublished = conditions.filter((condition) => !parent.enforces.includes(condition))
  if (unpublished.length > 0) {
    if (!force) throw notEnforced(parent, unpublished)
    warnings.push(`${whoMayIgnore(parent, unpublished)} You forced it.`)
  }

  if (!conditions.includes('did') && conditions.some(isCounted)) warnings.push(sharedCount)

  const authorization = narrowed(parent, caveats)
  const { origin, id } = parent
  const ends = [within.expiresAtSeconds, parent.facts?.validUntilSeconds].filter(
    (end) => end !== undefined,
  )
  const token: DelegatedToken = {
    origin,
    authorization,
    environment: `SATWAY_CREDENTIAL=${quotedForShell(`${origin} ${authorization}`)}`,
    caveats: [...caveats],
    parent: id,
    expiresAt: ends.length === 0 ? null : formatMoment(Math.min(...ends)),
  }
  return { token, name: within.name, warnings }
}

/** In single quotes, as a POSIX shell reads it. */
export function quotedForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

const sharedCount =
  'The server knows no delegation ids: copies of this token that say the same share one count. A copy with another expiry, path or method has a count of its own.'

function randomName(): string {
  return randomBytes(8).toString('hex')
}

function withName(
  { enforces }: StoredToken,
  restrictions: Restrictions,
  newName: () => string,
): Restrictions {
  const { name, caveats = [] } = restrictions
  const isNamed = name !== undefined || caveats.some((caveat) => caveat.startsWith('did='))
  return isNamed || !enforces.includes('did') ? restrictions : { ...restrictions, name: newName() }
}

function requireLiving(parent: StoredToken, nowSeconds: number): void {
  const { validUntilSeconds } = parent.facts ?? {}
  if (validUntilSeconds !== undefined && nowSeconds >= validUntilSeconds) {
    throw refused(
      `The token expired at ${formatMoment(validUntilSeconds)}: a copy of it opens nothing.`,
    )
  }
  if (isUsedUp(parent)) throw refused('The token is used up: a copy of it opens nothing.')
  if (mayOpen(parent, nowSeconds)) return
  throw refused(`The token is ${parent.standing}: a copy of it opens nothing.`)
}

/**
 * A copy cannot do more than its parent, whatever it says. Where it would say more, it says as much as
 * the parent, so that nobody counts on the rest, and the server does not refuse it for widening.
 */
function cutDown(
  parent: StoredToken,
  restrictions: Restrictions,
  nowSeconds: number,
  warnings: string[],
): Restrictions {
  const { expiresAtSeconds: until, uses } = restrictions
  const { validUntilSeconds, uses: bought } = parent.facts ?? {}
  if (until !== undefined && until <= nowSeconds) {
    throw refused('The copy would have expired already.')
  }
  let within = restrictions
  if (until !== undefined && validUntilSeconds !== undefined && until > validUntilSeconds) {
    within = { ...within, expiresAtSeconds: validUntilSeconds }
    warnings.push(
      `The token itself ends at ${formatMoment(validUntilSeconds)}, and so does the copy.`,
    )
  }
  if (uses !== undefined && bought !== undefined && uses > bought) {
    within = { ...within, uses: bought }
    warnings.push(
      `The token was bought for ${bought === 1 ? 'one use' : `${bought} uses`}, and so is the copy good for no more.`,
    )
  }
  return within
}

function requireRestriction(caveats: readonly string[]): void {
  // An id for revocation narrows nothing by itself.
  if (caveats.some((caveat) => !caveat.startsWith('did='))) return
  throw new UsageMistake(
    'say at least one restriction, such as --uses 10, --expires 1h or --path /v1/x',
  )
}

function narrowed(parent: StoredToken, caveats: readonly string[]): string {
  try {
    return delegate(parent, ...caveats)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw refused(`The token cannot be handed on: ${error.message.replace(/^delegate: /, '')}.`)
  }
}

function notEnforced(parent: StoredToken, conditions: readonly string[]): Failure {
  const published = parent.enforces.length === 0 ? 'nothing' : parent.enforces.join(', ')
  return new Failure(whoMayIgnore(parent, conditions), {
    exitCode: exitCodes.refused,
    advice: `It says that it enforces: ${published}.\nUse one of these, or --force if you know better.`,
  })
}

function whoMayIgnore({ origin }: StoredToken, conditions: readonly string[]): string {
  return `${origin} does not say that it enforces ${conditions.join(', ')}. It may ignore that, and whoever gets the copy could then do everything that you can do with the token.`
}

function refused(message: string): Failure {
  return new Failure(message, { exitCode: exitCodes.refused })
}
