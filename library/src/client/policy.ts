import type { Msat } from '../amount/index.ts'
import { msat, parseAmount } from '../amount/index.ts'
import type { HostPattern } from './host.ts'
import { parseHostPattern } from './host.ts'

/** Msat, or text with a unit: `'10 sat'`. */
export type Amount = Msat | string

/** What a person or a program is asked before a payment that the policy allows. */
export type Proposal = {
  readonly method: string
  /** Without user name, password and fragment. */
  readonly url: string
  readonly amountMsat: Msat
  /** The most that the route may take on top. */
  readonly maxFeeMsat: Msat
  /** The public key that signed the invoice, 66 hex digits. */
  readonly payee: string
  /** 64 hex digits. */
  readonly paymentHash: string
  /** The payee's words, at most 64 characters: untrusted text. */
  readonly description: string
  /** What is sold, as the token says; unverified, `undefined` when the token cannot be read. */
  readonly capability: string | undefined
}

/**
 * What may be paid. Belongs to the operator: nothing that a call says can widen it.
 *
 * The names end in `Msat` because that is what is kept and compared, and what a bigint means here;
 * text says its own unit, so `'100 sat'` is 100 000 msat.
 *
 * @spec client.md R-PAY-20 to R-PAY-26
 */
export type PolicyOptions = {
  /** The most that one payment may cost, fee included. */
  readonly maxPaymentMsat: Amount
  /** The most that may be spent in all, fees included, for as long as the ledger remembers. */
  readonly maxTotalMsat: Amount
  /** The most that a route may take. Default: the larger of 5 sat and 1 % of the invoice. */
  readonly maxFeeMsat?: Amount
  /** In any 3600 seconds, fees included. Default: no limit of its own. */
  readonly perHourMsat?: Amount
  /** In any 86 400 seconds, fees included. Default: no limit of its own. */
  readonly perDayMsat?: Amount
  /** At one host name in all, fees included. Default: no limit of its own. */
  readonly perHostMsat?: Amount
  /** Hosts that may be paid: `api.example.com`, `*.example.com`, `localhost:8080`. Default: all. */
  readonly allowHosts?: readonly string[]
  /** Hosts that may not; wins over `allowHosts`. */
  readonly denyHosts?: readonly string[]
  /**
   * Public keys that may be paid, 66 hex digits each. Default: all.
   *
   * The one defence of a first purchase against a relay: a server may pass on the challenge of
   * another, let the client pay that one's invoice, and use the credential there itself. Nothing in
   * a challenge says which origin it is for; the key that signed its invoice does, for who knows it.
   */
  readonly payees?: readonly string[]
  /** Hosts where plain http is good enough. Loopback and `.onion` always are. Default: none. */
  readonly allowHttp?: readonly string[]
  /**
   * Hosts on this machine or in a private network to which a public host may redirect a request.
   * Default: none. A name that DNS leads there is not recognised.
   */
  readonly allowPrivateRedirects?: readonly string[]
  /** Whether a token whose payment hash cannot be read may be paid for. Default true. */
  readonly allowOpaqueTokens?: boolean
  /** Asked last. Anything but `true` refuses. */
  readonly approve?: (proposal: Proposal, signal?: AbortSignal) => boolean | Promise<boolean>
}

/** A policy that was read and found sound. */
export type Policy = {
  readonly maxPaymentMsat: Msat
  readonly maxTotalMsat: Msat
  readonly maxFeeMsat: Msat | undefined
  readonly perHourMsat: Msat | undefined
  readonly perDayMsat: Msat | undefined
  readonly perHostMsat: Msat | undefined
  readonly allowHosts: readonly HostPattern[] | undefined
  readonly denyHosts: readonly HostPattern[]
  readonly payees: ReadonlySet<string> | undefined
  readonly allowHttp: readonly HostPattern[]
  readonly allowPrivateRedirects: readonly HostPattern[]
  readonly allowOpaqueTokens: boolean
  readonly approve: PolicyOptions['approve']
}

const keys: ReadonlySet<string> = new Set<keyof PolicyOptions>([
  'maxPaymentMsat',
  'maxTotalMsat',
  'maxFeeMsat',
  'perHourMsat',
  'perDayMsat',
  'perHostMsat',
  'allowHosts',
  'denyHosts',
  'payees',
  'allowHttp',
  'allowPrivateRedirects',
  'allowOpaqueTokens',
  'approve',
])

