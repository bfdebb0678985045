import {
  decodeHex,
  isL402Error,
  paymentHash,
  preimage,
  purchaseCaveats,
  readTerms,
  satToMsat,
} from 'satway'
import type { StoredToken } from 'satway/client'
import { decodeToken, mint, verify } from 'satway/macaroon'
import { UsageMistake } from '../cli/failure.ts'

// A server of this library reads a token with `readTerms`. So does this trial, over a token that is
// minted for it and thrown away: what it refuses, the server would refuse.

const trialKey = new Uint8Array(32)
const trialService = 'trial'
const trialPurchase = purchaseCaveats({
  service: trialService,
  tier: 0,
  capability: 'trial',
  validUntilSeconds: 99_999_999_999,
  amountMsat: satToMsat(1n),
})

const expected: Readonly<Record<string, string>> = {
  request_count: '`<=` and a whole number, 1 or more',
  max_requests: 'a whole number, 1 or more',
  spend_limit_sat: 'whole sat, 1 or more',
  max_amount_sats: 'whole sat, 1 or more',
  valid_until: 'seconds since 1970',
  exp: 'seconds since 1970',
  path: 'a path in plain form, such as /v1/x, or /v1/* for all below /v1',
  endpoint: 'a path in plain form, such as /v1/x, or /v1/* for all below /v1',
  method: 'a method, or several with commas between: GET,POST',
  ip: 'addresses or blocks with commas between: 203.0.113.7 or 2001:db8::/32',
  client_ip: 'addresses or blocks with commas between: 203.0.113.7 or 2001:db8::/32',
  did: '1 to 64 letters, digits, _ and -',
}

/**
 * Checks that conditions can be read, and that none of them allows more than the token or a condition
 * before it does. What no server of this library knows is not judged.
 *
 * @throws {UsageMistake} naming the condition; its value is not repeated.
 */
export function tryConditions(parent: StoredToken, caveats: readonly string[]): void {
  const alone = readBy(trialService, [...trialPurchase, ...caveats], parent)
  if (alone !== undefined) throw mistakeOf(alone)
  const service = parent.facts?.service
  const bought = textsOf(parent)
  if (service === undefined || bought === undefined) return
  const together = readBy(service, [...bought, ...caveats], parent)
  // What the parent itself says may be of another server's making: only widening is judged.
  if (together?.code === 'CAVEAT_WIDENS') throw mistakeOf(together)
}

type Refusal = { readonly code: string; readonly condition: string }

function readBy(
  service: string,
  caveats: readonly string[],
  parent: StoredToken,
): Refusal | undefined {
  try {
    const token = mint({ rootKey: trialKey, identifier: trialKey, caveats })
    readTerms(verify(token, trialKey), {
      service,
      paymentHash: paymentHash(decodeHex(parent.paymentHash)),
      preimage: preimage(decodeHex(parent.preimage)),
      unknownCaveats: 'skip',
    })
    return undefined
  } catch (error) {
    if (error instanceof RangeError) return { code: 'TOO_MANY', condition: '' }
    if (!isL402Error(error)) throw error
    return { code: error.code, condition: String(error.details['condition'] ?? '') }
  }
}

function textsOf(parent: StoredToken): readonly string[] | undefined {
  try {
    const { unverifiedCaveats } = decodeToken(parent.token)
    return unverifiedCaveats.map(({ identifier }) => new TextDecoder().decode(identifier))
  } catch (error) {
    if (isL402Error(error)) return undefined
    throw error
  }
}

function mistakeOf({ code, condition }: Refusal): UsageMistake {
  if (code === 'TOO_MANY') {
    return new UsageMistake('there are too many conditions, or one is longer than 256 bytes')
  }
  if (code === 'CAVEAT_WIDENS') {
    return new UsageMistake(
      `${condition} would allow more than the token or an earlier condition does: the server would refuse the copy`,
    )
  }
  if (condition === '') {
    return new UsageMistake('a condition is not of the form condition=value')
  }
  const form = expected[condition]
  return new UsageMistake(
    form === undefined
      ? `${condition} has a value of another form than spec/caveats.md says`
      : `${condition}: expected ${form}`,
  )
}
