import type { Msat } from '../amount/index.ts'
import { isL402Error, L402Error } from '../errors.ts'
import type { Amount } from './policy.ts'
import { expectedAmount, toMsat } from './policy.ts'
import { mostRedirects } from './redirect.ts'

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
  /**
   * The URL was chosen by somebody who is not trusted, such as a model: it must not lead to this
   * machine or a private network, by its text or by DNS, unless `policy.allowPrivateHosts` names
   * the host. Default false.
   */
  readonly untrustedUrl?: boolean
  /** How many redirects are followed: a whole number from 0 to 20. One more is an error. Default 20. */
  readonly maxRedirects?: number
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
  readonly maxRedirects: number
  readonly untrustedUrl: boolean
  readonly pay: boolean
  readonly replaceAuthorization: boolean
}

const keys: ReadonlySet<string> = new Set<keyof CallLimitOptions>([
  'maxCostMsat',
  'maxFeeMsat',
  'expectedPriceMsat',
  'maxRedirects',
  'untrustedUrl',
  'pay',
  'replaceAuthorization',
])

/**
 * Reads the limits of one call. A misspelt limit is a mistake, not an absent limit.
 *
 * @throws {TypeError} for a name that is not a limit, or a value of another kind.
 * @throws {RangeError} for a bigint that is negative or more than there is, and for a number of
 *   redirects outside its range.
 * @throws {L402Error} AMOUNT_MALFORMED for text that is not an amount; `details.option` names it.
 */
export function readCallLimits(options: CallLimitOptions = {}): CallLimits {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError("l402: expected an object, such as { maxCostMsat: '10 sat' }")
  }
  for (const key of Object.keys(options)) {
    if (!keys.has(key)) throw new TypeError(`l402.${key.slice(0, 64)}: is not an option`)
  }
  const { pay = true, replaceAuthorization = false, untrustedUrl = false } = options
  for (const [name, value] of Object.entries({ pay, replaceAuthorization, untrustedUrl })) {
    if (typeof value !== 'boolean') throw new TypeError(`l402.${name}: expected true or false`)
  }
  const { maxRedirects = mostRedirects } = options
  if (typeof maxRedirects !== 'number') throw new TypeError('l402.maxRedirects: expected a number')
  if (!Number.isInteger(maxRedirects) || maxRedirects < 0 || maxRedirects > mostRedirects) {
    throw new RangeError(`l402.maxRedirects: expected a whole number from 0 to ${mostRedirects}`)
  }
  return {
    maxCostMsat: readAmount(options, 'maxCostMsat'),
    maxFeeMsat: readAmount(options, 'maxFeeMsat'),
    expectedPriceMsat: readAmount(options, 'expectedPriceMsat'),
    maxRedirects,
    untrustedUrl,
    pay,
    replaceAuthorization,
  }
}

function readAmount(
  options: CallLimitOptions,
  name: 'maxCostMsat' | 'maxFeeMsat' | 'expectedPriceMsat',
): Msat | undefined {
  const amount = options[name]
  if (amount === undefined) return undefined
  const option = `l402.${name}`
  try {
    return toMsat(amount)
  } catch (cause) {
    if (isL402Error(cause)) throw new L402Error(cause.code, { option, ...cause.details }, cause)
    if (cause instanceof RangeError) throw new RangeError(`${option}: ${cause.message}`, { cause })
    throw new TypeError(`${option}: ${expectedAmount}`, { cause })
  }
}
