import { randomBytes } from 'node:crypto'
import type { Preimage, Purchase } from 'satway'
import {
  encodeIdentifier,
  formatCredential,
  hashPreimage,
  msat,
  preimage,
  purchaseCaveats,
} from 'satway'
import { attenuate, encodeToken, mint } from 'satway/macaroon'
import type { KeyRing } from 'satway/server'

/** What the benchmark sells. */
export const purchase: Purchase = {
  service: 'bench',
  tier: 0,
  capability: 'decode',
  validUntilSeconds: 4_000_000_000,
  amountMsat: msat(10_000n),
}

/** What a holder adds before handing the token on, where the purchase alone has fewer caveats. */
const holderCaveat = 'method=GET'
export const caveatCount = 5

export type PaidToken = {
  readonly token: string
  readonly preimage: Preimage
  /** The value of the Authorization header. */
  readonly authorization: string
}

/**
 * A token as the paywall would sell it, and its preimage. The paywall stores nothing before the
 * payment, so that whoever knows the keys needs no payment for a valid token.
 */
export function mintPaidToken(keys: KeyRing, sold: Purchase = purchase): PaidToken {
  const secret = preimage(randomBytes(32))
  const tokenId = randomBytes(32)
  tokenId[0] = keys.newestKid
  const identifier = encodeIdentifier({ paymentHash: hashPreimage(secret), tokenId })
  const rootKey = keys.rootKey(identifier)
  if (rootKey === undefined) throw new Error('the key ring does not know its newest key')

  const caveats = purchaseCaveats(sold)
  const bought = mint({ rootKey, identifier, location: sold.service, caveats })
  const token = encodeToken(caveats.length < caveatCount ? attenuate(bought, holderCaveat) : bought)
  return { token, preimage: secret, authorization: formatCredential({ token, preimage: secret }) }
}
