import { decodeHex } from '../bytes/index.ts'
import { isL402Error } from '../errors.ts'
import { preimage } from '../invoice/index.ts'
import { formatCredential, requestCaveats } from '../l402/index.ts'
import { attenuate, decodeToken, encodeToken } from '../macaroon/index.ts'
import type { Hop } from './call.ts'
import type { StoredToken } from './token-store.ts'

/**
 * The `Authorization` value that opens one request with a stored token.
 *
 * Where the server enforces it, the token is a copy that is good for this method and target, and for
 * a minute: whoever reads the header on the way cannot make it wider.
 *
 * @param nowSeconds - The time by the server's clock, as far as it is known.
 * @returns `undefined` when no copy can be made for this request: its target can be read in more
 *   than one way. The bought token does not stand in for it.
 * @spec client.md R-PAY-60, R-PAY-61
 */
export function credentialFor(
  stored: StoredToken,
  hop: Hop,
  nowSeconds: number,
): string | undefined {
  const token = attenuates(stored) ? narrowed(stored.token, hop, nowSeconds) : stored.token
  if (token === undefined) return undefined
  const { scheme } = stored
  return formatCredential({ scheme, token, preimage: preimage(decodeHex(stored.preimage)) })
}

/** Whether a minute's copy for one request works as well as the token itself. */
function attenuates({ facts, enforces }: StoredToken): boolean {
  return facts !== undefined && enforces.includes('exp') && enforces.includes('req')
}

function narrowed(token: string, hop: Hop, nowSeconds: number): string | undefined {
  try {
    const caveats = requestCaveats({
      method: hop.method,
      target: hop.url.pathname + hop.url.search,
      nowSeconds: Math.floor(nowSeconds),
    })
    return encodeToken(attenuate(decodeToken(token), ...caveats))
  } catch (error) {
    // A clock that shows no time (RangeError) makes no copy either, and must not stop the call.
    if (isL402Error(error) || error instanceof RangeError) return undefined
    throw error
  }
}
