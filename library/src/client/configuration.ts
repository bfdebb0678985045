import { L402Error } from '../errors.ts'
import type { ClientOptions } from './client.ts'
import { readPolicy } from './policy.ts'
import type { PolicySource } from './policy-source.ts'
import { changingPolicy, fixedPolicy } from './policy-source.ts'

/** What was expected, by the path of the option. */
export type Mistakes = Record<string, string>

const defaultPaymentTimeoutMs = 60_000
/** The longest time that a timer can wait for. */
const maxTimeoutMs = 2_147_483_647
/** Of the name of a wallet. */
const maxIdLength = 128

const payerMethods = ['pay', 'lookupPayment']
const ledgerMethods = [
  'begin',
  'send',
  'record',
  'noteTokenStored',
  'abandon',
  'find',
  'unfinished',
  'list',
  'limitReached',
  'spending',
  'paidBefore',
]
const tokenMethods = ['put', 'mark', 'find', 'usable', 'countOwed', 'list']
const receiptMethods = ['note']

/** What each option must be, but for the policy; `undefined` when it is. */
const rules: Readonly<
  Record<Exclude<keyof ClientOptions, 'policy'>, (value: unknown) => string | undefined>
> = {
  payer: isPayer,
  ledger: (value) => lacks(value, ledgerMethods),
  tokens: (value) => lacks(value, tokenMethods),
  receipts: (value) => lacks(value, receiptMethods),
  fetch: isFunction,
  now: isFunction,
  paymentTimeoutMs: (value) =>
    typeof value === 'number' && value > 0 && value <= maxTimeoutMs
      ? undefined
      : `expected milliseconds, more than 0 and at most ${maxTimeoutMs}`,
}

/**
 * Checks everything that a client is made of. Nothing is repaired: a client that starts with a
 * misspelt wallet would find out at the first payment.
 *
 * @throws {L402Error} CONFIG_INVALID whose details name every mistake by its path.
 * @spec client.md R-PAY-20
 */
export function readOptions(options: ClientOptions): {
  readonly policy: PolicySource
  readonly paymentTimeoutMs: number
} {
  const mistakes: Mistakes = {}
  if (typeof options !== 'object' || options === null) {
    mistakes['options'] = 'expected { policy, payer }'
    throw new L402Error('CONFIG_INVALID', mistakes)
  }
  const values = new Map<string, unknown>(Object.entries(options))
  for (const name of values.keys()) {
    if (name !== 'policy' && !Object.hasOwn(rules, name)) {
      mistakes[name.slice(0, 64)] = 'is not an option'
    }
  }
  for (const [name, rule] of Object.entries(rules)) {
    const value = values.get(name)
    const wrong = value === undefined ? undefined : rule(value)
    if (wrong !== undefined) mistakes[name] = wrong
  }
  const policy = readSource(options.policy, mistakes)
  if (policy === undefined || Object.keys(mistakes).length > 0) {
    throw new L402Error('CONFIG_INVALID', mistakes)
  }
  return { policy, paymentTimeoutMs: options.paymentTimeoutMs ?? defaultPaymentTimeoutMs }
}

/** One that can change is asked when it is needed: it may be sound again by then. */
function readSource(given: ClientOptions['policy'], mistakes: Mistakes): PolicySource | undefined {
  if (typeof given === 'function') return changingPolicy(given)
  const policy = readPolicy(given, mistakes)
  return policy === undefined ? undefined : fixedPolicy(policy)
}

function isPayer(value: unknown): string | undefined {
  const wrong = lacks(value, payerMethods)
  if (wrong !== undefined) return wrong
  const { network, id, orderLagSeconds } = value as Readonly<Record<string, unknown>>
  if (typeof network !== 'string') return "expected an object with network, such as 'bitcoin'"
  const isId = id === undefined || (typeof id === 'string' && id !== '' && id.length <= maxIdLength)
  if (!isId) return `expected no id, or one of 1 to ${maxIdLength} characters`
  const isLag =
    orderLagSeconds === undefined || (typeof orderLagSeconds === 'number' && orderLagSeconds >= 0)
  return isLag ? undefined : 'expected no orderLagSeconds, or seconds'
}

function lacks(value: unknown, methods: readonly string[]): string | undefined {
  const port = typeof value === 'object' && value !== null ? value : {}
  const missing = methods.filter((method) => typeof Reflect.get(port, method) !== 'function')
  return missing.length === 0 ? undefined : `expected an object with ${missing.join(', ')}`
}

function isFunction(value: unknown): string | undefined {
  return typeof value === 'function' ? undefined : 'expected a function'
}
