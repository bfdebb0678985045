import type { Msat } from 'satway'
import { formatMsat, maxMsat } from 'satway'
import type { Row } from '../../cli/screen.ts'
import type { FilePolicy } from '../policy-rules.ts'

/** A policy in words, one row for each thing that it says or leaves open. */
export function policyRows(policy: FilePolicy): readonly Row[] {
  const { allowHttp = [], allowPrivateHosts = [] } = policy
  const rows: Row[] = [
    ['one payment', formatMsat(policy.maxPaymentMsat)],
    ['its fee', limit(policy.maxFeeMsat, 'the larger of 5 sat and 1 % of the price')],
    ['an hour', limit(policy.perHourMsat)],
    ['a day', limit(policy.perDayMsat)],
    ['one host', limit(policy.perHostMsat)],
    ['all of it', formatMsat(policy.maxTotalMsat)],
    ['asked about', asked(policy)],
    ['new hosts', newHosts[policy.newHosts ?? 'allow']],
    ['hosts', listed(policy.allowHosts, policy.denyHosts)],
    ['payees', listed(policy.payees, policy.denyPayees)],
    ['networks', policy.networks?.join(', ') ?? 'the wallet’s'],
    ['plain http', only('this machine and .onion', allowHttp)],
    ['private networks', only('only by URLs that you give yourself', allowPrivateHosts)],
    ['opaque tokens', policy.allowOpaqueTokens === false ? 'not paid for' : 'paid for'],
    ['bare invoices', policy.allowInvoices === true ? 'paid' : 'not paid'],
    ['undelivered', `stops a host at ${policy.maxUndelivered ?? 3}`],
  ]
  return rows
}

const newHosts: Readonly<Record<NonNullable<FilePolicy['newHosts']>, string>> = {
  allow: 'paid like any other',
  ask: 'asked about at the first payment',
  deny: 'not paid',
}

function limit(amountMsat: Msat | undefined, without = 'no limit of its own'): string {
  return amountMsat === undefined ? without : formatMsat(amountMsat)
}

function asked({ askAboveMsat }: FilePolicy): string {
  if (askAboveMsat === undefined || askAboveMsat === maxMsat) return 'nothing, for its price'
  return askAboveMsat === 0n ? 'everything' : `what costs more than ${formatMsat(askAboveMsat)}`
}

function listed(allow: readonly string[] | undefined, deny: readonly string[] = []): string {
  const not = deny.length === 0 ? '' : `, and not ${deny.join(', ')}`
  if (allow === undefined) return `all${not}`
  return allow.length === 0 ? 'none' : `only ${allow.join(', ')}${not}`
}

function only(usual: string, more: readonly string[]): string {
  return more.length === 0 ? usual : `${usual}, and ${more.join(', ')}`
}
