import type { WalletPowers } from '../index.ts'
import type { Permission } from './permissions.ts'

/** One call of lnd's interface. */
export type Call = {
  /** As in `uri:` permissions. */
  readonly uri: string
  /** What allows it beside its URI. */
  readonly entity: string
  readonly action: string
}

const lightning = (name: string, entity: string, action: string): Call => ({
  uri: `/lnrpc.Lightning/${name}`,
  entity,
  action,
})
const router = (name: string, action: string): Call => ({
  uri: `/routerrpc.Router/${name}`,
  entity: 'offchain',
  action,
})

type CallName =
  | 'addInvoice'
  | 'lookupInvoice'
  | 'subscribeInvoices'
  | 'sendPayment'
  | 'trackPayment'
  | 'getInfo'
  | 'channelBalance'

/** The calls that this adapter makes. */
export const calls: Readonly<Record<CallName, Call>> = {
  addInvoice: lightning('AddInvoice', 'invoices', 'write'),
  lookupInvoice: lightning('LookupInvoice', 'invoices', 'read'),
  subscribeInvoices: lightning('SubscribeInvoices', 'invoices', 'read'),
  sendPayment: router('SendPaymentV2', 'write'),
  trackPayment: router('TrackPaymentV2', 'read'),
  getInfo: lightning('GetInfo', 'info', 'read'),
  channelBalance: lightning('ChannelBalance', 'offchain', 'read'),
}

/** What is needed to be paid, and to pay. */
const receiving = [calls.addInvoice, calls.lookupInvoice, calls.subscribeInvoices]
const paying = [calls.sendPayment, calls.trackPayment]

/** Entities whose `write` or `generate` moves money, directly or by making a macaroon that does. */
const spending: ReadonlySet<string> = new Set([
  'offchain:write',
  'onchain:write',
  'macaroon:generate',
  'macaroon:write',
  'signer:generate',
])

/** Permissions that are known not to move money out, and what each allows beyond the two roles. */
const harmless: Readonly<Record<string, string | undefined>> = {
  'offchain:read': 'read channels and payments',
  'onchain:read': 'read the wallet on chain',
  'address:read': 'read addresses',
  'address:write': 'make addresses',
  'info:read': 'read about the node',
  'info:write': 'stop the node',
  'peers:read': 'read peers',
  'peers:write': 'connect and disconnect peers',
  'invoices:read': 'read all invoices',
  'invoices:write': 'make, settle and cancel hold invoices',
  'message:read': 'verify messages',
  'message:write': 'sign messages',
  'macaroon:read': 'list macaroons',
  'signer:read': 'read keys of the signer',
}

/** What those that spend allow beyond paying. */
const dangers: Readonly<Record<string, string>> = {
  'offchain:write': 'change channels and delete payments',
  'onchain:write': 'send on chain',
  'macaroon:generate': 'make macaroons that allow anything',
  'macaroon:write': 'delete macaroons and change requests of others',
  'signer:generate': 'sign with the keys of the node',
}

/** Calls that cannot move money out: those that only read, and those that are about being paid. */
const harmlessCall =
  /\/(?:(?:List|Get|Lookup|Subscribe|Describe|Query|Estimate|Decode|Verify|Track|Check|Pending|Closed)\w*|(?:Channel|Wallet)Balance|FeeReport|ForwardingHistory|(?:Add|AddHold|Settle|Cancel)Invoice)$/
/** Calls that move money out, or help to. */
const spendingCall =
  /\/(?:Send(?:Payment|ToRoute|Coins|Many|Outputs)\w*|(?:Batch)?OpenChannel\w*|CloseChannel|AbandonChannel|RestoreChannelBackups|FundingStateStep|Bake(?:Super)?Macaroon|RegisterRPCMiddleware|(?:Fund|Sign|Finalize)Psbt|PublishTransaction|Bump\w*Fee|SignOutputRaw|ComputeInputScript|MuSig2\w+)$/

export function allows(permissions: readonly Permission[], call: Call): boolean {
  return permissions.some(
    ({ entity, action }) =>
      (entity === call.entity && action === call.action) ||
      (entity === 'uri' && action === call.uri),
  )
}

/** @param permissions - `undefined`: nobody can tell. */
export function powersOf(permissions: readonly Permission[] | undefined): WalletPowers {
  if (permissions === undefined) return { receive: undefined, spend: undefined, beyond: [] }
  const beyond = new Set<string>()
  for (const permission of permissions) {
    const more = beyondOf(permission)
    if (more !== undefined) beyond.add(more)
  }
  return {
    receive: receiving.every((call) => allows(permissions, call)),
    spend: spends(permissions),
    beyond: [...beyond],
  }
}

/** What a macaroon lacks for a role of which it has the first call. `undefined`: nothing. */
export function lackOf(permissions: readonly Permission[] | undefined): string | undefined {
  if (permissions === undefined) return undefined
  for (const [role, [first, ...others]] of [
    ['is paid', receiving],
    ['pays', paying],
  ] as const) {
    if (first === undefined || !allows(permissions, first)) continue
    const missing = others.filter((call) => !allows(permissions, call))
    if (missing.length === 0) continue
    const uris = missing.map(({ uri }) => `uri:${uri}`).join(' ')
    return `its macaroon ${role}, and lacks what tells how that ended: bake one with ${uris} as well`
  }
  return undefined
}

function spends(permissions: readonly Permission[]): boolean | undefined {
  const each = permissions.map(spendsBy)
  if (each.includes(true)) return true
  return each.includes(undefined) ? undefined : false
}

function spendsBy({ entity, action }: Permission): boolean | undefined {
  const name = `${entity}:${action}`
  if (entity !== 'uri') return spending.has(name) || (name in harmless ? false : undefined)
  if (spendingCall.test(action)) return true
  return harmlessCall.test(action) ? false : undefined
}

function beyondOf({ entity, action }: Permission): string | undefined {
  if (entity !== 'uri') {
    const name = `${entity}:${action}`
    return (
      dangers[name] ?? harmless[name] ?? `use a permission that is not known here (${shown(name)})`
    )
  }
  const isNeeded = Object.values(calls).some(({ uri }) => uri === action)
  return isNeeded ? undefined : `call ${shown(action)}`
}

/** What stands in a macaroon, for people. */
function shown(text: string): string {
  return text.slice(0, 64).replace(/[^\x20-\x7e]/g, '?')
}