/**
 * Checks a policy. A broken policy pays nothing, so nothing is repaired here.
 *
 * @param mistakes - Gets what was expected, by the path of the option: `policy.maxPaymentMsat`.
 * @returns `undefined` when there are mistakes.
 * @spec client.md R-PAY-20
 */
export function readPolicy(
  given: PolicyOptions,
  mistakes: Record<string, string>,
): Policy | undefined {
  const before = Object.keys(mistakes).length
  if (typeof given !== 'object' || given === null) {
    mistakes['policy'] =
      "expected an object, such as { maxPaymentMsat: '100 sat', maxTotalMsat: '2000 sat' }"
    return undefined
  }
  for (const key of Object.keys(given)) {
    if (!keys.has(key)) mistakes[pathOf(key.slice(0, 64))] = 'is not an option'
  }
  const amount = (key: keyof PolicyOptions): Msat | undefined => readAmount(given, key, mistakes)
  const hosts = (key: keyof PolicyOptions): readonly HostPattern[] | undefined =>
    readList(given, key, mistakes, expectedHost, parseHostPattern)

  const maxPaymentMsat = amount('maxPaymentMsat')
  const maxTotalMsat = amount('maxTotalMsat')
  for (const key of ['maxPaymentMsat', 'maxTotalMsat'] as const) {
    if (given[key] === undefined) mistakes[pathOf(key)] = "required, such as '100 sat'"
  }
  const { allowOpaqueTokens = true, approve } = given
  if (typeof allowOpaqueTokens !== 'boolean') {
    mistakes[pathOf('allowOpaqueTokens')] = 'expected true or false'
  }
  if (approve !== undefined && typeof approve !== 'function') {
    mistakes[pathOf('approve')] = 'expected a function'
  }
  const payees = readList(given, 'payees', mistakes, 'expected 66 hex digits', parseNodeId)

  const policy = {
    maxFeeMsat: amount('maxFeeMsat'),
    perHourMsat: amount('perHourMsat'),
    perDayMsat: amount('perDayMsat'),
    perHostMsat: amount('perHostMsat'),
    allowHosts: hosts('allowHosts'),
    denyHosts: hosts('denyHosts') ?? [],
    payees: payees === undefined ? undefined : new Set(payees),
    allowHttp: hosts('allowHttp') ?? [],
    allowPrivateRedirects: hosts('allowPrivateRedirects') ?? [],
    allowOpaqueTokens,
    approve,
  }
  if (
    maxPaymentMsat === undefined ||
    maxTotalMsat === undefined ||
    Object.keys(mistakes).length > before
  ) {
    return undefined
  }
  return { ...policy, maxPaymentMsat, maxTotalMsat }
}

/**
 * Reads an amount that an operator or a caller wrote.
 *
 * @throws {L402Error} AMOUNT_MALFORMED for text that is not an amount.
 * @throws {TypeError} for anything but a bigint or text: a bare number has no unit.
 * @throws {RangeError} for a bigint that is negative or more than there is.
 */
export function toMsat(amount: Amount): Msat {
  if (typeof amount === 'string') return parseAmount(amount)
  return msat(amount)
}

export const expectedAmount =
  "expected an amount with its unit, such as '10 sat', or msat as a bigint"
const expectedHost = "expected a host, such as 'api.example.com', '*.example.com', 'localhost:8080'"

function pathOf(key: string): string {
  return `policy.${key}`
}

function readAmount(
  given: PolicyOptions,
  key: keyof PolicyOptions,
  mistakes: Record<string, string>,
): Msat | undefined {
  const value = given[key]
  if (value === undefined) return undefined
  try {
    return toMsat(value as Amount)
  } catch {
    mistakes[pathOf(key)] = expectedAmount
    return undefined
  }
}

function readList<Item>(
  given: PolicyOptions,
  key: keyof PolicyOptions,
  mistakes: Record<string, string>,
  expected: string,
  parse: (text: string) => Item | undefined,
): readonly Item[] | undefined {
  const value = given[key]
  if (value === undefined) return undefined
  if (!Array.isArray(value)) {
    mistakes[pathOf(key)] = 'expected a list'
    return undefined
  }
  const items: Item[] = []
  for (const [i, text] of value.entries()) {
    const item = typeof text === 'string' ? parse(text) : undefined
    if (item === undefined) mistakes[pathOf(`${key}[${i}]`)] = expected
    else items.push(item)
  }
  return items
}

function parseNodeId(text: string): string | undefined {
  return /^0[23][0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined
}
