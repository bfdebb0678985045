import { encodeUtf8 } from '../bytes/index.ts'
import { L402Error } from '../errors.ts'
import { Issuance } from './issuance.ts'
import type { ChargeOptions, IssuanceOptions, PaywallOptions } from './paywall.ts'
import { readPrice } from './price.ts'

/** Sentences of the form `path: what was expected`. */
export type Mistakes = readonly string[]

/** What each option must be. An option that is not here is a mistake too. */
type Rules<Options> = {
  readonly [Name in keyof Options]-?: (value: unknown) => string | undefined
}

const paywallRules: Rules<PaywallOptions> = {
  service: matches(
    /^[a-z][a-z0-9-]{0,31}$/,
    'a lower-case letter, then lower-case letters, digits or -, at most 32 in all, for example weather',
  ),
  payee: isPayee,
  keys: isPort('rootKey'),
  uses: optional(isPort('reserve', 'commit', 'release')),
  denyList: optional(isPort('isDenied')),
  now: optional(isFunction),
  random: optional(isFunction),
  cors: optional(oneOf(true, false)),
  invalidCredential: optional(oneOf(401, 402)),
  legacyLsat: optional(oneOf('off', 'after', 'first')),
  unknownCaveats: optional(oneOf('refuse', 'skip')),
  priceGracePercent: optional(number(0, 100)),
  challengeSeconds: optional(whole(30, 86_400)),
  storeTimeoutMs: optional(whole(1, 600_000)),
  issuance: optional(isObject),
  dryRun: optional(oneOf(true, false)),
  on: optional(isObject),
}

const issuanceRules: Rules<IssuanceOptions> = {
  burst: optional(whole(1, 1_000_000)),
  perMinute: optional(number(0.01, 1_000_000)),
  globalBurst: optional(whole(1, 1_000_000)),
  globalPerMinute: optional(number(0.01, 1_000_000)),
  concurrent: optional(whole(1, 10_000)),
  queue: optional(whole(0, 100_000)),
  timeoutMs: optional(whole(1, 600_000)),
}

const listenerRules: Rules<NonNullable<PaywallOptions['on']>> = {
  challenge: optional(isFunction),
  admitted: optional(isFunction),
  refused: optional(isFunction),
  settled: optional(isFunction),
  failure: optional(isFunction),
}

const chargeRules: Rules<ChargeOptions> = {
  price: isPrice,
  capability: matches(
    /^[a-z0-9][a-z0-9.-]{0,63}$/,
    'lower-case letters, digits, . or -, the first a letter or digit, at most 64, for example forecast',
  ),
  tier: optional(whole(0, 255)),
  uses: optional(whole(1, 1_000_000_000)),
  lifetimeSeconds: optional(whole(1, 31_536_000)),
  description: optional(isDescription),
  allowance: optional(isFunction),
}

/** @throws {L402Error} CONFIG_INVALID with every mistake. */
export function checkPaywallOptions(options: PaywallOptions): void {
  if (isObject(options) !== undefined) failOn(['options: expected { service, payee, keys }'])
  const { issuance, on } = options
  failOn([
    ...findMistakes(options, paywallRules, ''),
    ...(isObject(issuance) === undefined && !(issuance instanceof Issuance)
      ? findMistakes(issuance ?? {}, issuanceRules, 'issuance.')
      : []),
    ...(isObject(on) === undefined ? findMistakes(on ?? {}, listenerRules, 'on.') : []),
  ])
}

/** @throws {L402Error} CONFIG_INVALID with every mistake. */
export function checkIssuanceOptions(options: IssuanceOptions): void {
  if (isObject(options) !== undefined) failOn(['options: expected an object'])
  failOn(findMistakes(options, issuanceRules, ''))
}

export function findChargeMistakes(options: ChargeOptions): Mistakes {
  if (isObject(options) !== undefined) {
    return ["options: expected { price: '10 sat', capability: 'forecast' }, or more than that"]
  }
  return findMistakes(options, chargeRules, '')
}

/** @throws {L402Error} CONFIG_INVALID whose details are the mistakes, numbered from 1. */
export function failOn(mistakes: Mistakes): void {
  if (mistakes.length === 0) return
  const numbered = mistakes.map((mistake, index) => [String(index + 1), mistake])
  throw new L402Error('CONFIG_INVALID', Object.fromEntries(numbered))
}

/** The mistakes of a CONFIG_INVALID, as they were given to {@link failOn}. */
export function mistakesOf(error: L402Error): Mistakes {
  return Object.values(error.details).map(String)
}

function findMistakes<Options extends object>(
  options: Options,
  rules: Rules<Options>,
  path: string,
): Mistakes {
  const known = Object.entries<(value: unknown) => string | undefined>(rules)
  const values = new Map<string, unknown>(Object.entries(options))
  const wrong = known.flatMap(([name, rule]) => {
    const expected = rule(values.get(name))
    return expected === undefined ? [] : [`${path}${name}: expected ${expected}`]
  })
  const unknown = [...values.keys()].filter((name) => !Object.hasOwn(rules, name))
  return [...wrong, ...unknown.map((name) => `${path}${name.slice(0, 64)}: is not an option`)]
}

type Rule = (value: unknown) => string | undefined

function optional(rule: Rule): Rule {
  return (value) => (value === undefined ? undefined : rule(value))
}

function matches(pattern: RegExp, expected: string): Rule {
  return (value) => (typeof value === 'string' && pattern.test(value) ? undefined : expected)
}

function oneOf(...values: readonly unknown[]): Rule {
  return (value) => (values.includes(value) ? undefined : values.map(String).join(' or '))
}

function whole(least: number, most: number): Rule {
  return (value) =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most
      ? undefined
      : `a whole number from ${least} to ${most}`
}

function number(least: number, most: number): Rule {
  return (value) =>
    typeof value === 'number' && value >= least && value <= most
      ? undefined
      : `a number from ${least} to ${most}`
}

function isFunction(value: unknown): string | undefined {
  return typeof value === 'function' ? undefined : 'a function'
}

function isObject(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? undefined : 'an object'
}

function isPort(...methods: readonly string[]): Rule {
  return (value) => {
    const port = typeof value === 'object' && value !== null ? value : {}
    const missing = methods.filter((method) => typeof Reflect.get(port, method) !== 'function')
    return missing.length === 0 ? undefined : `an object with ${missing.join(', ')}`
  }
}

const hasPayeeMethods = isPort('createInvoice', 'lookupInvoice', 'settlements')

/** Without a network, no invoice of it would be found to be for the right one. */
function isPayee(value: unknown): string | undefined {
  const wrong = hasPayeeMethods(value)
  if (wrong !== undefined) return wrong
  const network: unknown = Reflect.get(Object(value), 'network')
  return typeof network === 'string' ? undefined : "an object with network, such as 'bitcoin'"
}

function isPrice(value: unknown): string | undefined {
  if (typeof value === 'function') return undefined
  try {
    readPrice(value)
    return undefined
  } catch (error) {
    return error instanceof RangeError ? error.message.replace(/^expected /, '') : 'an amount'
  }
}

function isDescription(value: unknown): string | undefined {
  const good =
    typeof value === 'string' && !/[\x00-\x1f\x7f]/.test(value) && encodeUtf8(value).length <= 639
  return good ? undefined : 'text of at most 639 bytes without control characters'
}
