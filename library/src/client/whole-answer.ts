import type { Call } from './call.ts'
import type { Trail } from './deliver.ts'
import { noteAnswered } from './notes.ts'
import { describePurchase } from './outcome.ts'
import type { Parts } from './parts.ts'
import type { Answer } from './present.ts'
import { isRedirect } from './redirect.ts'
import { quietly } from './storing.ts'
import type { StoredToken } from './token-store.ts'
import { watchBody } from './watch-body.ts'

/**
 * Gives an answer to the caller, and sees to what is known of it once its body has ended: what was
 * bought is delivered when all of it has come, and owed when it broke off.
 *
 * @param isNoted - Whether receipts tell what became of it.
 * @spec client.md R-PAY-49, R-RCT-2
 */
export async function seeToItsEnd(
  parts: Parts,
  call: Call,
  trail: Trail,
  stored: StoredToken,
  { response, verdict, madeGood }: Answer,
  isNoted: boolean,
): Promise<Response> {
  const note = async (isDelivered: boolean): Promise<void> => {
    if (isNoted) await noteAnswered(parts, stored, isDelivered, response.status)
  }
  const isAccepted = verdict === 'accepted'
  // Nobody reads the body of a redirect.
  if (!isAccepted || response.body === null || isRedirect(response)) {
    await note(isAccepted)
    return response
  }
  if (!isNoted && !madeGood) return response
  return watchBody(response, {
    whole: () => note(true),
    broken: async () => {
      // Who hangs up has not been cheated.
      if (call.signal?.aborted === true) return
      const resumed = trail.purchase?.resumed ?? true
      trail.purchase = describePurchase(stored, 'paid_not_delivered', resumed)
      if (madeGood) {
        await quietly(parts.tokens.mark(stored.id, { kind: 'undelivered', accepted: true }))
      }
      await note(false)
    },
  })
}
