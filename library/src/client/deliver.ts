import type { Call, Hop } from './call.ts'
import { discard } from './challenge-hints.ts'
import type { Path } from './follow.ts'
import { noteAnswered } from './notes.ts'
import type { Purchase } from './outcome.ts'
import { describePurchase, notDelivered } from './outcome.ts'
import type { Parts } from './parts.ts'
import type { Held } from './present.ts'
import { present } from './present.ts'
import type { StoredToken } from './token-store.ts'
import { seeToItsEnd } from './whole-answer.ts'

/** What happened on the way of one call, over all its hops. */
export type Trail = Path & {
  /** What the call bought. At most one thing. */
  purchase: Purchase | undefined
  /** Whether a credential was sent on the way. */
  presented: boolean
  /** The token that the last request was accepted with. */
  opened: StoredToken | undefined
}

export function newTrail(call: Call, purchase?: Purchase): Trail {
  return { at: call.first, purchase, presented: false, downgraded: false, opened: undefined }
}

/**
 * Sends what was bought, once.
 *
 * @param resumed - Whether an earlier call began the payment.
 * @throws {L402Error} PAYMENT_NOT_DELIVERED when the server refuses it or cannot be reached.
 */
export async function deliver(
  parts: Parts,
  call: Call,
  hop: Hop,
  trail: Trail,
  held: Held,
  resumed: boolean,
): Promise<Response> {
  const { stored } = held
  trail.presented = true
  trail.purchase = describePurchase(stored, 'paid_not_delivered', resumed)
  let answer: Awaited<ReturnType<typeof present>>
  try {
    answer = await present(parts, call, hop, held, true)
  } catch (cause) {
    await noteAnswered(parts, stored, false, undefined)
    throw notDelivered(stored, undefined, cause)
  }
  const { verdict } = answer
  if (verdict === 'accepted') trail.purchase = describePurchase(stored, 'paid_delivered', resumed)
  const response = await seeToItsEnd(parts, call, trail, stored, answer, true)
  if (verdict !== 'refused') return response
  await discard(response)
  throw notDelivered(stored, response.status)
}
