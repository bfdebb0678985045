import { formatMoment } from '../desk/index.ts'

/** What the one who gets a token may do with it. Absent: as much as its parent. */
export type Restrictions = {
  /** How many requests. 1 or more. */
  readonly uses?: number
  /** What the requests may cost together, in whole sat. 1 or more. */
  readonly spendSat?: bigint
  /** Seconds since 1970: the first second at which it no longer works. */
  readonly expiresAtSeconds?: number
  /** A path in canonical form, or one ending in `/*`. */
  readonly path?: string
  /** Names in upper case, with commas between. */
  readonly methods?: string
  /** Addresses and blocks, with commas between. */
  readonly ip?: string
  /** The id under which this delegation can be revoked. */
  readonly name?: string
  /** As they are: `condition=value`. */
  readonly caveats?: readonly string[]
}

/** One way to state a restriction. */
type Spelling = { readonly condition: string; readonly text: string }

/**
 * The conditions of the restrictions, each in the spelling that the server says it enforces; where it
 * enforces none of them, in the usual one.
 *
 * What tells copies apart comes first, and what is counted last: a server counts for everything that
 * says the same up to the count, and so equal beginnings would share one.
 *
 * @spec caveats.md R-CAV-5; agent.md R-DEL-9
 */
export function conditionsOf(
  restrictions: Restrictions,
  enforces: readonly string[],
): readonly string[] {
  const { uses, spendSat, expiresAtSeconds, path, methods, ip, name } = restrictions
  const telling: readonly (readonly Spelling[])[] = [
    name === undefined ? [] : [spelt('did', name)],
    expiresAtSeconds === undefined ? [] : expirySpellings(expiresAtSeconds),
    path === undefined ? [] : [spelt('path', path), spelt('endpoint', path)],
    methods === undefined ? [] : [spelt('method', methods)],
    ip === undefined ? [] : [spelt('ip', ip), spelt('client_ip', ip)],
  ]
  const counted: readonly (readonly Spelling[])[] = [
    uses === undefined ? [] : [spelt('request_count', uses, ' <= '), spelt('max_requests', uses)],
    spendSat === undefined
      ? []
      : [spelt('spend_limit_sat', spendSat), spelt('max_amount_sats', spendSat)],
  ]
  const chosen = (stated: readonly (readonly Spelling[])[]): readonly string[] =>
    stated.flatMap((spellings) => {
      const published = spellings.find(({ condition }) => enforces.includes(condition))
      return (published ?? spellings[0])?.text ?? []
    })
  return [...chosen(telling), ...(restrictions.caveats ?? []), ...chosen(counted)]
}

/** Whether a server counts by this condition, and so for all copies that begin alike. */
export function isCounted(condition: string): boolean {
  return countedConditions.has(condition)
}

const countedConditions: ReadonlySet<string> = new Set([
  'request_count',
  'max_requests',
  'spend_limit_sat',
  'max_amount_sats',
])

/**
 * `exp` comes after `valid_until`: whoever narrows the token again for each request appends an `exp`
 * of his own, and in the last minute that one would be later than this.
 */
function expirySpellings(atSeconds: number): readonly Spelling[] {
  const moment = formatMoment(atSeconds)
  return [
    spelt('valid_until', atSeconds),
    spelt('exp', atSeconds),
    spelt('expires_at', moment),
    spelt('expiry', moment),
  ]
}

function spelt(condition: string, value: string | number | bigint, operator = '='): Spelling {
  return { condition, text: `${condition}${operator}${value}` }
}
