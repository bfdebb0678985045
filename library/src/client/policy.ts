import type { Msat } from '../amount/index.ts'
import { msat, parseAmount } from '../amount/index.ts'
import type { Network } from '../invoice/index.ts'
import type { HostPattern } from './host.ts'
import { parseHostPattern } from './host.ts'
import type { Fields } from './policy-fields.ts'
import { fieldsOf } from './policy-fields.ts'

/** Msat, or text with a unit: `'10 sat'`. */
export type Amount = Msat | string

/** What a person or a program is asked before a payment that the policy allows. */
export type Proposal = {
  /** `always`: the policy asks about every payment. `amount`: it costs more than goes unasked. */
  readonly askedBecause: 'always' | 'amount' | 'new-host'
  /** Scheme, host and port of the server that asks; of a bare invoice `lightning:` and its payee. */
  readonly origin: string
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
  /** SHA-256 of the body that the request carries, 64 hex digits; `undefined`: it carries none. */
  readonly bodySha256: string | undefined
  /** How long that body is; `undefined`: there is none. */
  readonly bodyBytes: number | undefined
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
  /** Public keys that may not; wins over `payees`. */
  readonly denyPayees?: readonly string[]
  /** Networks on which may be paid, such as `['bitcoin']`. Default: the payer's. */
  readonly networks?: readonly Network[]
  /**
   * The first payment at a host: allowed, asked about, or refused. A host is new until a payment at
   * it settled; one that `allowHosts` names in full is not new. Default `allow`.
   */
  readonly newHosts?: 'allow' | 'ask' | 'deny'
  /**
   * Payments that cost no more than this, fee ceiling included, are not asked about. Default with
   * `approve`: every payment is.
   */
  readonly askAboveMsat?: Amount
  /** How much a host may owe before nothing more is paid there: R-PAY-45. From 1 to 100. Default 3. */
  readonly maxUndelivered?: number
  /** Whether `payInvoice` may pay. Default false. */
  readonly allowInvoices?: boolean
  /** Hosts where plain http is good enough. Loopback and `.onion` always are. Default: none. */
  readonly allowHttp?: readonly string[]
  /**
   * Hosts on this machine or in a private network that may be asked although a stranger chose the
   * URL: a public host that redirects there, or a call with `untrustedUrl`. Default: none.
   */
  readonly allowPrivateHosts?: readonly string[]
  /** Whether a token whose payment hash cannot be read may be paid for. Default true. */
  readonly allowOpaqueTokens?: boolean
  /**
   * Asked last, about what the limits allow. Anything but `true` refuses; `{ pendingId }` says that
   * somebody was asked who has not answered yet.
   */
  readonly approve?: (proposal: Proposal, signal?: AbortSignal) => Approved | Promise<Approved>
}

/** What {@link PolicyOptions.approve} answers. */
export type Approved = boolean | { readonly pendingId: string }

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
  readonly denyPayees: ReadonlySet<string>
  /** `undefined`: the payer's. */
  readonly networks: ReadonlySet<Network> | undefined
  readonly newHosts: NewHosts
  /** `undefined`: every payment is asked about, where there is somebody to ask. */
  readonly askAboveMsat: Msat | undefined
  readonly maxUndelivered: number
  readonly allowInvoices: boolean
  readonly allowHttp: readonly HostPattern[]
  readonly allowPrivateHosts: readonly HostPattern[]
  readonly allowOpaqueTokens: boolean
  readonly approve: PolicyOptions['approve']
}

type NewHosts = NonNullable<PolicyOptions['newHosts']>

const networks: ReadonlySet<string> = new Set<Network>([
  'bitcoin',
  'testnet',
  'signet',
  'regtest',
  'simnet',
])
const newHosts: ReadonlySet<string> = new Set<NewHosts>(['allow', 'ask', 'deny'])

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
  'denyPayees',
  'networks',
  'newHosts',
  'askAboveMsat',
  'maxUndelivered',
  'allowInvoices',
  'allowHttp',
  'allowPrivateHosts',
  'allowOpaqueTokens',
  'approve',
])

