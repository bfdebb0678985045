import type { L402Error } from '../errors.ts'
import type { BudgetLimits, Exceeded } from './ledger.ts'
import type { Order } from './order.ts'
import { aboutOrder } from './order.ts'
import { tooMuch } from './refusal.ts'

const limitOf: Readonly<
  Partial<Record<Exceeded['limit'], Exclude<keyof BudgetLimits, 'maxUndelivered'>>>
> = {
  total: 'maxTotalMsat',
  'per-host': 'perHostMsat',
  'per-day': 'perDayMsat',
  'per-hour': 'perHourMsat',
}

/**
 * A budget does not allow a payment: which one, how much it is, what is left of it, and what was to
 * be taken from it.
 *
 * @spec client.md R-PAY-29
 */
export function overBudget(
  { limit, leftMsat }: Exceeded,
  limits: BudgetLimits,
  order: Order,
): L402Error {
  const name = limitOf[limit]
  const limitMsat = name === undefined ? undefined : limits[name]
  return tooMuch(limit, {
    ...aboutOrder(order),
    maxFeeMsat: String(order.checked.maxFeeMsat),
    ...(limitMsat === undefined ? {} : { limitMsat: String(limitMsat) }),
    leftMsat: String(leftMsat),
  })
}
