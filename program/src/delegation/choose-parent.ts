import type { StoredToken } from 'satway/client'
import type { TokenBook } from 'satway/journal'
import { Failure } from '../cli/failure.ts'
import { printable } from '../cli/printable.ts'
import { findToken, isUsedUp, originOfTokens } from '../tokens/index.ts'

/**
 * The token to make a copy of: by its id or payment hash, or the one of an origin that opens something.
 *
 * @throws {UsageMistake} for text that is neither.
 * @throws {Failure} when there is none, or there are several that open different things.
 */
export async function chooseParent(
  tokens: TokenBook,
  text: string,
  nowSeconds: number,
): Promise<StoredToken> {
  if (/^[0-9a-f]{8,64}(?:…|\.{3})?$/i.test(text)) return await findToken(tokens, text)
  const origin = await originOfTokens(tokens, text)
  const usable = (await tokens.usable(origin, nowSeconds)).filter((token) => !isUsedUp(token))
  const [latest] = usable
  if (latest === undefined) {
    throw new Failure(`There is no token for ${printable(origin)} that opens something now.`, {
      advice: '`satway tokens list --all` shows what there is.',
    })
  }
  const others = usable.filter((token) => !opensTheSame(token, latest))
  if (others.length === 0) return latest
  const lines = [latest, ...others].slice(0, 10).map(({ id, target }) => {
    return `  ${id.slice(0, 8)}  ${printable(target)}`
  })
  throw new Failure(`Tokens for ${printable(origin)} open different things.`, {
    advice: `Name one with --token:\n${lines.join('\n')}`,
  })
}

function opensTheSame(one: StoredToken, other: StoredToken): boolean {
  const [coverage, theirs] = [one.facts?.coverage, other.facts?.coverage]
  if (coverage === undefined || theirs === undefined) return one.target === other.target
  return coverage === theirs
}
