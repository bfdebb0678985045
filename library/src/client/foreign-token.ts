import { msat } from '../amount/index.ts'
import { encodeHex } from '../bytes/index.ts'
import { isL402Error } from '../errors.ts'
import { hashPreimage } from '../invoice/index.ts'
import type { Credential } from '../l402/index.ts'
import { parseCredential } from '../l402/index.ts'
import { readConditions } from './challenge-hints.ts'
import { tokenOf } from './stored-token.ts'
import { readTokenFacts } from './token-facts.ts'
import type { StoredToken } from './token-store.ts'

/**
 * A token that somebody else paid for and handed over, to be put into a token store: for a client
 * that has no wallet, or shall not need it.
 *
 * @param given - `origin`: the server that issued it: scheme, host and port. `authorization`: the
 *   value of the header, as `delegate` gives it. `enforces`: the conditions that the server says it
 *   enforces; with `exp` and `req` among them only narrowed copies are sent.
 * @returns The token. What it cost, and for which request it was bought, is not known.
 * @throws {TypeError} for anything but text.
 * @throws {RangeError} for an origin that is none, and text that is not one credential, or whose
 *   preimage does not belong to its token.
 * @spec client.md R-PAY-86
 * @example
 * const tokens = createMemoryTokenStore()
 * await tokens.put(storedTokenOf({ origin: 'https://api.example.com', authorization }))
 * const client = createClient({ policy, tokens }) // uses it, and never pays
 */
export function storedTokenOf(given: {
  readonly origin: string
  readonly authorization: string
  readonly enforces?: readonly string[]
}): StoredToken {
  const { origin, authorization, enforces = [] } = given
  if (typeof origin !== 'string' || typeof authorization !== 'string') {
    throw new TypeError('storedTokenOf: expected origin and authorization as text')
  }
  const url = URL.parse(origin)
  const isOrigin = url !== null && url.origin === origin && /^https?:$/.test(url.protocol)
  if (!isOrigin)
    throw new RangeError("storedTokenOf: expected an origin, such as 'https://a.example'")
  const { schemes, tokens, preimage } = readCredential(authorization)
  const [token, ...others] = tokens
  if (token === undefined || others.length > 0) {
    throw new RangeError('storedTokenOf: expected a credential with one token')
  }
  const paymentHash = encodeHex(hashPreimage(preimage))
  const facts = readTokenFacts(token)
  if (facts !== undefined && facts.paymentHash !== paymentHash) {
    throw new RangeError('storedTokenOf: the preimage does not belong to the token')
  }
  const scheme = schemes.includes('L402') ? 'L402' : 'LSAT'
  const stored = tokenOf(
    {
      origin,
      scheme,
      token,
      paymentHash,
      amountMsat: msat(0n),
      target: '',
      enforces: readConditions(enforces),
    },
    { preimage: encodeHex(preimage), feeMsat: msat(0n), boughtAtSeconds: 0 },
  )
  // Whoever paid for it has seen it work. Nothing is owed to this client.
  return { ...stored, standing: 'good' }
}

function readCredential(authorization: string): Credential {
  let credential: Credential | undefined
  try {
    credential = parseCredential([authorization])
  } catch (cause) {
    if (!isL402Error(cause)) throw cause
    throw new RangeError('storedTokenOf: expected an L402 credential', { cause })
  }
  if (credential !== undefined) return credential
  throw new RangeError('storedTokenOf: expected an L402 credential')
}