/** What is in force while the policy cannot be read: nothing is paid, nothing is excepted. */
export const strictestPolicy: Policy = {
  maxPaymentMsat: msat(0n),
  maxTotalMsat: msat(0n),
  maxFeeMsat: undefined,
  perHourMsat: undefined,
  perDayMsat: undefined,
  perHostMsat: undefined,
  allowHosts: [],
  denyHosts: [],
  payees: new Set(),
  denyPayees: new Set(),
  networks: new Set(),
  newHosts: 'deny',
  askAboveMsat: undefined,
  maxUndelivered: 1,
  allowInvoices: false,
  allowHttp: [],
  allowPrivateHosts: [],
  allowOpaqueTokens: false,
  approve: undefined,
}

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
  const fields = fieldsOf(given, 'policy', mistakes)
  fields.only(keys)
  fields.required(['maxPaymentMsat', 'maxTotalMsat'], "required, such as '100 sat'")
  const amount = (key: keyof PolicyOptions): Msat | undefined => readAmount(fields, key)
  const hosts = (key: keyof PolicyOptions): readonly HostPattern[] | undefined =>
    fields.list(key, expectedHost, parseHostPattern)
  const nodes = (key: keyof PolicyOptions): ReadonlySet<string> | undefined =>
    setOf(fields.list(key, 'expected 66 hex digits', parseNodeId))

  const maxPaymentMsat = amount('maxPaymentMsat')
  const maxTotalMsat = amount('maxTotalMsat')
  const policy = {
    maxFeeMsat: amount('maxFeeMsat'),
    perHourMsat: amount('perHourMsat'),
    perDayMsat: amount('perDayMsat'),
    perHostMsat: amount('perHostMsat'),
    allowHosts: hosts('allowHosts'),
    denyHosts: hosts('denyHosts') ?? [],
    payees: nodes('payees'),
    denyPayees: nodes('denyPayees') ?? new Set(),
    networks: setOf(fields.list('networks', expectedOneOf(networks), parseNetwork)),
    newHosts: fields.value('newHosts', isNewHosts, expectedOneOf(newHosts)) ?? 'allow',
    askAboveMsat: amount('askAboveMsat'),
    maxUndelivered: fields.value('maxUndelivered', isSmallCount, expectedSmallCount) ?? 3,
    allowInvoices: fields.value('allowInvoices', isBoolean, expectedBoolean) ?? false,
    allowHttp: hosts('allowHttp') ?? [],
    allowPrivateHosts: hosts('allowPrivateHosts') ?? [],
    allowOpaqueTokens: fields.value('allowOpaqueTokens', isBoolean, expectedBoolean) ?? true,
    approve: fields.value('approve', isApprove, 'expected a function'),
  }
  const asks = policy.newHosts === 'ask' ? 'newHosts' : 'askAboveMsat'
  if ((asks === 'newHosts' || policy.askAboveMsat !== undefined) && given.approve === undefined) {
    fields.mistake(asks, 'needs policy.approve: there is nobody to ask')
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
const expectedBoolean = 'expected true or false'
const expectedSmallCount = 'expected a whole number from 1 to 100'

function expectedOneOf(names: ReadonlySet<string>): string {
  return `expected one of ${[...names].join(', ')}`
}

function readAmount(fields: Fields, key: keyof PolicyOptions): Msat | undefined {
  return fields.parsed(key, expectedAmount, (value) => {
    try {
      return toMsat(value as Amount)
    } catch {
      return undefined
    }
  })
}

function setOf<Item>(items: readonly Item[] | undefined): ReadonlySet<Item> | undefined {
  return items === undefined ? undefined : new Set(items)
}

function parseNodeId(text: string): string | undefined {
  return /^0[23][0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined
}

function parseNetwork(text: string): Network | undefined {
  return networks.has(text) ? (text as Network) : undefined
}

function isNewHosts(value: unknown): value is NewHosts {
  return typeof value === 'string' && newHosts.has(value)
}

function isSmallCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 100
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function isApprove(value: unknown): value is NonNullable<PolicyOptions['approve']> {
  return typeof value === 'function'
}
