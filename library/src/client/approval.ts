import { printable } from '../amount/index.ts'
import { digestBody } from './body.ts'
import { orAborted } from './locks.ts'
import type { Order } from './order.ts'
import { aboutOrder } from './order.ts'
import type { Approved, Policy, Proposal } from './policy.ts'
import { cut, refuse } from './refusal.ts'

/**
 * Asks whoever the policy names.
 *
 * @throws {L402Error} POLICY_REFUSED `approval-pending` while there is no answer, and `declined` for
 *   every other one but `true`.
 * @spec client.md R-PAY-23, R-PAY-83
 */
export async function askApproval(
  approve: NonNullable<Policy['approve']>,
  order: Order,
  askedBecause: Proposal['askedBecause'],
  signal: AbortSignal | undefined,
): Promise<void> {
  const ask = async (): Promise<Approved> => {
    try {
      return await approve(await proposalFor(order, askedBecause), signal)
    } catch (cause) {
      throw refuse('declined', aboutOrder(order), cause)
    }
  }
  const answer = await orAborted(ask(), signal)
  if (answer === true) return
  const approvalId = pendingIdIn(answer)
  if (approvalId === undefined) throw refuse('declined', aboutOrder(order))
  throw refuse('approval-pending', { ...aboutOrder(order), approvalId })
}

function pendingIdIn(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined
  const id: unknown = Reflect.get(answer, 'pendingId')
  return typeof id === 'string' && id !== '' ? cut(id) : undefined
}

async function proposalFor(
  { checked, purpose, capability, body }: Order,
  askedBecause: Proposal['askedBecause'],
): Promise<Proposal> {
  const { amountMsat, maxFeeMsat, payee, paymentHash, invoice } = checked
  const { origin, method, url } = purpose
  const digest = body === undefined ? undefined : await digestBody(body)
  return printable({
    askedBecause,
    origin,
    method,
    url,
    amountMsat,
    maxFeeMsat,
    payee,
    paymentHash,
    description: cut(invoice.description ?? ''),
    capability,
    bodySha256: digest?.sha256,
    bodyBytes: digest?.bytes,
  })
}
