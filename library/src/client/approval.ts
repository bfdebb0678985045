import { printable } from '../amount/index.ts'
import type { Hop } from './call.ts'
import type { CheckedChallenge } from './check-challenge.ts'
import { plainUrl } from './host.ts'
import type { PaymentIntent } from './ledger.ts'
import { orAborted } from './locks.ts'
import type { Policy, Proposal } from './policy.ts'
import { cut, refuse } from './refusal.ts'

/**
 * Asks whoever the policy names, if anybody.
 *
 * @returns Who decided: the limits alone, or somebody who was asked as well.
 * @throws {L402Error} POLICY_REFUSED `declined` for every answer but `true`.
 * @spec client.md R-PAY-23
 */
export async function askApproval(
  { approve }: Policy,
  checked: CheckedChallenge,
  hop: Hop,
  signal: AbortSignal | undefined,
): Promise<PaymentIntent['decidedBy']> {
  if (approve === undefined) return 'policy'
  const ask = async (): Promise<boolean> => {
    try {
      return await approve(proposalFor(checked, hop), signal)
    } catch (cause) {
      throw refuse('declined', {}, cause)
    }
  }
  if ((await orAborted(ask(), signal)) !== true) throw refuse('declined')
  return 'approval'
}

function proposalFor(checked: CheckedChallenge, hop: Hop): Proposal {
  const { amountMsat, maxFeeMsat, payee, paymentHash, facts, invoice } = checked
  return printable({
    method: hop.method,
    url: plainUrl(hop.url),
    amountMsat,
    maxFeeMsat,
    payee,
    paymentHash,
    description: cut(invoice.description ?? ''),
    capability: facts?.capability,
  })
}
