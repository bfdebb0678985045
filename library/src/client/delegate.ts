import { decodeHex, encodeUtf8 } from '../bytes/index.ts'
import { isL402Error } from '../errors.ts'
import { preimage } from '../invoice/index.ts'
import type { Scheme } from '../l402/index.ts'
import { formatCredential, parseCaveat } from '../l402/index.ts'
import type { Macaroon } from '../macaroon/index.ts'
import { attenuate, decodeToken, encodeToken, limits } from '../macaroon/index.ts'

/**
 * Makes a narrower copy of a token, to hand to somebody else. Whoever gets it can narrow it further,
 * and nobody can widen it. Nothing is asked of the server, and the token itself stays as it is.
 *
 * @param token - A `StoredToken`, or as much of one.
 * @param caveats - At least one. What a seller of this library enforces is listed in
 *   spec/caveats.md: `method=GET`, `path=/api/*`, `request_count <= 10`, `spend_limit_sat=500`,
 *   `exp=<unix seconds>`, `ip=…`, `did=<name>`. Other sellers may enforce fewer: the body of their
 *   402 lists them as `caveats`.
 * @returns The value for `Authorization`. A secret.
 * @throws {RangeError} for a token that is no macaroon, a preimage that is none, a caveat that is
 *   not well formed, and more than fit into a token.
 * @throws {TypeError} for anything but text, and without a caveat.
 * @spec client.md R-PAY-63
 * @example
 * const [token] = await tokens.list()
 * const authorization = delegate(token, 'method=GET', 'request_count <= 10')
 */
export function delegate(
  token: { readonly token: string; readonly preimage: string; readonly scheme?: Scheme },
  ...caveats: readonly string[]
): string {
  if (typeof token?.token !== 'string' || typeof token.preimage !== 'string') {
    throw new TypeError('delegate: expected a stored token, with token and preimage as text')
  }
  // Without a caveat it would be the whole token, under a name that says otherwise.
  if (caveats.length === 0) throw new TypeError("delegate: expected a caveat, such as 'method=GET'")
  for (const [index, caveat] of caveats.entries()) requireCaveat(caveat, index)

  const parent = orRefuse(
    () => decodeToken(token.token),
    'the token is opaque: it cannot be narrowed',
  )
  if (parent.unverifiedCaveats.length + caveats.length > limits.verifiedCaveats) {
    throw new RangeError(`delegate: expected at most ${limits.verifiedCaveats} caveats in all`)
  }
  const proof = orRefuse(
    () => preimage(decodeHex(token.preimage)),
    'expected a preimage of 64 hex digits',
  )
  return formatCredential({
    scheme: token.scheme ?? 'L402',
    token: orRefuse(() => narrowed(parent, caveats), 'the token grows too long'),
    preimage: proof,
  })
}

function narrowed(parent: Macaroon, caveats: readonly string[]): string {
  return encodeToken(attenuate(parent, ...caveats))
}

/** The text is not repeated: a caveat may be a preimage. */
function requireCaveat(caveat: unknown, index: number): void {
  if (typeof caveat !== 'string') throw new TypeError(`delegate: caveat ${index + 1} is not text`)
  const { condition, value } = orRefuse(
    () => parseCaveat(caveat),
    `caveat ${index + 1} is not of the form condition=value`,
  )
  if (value === '' || encodeUtf8(caveat).length > limits.verifiedCaveatBytes) {
    throw new RangeError(`delegate: caveat ${index + 1} (${condition}) is empty or too long`)
  }
}

function orRefuse<Result>(read: () => Result, refusal: string): Result {
  try {
    return read()
  } catch (cause) {
    if (!isL402Error(cause)) throw cause
    throw new RangeError(`delegate: ${refusal}`, { cause })
  }
}
