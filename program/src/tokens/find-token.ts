import type { StoredToken } from 'satway/client'
import type { TokenBook } from 'satway/journal'
import { Failure, UsageMistake } from '../cli/failure.ts'

const advice = '`satway tokens list --all` shows what there is.'

/**
 * Finds one token by its id or payment hash, or 8 or more digits that one of them begins with.
 *
 * @throws {UsageMistake} for text of another form.
 * @throws {Failure} when there is none, or more than one.
 */
export async function findToken(tokens: TokenBook, text: string): Promise<StoredToken> {
  const found = await tokensNamed(tokens, text)
  const [token, other] = found
  if (token === undefined) throw new Failure(`There is no token ${text}.`, { advice })
  if (other === undefined) return token
  throw new Failure(`${text} names ${found.length} tokens.`, { advice: 'Give more of its digits.' })
}

/** As {@link findToken}; empty when there is none. */
export async function tokensNamed(
  tokens: TokenBook,
  text: string,
): Promise<readonly StoredToken[]> {
  return await tokens.named(readDigits(text))
}

/**
 * Digits as a table shows them, with or without the sign that they were cut.
 *
 * @throws {UsageMistake}
 */
export function readDigits(text: string): string {
  const digits = text.replace(/…$|\.\.\.$/, '').toLowerCase()
  if (/^[0-9a-f]{8,64}$/.test(digits)) return digits
  throw new UsageMistake('expected the id of a token or a payment hash: 8 to 64 hex digits')
}

/**
 * Reads an origin as people write it: with or without `https://`, with or without a path.
 *
 * @throws {UsageMistake}
 */
export function readOrigin(text: string): string {
  const url = text.includes('://') ? text : `https://${text}`
  const { protocol, origin } = URL.parse(url) ?? {}
  if (origin !== undefined && (protocol === 'https:' || protocol === 'http:')) return origin
  throw new UsageMistake('expected an origin, such as https://api.example.com')
}

/**
 * The same, where no scheme was given: https, unless only the one of http is known.
 *
 * @param isKnown - Whether there is anything of an origin.
 * @throws {UsageMistake}
 */
export async function chooseOrigin(
  text: string,
  isKnown: (origin: string) => Promise<boolean>,
): Promise<string> {
  const origin = readOrigin(text)
  if (text.includes('://') || (await isKnown(origin))) return origin
  const plain = readOrigin(`http://${text}`)
  return (await isKnown(plain)) ? plain : origin
}

/** {@link chooseOrigin} by the tokens that were bought. */
export async function originOfTokens(tokens: TokenBook, text: string): Promise<string> {
  return await chooseOrigin(
    text,
    async (origin) => (await tokens.latest({ origin, limit: 1 })).length > 0,
  )
}
