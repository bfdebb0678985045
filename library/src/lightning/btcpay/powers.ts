import type { WalletPowers } from '../index.ts'

/** What each permission brings along, of those that matter here. */
const broughtAlong: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'unrestricted',
    ['btcpay.server.canmodifyserversettings', 'btcpay.store.canmodifystoresettings'],
  ],
  [
    'btcpay.server.canmodifyserversettings',
    ['btcpay.server.canuseinternallightningnode', 'btcpay.server.canmanageusers'],
  ],
  [
    'btcpay.store.canmodifystoresettings',
    [
      'btcpay.store.canuselightningnode',
      'btcpay.store.canmodifyinvoices',
      'btcpay.store.canmanagepayouts',
      'btcpay.store.canmanagepullpayments',
    ],
  ],
  ['btcpay.store.canmodifyinvoices', ['btcpay.store.cancreatelightninginvoice']],
  ['btcpay.store.canmanagepullpayments', ['btcpay.store.cancreatepullpayments']],
  [
    'btcpay.store.canuselightningnode',
    ['btcpay.store.canviewlightninginvoice', 'btcpay.store.cancreatelightninginvoice'],
  ],
])

/** What goes beyond paying and being paid, for people. */
const beyond: readonly (readonly [permission: string, sentence: string])[] = [
  ['btcpay.store.canuselightningnode', 'open channels'],
  ['btcpay.store.canmanagepayouts', 'approve payouts'],
  ['btcpay.store.cancreatepullpayments', 'make pull payments, which others withdraw'],
  ['btcpay.store.canmanagewallettransactions', 'spend on chain'],
  ['btcpay.store.canmodifystoresettings', 'change the store'],
  ['btcpay.server.canuseinternallightningnode', 'use the node of the whole server'],
  ['btcpay.server.canmanageusers', 'manage the users of the server'],
  ['btcpay.server.canmodifyserversettings', 'change the server'],
  ['unrestricted', 'everything that its user may do'],
]

const nodeOfStore = 'btcpay.store.canuselightningnode'

/**
 * What lets money go beside the node of the store: payouts, which may be sent by themselves, the wallet on
 * chain, the node of the server, and whatever lets its holder give himself one of these.
 */
const spending: readonly string[] = [
  'btcpay.store.canmanagepayouts',
  'btcpay.store.cancreatepullpayments',
  'btcpay.store.canmanagewallettransactions',
  'btcpay.store.canmodifystoresettings',
  'btcpay.server.canuseinternallightningnode',
  'btcpay.server.canmanageusers',
  'btcpay.server.canmodifyserversettings',
]

/**
 * What the permissions of an API key let it do with one store. One that is paid there, and can spend in any
 * other way or place, spends: whoever gets it from a gateway can.
 *
 * @param permissions - As BTCPay tells them: `btcpay.store.canuselightningnode:<store>`, or without a
 *   store for all of its user's.
 * @param isNodeOthers - Whether BTCPay does not let it use the node of this store, which is the one of the
 *   whole server. Default false.
 */
export function powersOf(
  permissions: readonly string[],
  storeId: string,
  isNodeOthers = false,
): WalletPowers {
  const here = new Set<string>()
  const elsewhere = new Set<string>()
  for (const permission of permissions) {
    const [policy = '', scope] = permission.split(':')
    const name = policy.toLowerCase()
    const isOfStores = name.startsWith('btcpay.store.') || name === 'unrestricted'
    if (scope === undefined || scope === storeId) hold(here, name)
    if (scope === undefined ? isOfStores : scope !== storeId) hold(elsewhere, name)
  }
  const receives =
    here.has('btcpay.store.cancreatelightninginvoice') &&
    here.has('btcpay.store.canviewlightninginvoice')
  const spendsOtherwise =
    elsewhere.has(nodeOfStore) || spending.some((name) => here.has(name) || elsewhere.has(name))
  return {
    receive: receives,
    spend: (here.has(nodeOfStore) && !isNodeOthers) || (receives && spendsOtherwise),
    beyond: [
      ...beyond.filter(([permission]) => here.has(permission)).map(([, sentence]) => sentence),
      ...(elsewhere.size > 0 ? ['the same in other stores'] : []),
    ],
  }
}

/** Whether a key may use the node of a store, where BTCPay lets it. */
export function mayUseNode(permissions: readonly string[], storeId: string): boolean {
  const here = new Set<string>()
  for (const permission of permissions) {
    const [policy = '', scope] = permission.split(':')
    if (scope === undefined || scope === storeId) hold(here, policy.toLowerCase())
  }
  return here.has(nodeOfStore)
}

/** A permission, with what it brings along. */
function hold(held: Set<string>, name: string): void {
  if (held.has(name)) return
  held.add(name)
  for (const one of broughtAlong.get(name) ?? []) hold(held, one)
}
