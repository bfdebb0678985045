import type { Msat } from '../amount/index.ts'
import { msat } from '../amount/index.ts'
import { askApproval } from './approval.ts'
import type { BudgetLimits, PaymentIntent } from './ledger.ts'
import type { Order } from './order.ts'
import { aboutOrder } from './order.ts'
import { overBudget } from './over-budget.ts'
import type { Parts } from './parts.ts'
import type { Policy, Proposal } from './policy.ts'
import { refuse } from './refusal.ts'
import { storing } from './storing.ts'

/** An order that was allowed, and the limits under which it was. */
export type Decision = {
  readonly order: Order
  readonly limits: BudgetLimits
  readonly decidedBy: PaymentIntent['decidedBy']
}

/**
 * Decides about a payment: takes the policy as it is now, checks, looks at the limits, and asks
 * whoever is to be asked. What was asked about is checked once more afterwards, under the policy of
 * that moment, because an answer may take long.
 *
 * @param orderUnder - Checks everything that needs no memory under a policy, and says what is paid.
 * @param earlier - What was decided before about this purchase: nobody is asked twice.
 * @throws {L402Error} POLICY_REFUSED, BUDGET_EXCEEDED, STORE_UNAVAILABLE and what `orderUnder` throws.
 * @spec client.md R-PAY-23, R-PAY-80, R-PAY-82
 */
export async function decide(
  parts: Parts,
  origin: string,
  orderUnder: (policy: Policy) => Order,
  earlier: Decision | undefined,
  signal: AbortSignal | undefined,
): Promise<Decision> {
  let approved = earlier?.decidedBy === 'approval' ? earlier.order : undefined
  for (;;) {
    const policy = policyToPayBy(parts, origin)
    const order = orderUnder(policy)
    const question = await questionAbout(parts, policy, order)
    if (question === undefined) return { order, limits: policy, decidedBy: 'policy' }
    if (approved !== undefined && covers(approved, order)) {
      return { order, limits: policy, decidedBy: 'approval' }
    }
    await requireRoom(parts, policy, order)
    await askApproval(question.approve, order, question.askedBecause, signal)
    approved = order
  }
}

/**
 * The policy as it is now.
 *
 * @throws {L402Error} POLICY_REFUSED `policy` while there is none to go by.
 */
export function policyToPayBy(parts: Pick<Parts, 'policy'>, origin: string): Policy {
  const { policy, broken } = parts.policy()
  if (broken !== undefined) throw broken(origin)
  return policy
}

/** Whom to ask about an order, and why; `undefined`: nobody. */
type Question = {
  readonly approve: NonNullable<Policy['approve']>
  readonly askedBecause: Proposal['askedBecause']
}

/**
 * Whether somebody is to be asked about an order.
 *
 * @throws {L402Error} POLICY_REFUSED `new-host`.
 */
export async function questionAbout(
  { ledger }: Pick<Parts, 'ledger'>,
  { newHosts, askAboveMsat, approve }: Policy,
  order: Order,
): Promise<Question | undefined> {
  const { host } = order.purpose
  const isNew =
    newHosts !== 'allow' && !order.isNamed && !(await storing(() => ledger.paidBefore(host)))
  if (isNew && newHosts === 'deny') throw refuse('new-host', aboutOrder(order))
  if (approve === undefined) return undefined
  if (isNew) return { approve, askedBecause: 'new-host' }
  if (askAboveMsat === undefined) return { approve, askedBecause: 'always' }
  return costOf(order) > askAboveMsat ? { approve, askedBecause: 'amount' } : undefined
}

/**
 * Sets nothing aside: that is done with the intent, in one step.
 *
 * @throws {L402Error} BUDGET_EXCEEDED when a budget has no room for an order now.
 */
export async function requireRoom(
  { ledger, now }: Pick<Parts, 'ledger' | 'now'>,
  policy: Policy,
  order: Order,
): Promise<void> {
  const payment = { host: order.purpose.host, costMsat: costOf(order), nowSeconds: now() }
  const exceeded = await storing(() => ledger.limitReached(payment, policy))
  if (exceeded !== undefined) throw overBudget(exceeded, policy, order)
}

function costOf({ checked }: Order): Msat {
  return msat(checked.amountMsat + checked.maxFeeMsat)
}

/** Whether an answer about one order is good for another: the same thing, at no higher cost. */
function covers(approved: Order, order: Order): boolean {
  const { paymentHash } = approved.checked
  return paymentHash === order.checked.paymentHash && costOf(order) <= costOf(approved)
}
