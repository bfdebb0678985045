import type { Msat } from '../amount/index.ts'
import type { Amount } from './policy.ts'
import { toMsat } from './policy.ts'

/**
 * What one call says about paying. Each of these narrows the policy; none can widen it.
 *
 * @spec client.md R-PAY-27, R-PAY-28
 */
export type CallLimitOptions = {
  /** The most that this call may cost, fee included. */
  readonly maxCostMsat?: Amount
  /** The most that the route may take. */
  readonly maxFeeMsat?: Amount
  /** The price that somebody named: an invoice above it is refused. */
  readonly expectedPriceMsat?: Amount
  /** `false`: never pay for this call. Stored tokens are still used. */
  readonly pay?: boolean
  /**
   * Whether an L402 credential may take the place of the `Authorization` header that the caller
   * set. Default false: such a request is sent as it is, and nothing is paid for it.
   */
  readonly replaceAuthorization?: boolean
}

/** The same, read. */
export type CallLimits = {
  readonly maxCostMsat: Msat | undefined
  readonly maxFeeMsat: Msat | undefined
  readonly expectedPriceMsat: Msat | undefined
  readonly pay: boolean
  readonly replaceAuthorization: boolean
}

const keys: ReadonlySet<string> = new Set<keyof CallLimitOptions>([
  'maxCostMsat',
  'maxFeeMsat',
  'expectedPriceMsat',
  'pay',
  'replaceAuthorization',
])

/**
 * Reads the limits of one call. A misspelt limit is a mistake, not an absent limit.
 *
 * @throws {TypeError} for a name that is not a limit, or a value of another kind.
 * @throws {L402Error} AMOUNT_MALFORMED for text that is not an amount.
 */
export function readCallLimits(options: CallLimitOptions = {}): CallLimits {
  for (const key of Object.keys(options)) {
    if (!keys.has(key)) throw new TypeError(`l402.${key.slice(0, 64)}: not an option of a call`)
  }
  const { pay = true, replaceAuthorization = false } = options
  if (typeof pay !== 'boolean') throw new TypeError('l402.pay: expected a boolean')
  if (typeof replaceAuthorization !== 'boolean') {
    throw new TypeError('l402.replaceAuthorization: expected a boolean')
  }
  return {
    maxCostMsat: optional(options.maxCostMsat),
    maxFeeMsat: optional(options.maxFeeMsat),
    expectedPriceMsat: optional(options.expectedPriceMsat),
    pay,
    replaceAuthorization,
  }
}

function optional(amount: Amount | undefined): Msat | undefined {
  return amount === undefined ? undefined : toMsat(amount)
}
