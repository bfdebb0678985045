import type { Msat } from 'satway'
import { maxMsat, parseAmount } from 'satway'
import type { PolicyOptions } from 'satway/client'
import type { Rule } from './settings-rules.ts'
import {
  amount,
  exactly,
  flag,
  hostPattern,
  list,
  mapping,
  oneOf,
  publicKey,
  whole,
} from './settings-rules.ts'

export const networkNames = ['bitcoin', 'testnet', 'signet', 'regtest', 'simnet'] as const
export const newHostWords = ['allow', 'ask', 'deny'] as const

const hosts = list(hostPattern)
const keys = list(publicKey)

/**
 * Everything that a policy file may say. `policy-schema.ts` says the same as JSON Schema.
 *
 * @spec agent.md R-POL-2
 */
const policyMapping = mapping(
  {
    version: exactly(1),
    per_payment: amount,
    max_fee: amount,
    per_hour: amount,
    per_day: amount,
    per_host: amount,
    total: amount,
    auto_up_to: amount,
    new_hosts: oneOf(...newHostWords),
    hosts: mapping({ allow: hosts, deny: hosts }),
    payees: mapping({ allow: keys, deny: keys }),
    networks: list(oneOf(...networkNames), { least: 1 }),
    allow_http: hosts,
    allow_private: hosts,
    opaque_tokens: flag,
    invoices: flag,
    max_undelivered: whole(1, 100),
  },
  ['version', 'per_payment', 'total'],
)

/** What may be paid, as a file says it. `approve` is not a thing that a file can say. */
export type FilePolicy = Omit<PolicyOptions, 'approve' | PolicyAmountName> & {
  readonly [Name in PolicyAmountName]?: Msat
} & { readonly maxPaymentMsat: Msat; readonly maxTotalMsat: Msat }

type PolicyAmountName =
  | 'maxPaymentMsat'
  | 'maxTotalMsat'
  | 'maxFeeMsat'
  | 'perHourMsat'
  | 'perDayMsat'
  | 'perHostMsat'
  | 'askAboveMsat'

/** Reads what stands in a policy file. */
export const policyRule: Rule<FilePolicy> = (value, path, report) => {
  const file = policyMapping(value, path, report)
  if (file?.per_payment === undefined || file.total === undefined) return undefined
  const given = {
    maxFeeMsat: file.max_fee,
    perHourMsat: file.per_hour,
    perDayMsat: file.per_day,
    perHostMsat: file.per_host,
    // Without `auto_up_to` nothing is asked because of what it costs: R-POL-4.
    askAboveMsat: file.auto_up_to ?? (file.new_hosts === 'ask' ? maxMsat : undefined),
    newHosts: file.new_hosts,
    allowHosts: file.hosts?.allow,
    denyHosts: file.hosts?.deny,
    payees: file.payees?.allow,
    denyPayees: file.payees?.deny,
    networks: file.networks,
    allowHttp: file.allow_http,
    allowPrivateHosts: file.allow_private,
    allowOpaqueTokens: file.opaque_tokens,
    allowInvoices: file.invoices,
    maxUndelivered: file.max_undelivered,
  }
  const present = Object.entries(given).filter(([, member]) => member !== undefined)
  return {
    ...(Object.fromEntries(present) as Partial<FilePolicy>),
    maxPaymentMsat: file.per_payment,
    maxTotalMsat: file.total,
  }
}

/**
 * What is in force without a file: enough to try things out, little enough to lose.
 *
 * @spec agent.md R-POL-1
 */
export const builtInPolicy: FilePolicy = {
  maxPaymentMsat: parseAmount('1000 sat'),
  perHourMsat: parseAmount('5000 sat'),
  perDayMsat: parseAmount('20000 sat'),
  maxTotalMsat: parseAmount('100000 sat'),
  allowInvoices: false,
}
