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

/**
 * What the permissions of an API key let it do with one store.
 *
 * @param permissions - As BTCPay tells them: `btcpay.store.canuselightningnode:<store>`, or without a
 *   store for all of its user's.
 */
export function powersOf(permissions: readonly string[], storeId: string): WalletPowers {
  const held = new Set<string>()
  const hold = (policy: string): void => {
    if (held.has(policy)) return
    held.add(policy)
    for (const one of broughtAlong.get(policy) ?? []) hold(one)
  }
  let isWide = false
  let hasOthers = false
  for (const permission of permissions) {
    const [policy = '', scope] = permission.split(':')
    if (scope !== undefined && scope !== storeId) {
      hasOthers = true
      continue
    }
    if (scope === undefined && /^btcpay\.store\./i.test(policy)) isWide = true
    hold(policy.toLowerCase())
  }
  const allows = (name: string): boolean => held.has(`btcpay.store.${name}`)
  return {
    receive: allows('cancreatelightninginvoice') && allows('canviewlightninginvoice'),
    spend: allows('canuselightningnode'),
    beyond: [
      ...beyond.filter(([permission]) => held.has(permission)).map(([, sentence]) => sentence),
      ...(isWide || hasOthers ? ['the same in other stores'] : []),
    ],
  }
}
