import type { WalletPowers } from '../index.ts'
import type { Rune } from './rune.ts'
import { allows } from './rune.ts'

/** What a command lets its caller do beyond paying and being paid. */
type Power = {
  /** For people. */
  readonly name: string
  /** Whether money can leave by it, here or at the end of it. */
  readonly spends: boolean
  readonly methods: readonly string[]
}

const pays = [
  'xpay',
  'pay',
  'keysend',
  'sendpay',
  'sendonion',
  'injectpaymentonion',
  'renepay',
  // It has the node pay whoever sends an invoice for it.
  'invoicerequest',
]

const powers: readonly Power[] = [
  {
    name: 'withdraw on chain',
    spends: true,
    methods: [
      'withdraw',
      'multiwithdraw',
      'txprepare',
      'txsend',
      'sendpsbt',
      'signpsbt',
      'upgradewallet',
    ],
  },
  {
    name: 'open channels',
    spends: true,
    methods: [
      'fundchannel',
      'multifundchannel',
      'fundchannel_start',
      'fundchannel_complete',
      'openchannel_init',
      'openchannel_update',
      'openchannel_signed',
      'openchannel_bump',
    ],
  },
  {
    name: 'close channels',
    spends: true,
    methods: [
      'close',
      'splicein',
      'spliceout',
      'splice_init',
      'splice_update',
      'splice_signed',
      'dev-splice',
    ],
  },
  { name: 'change channels', spends: false, methods: ['setchannel', 'setchannelfee'] },
  {
    // Before v26 a rune that may make runes may make one that allows everything.
    name: 'make and show runes',
    spends: true,
    methods: ['createrune', 'invokerune', 'commando-rune', 'showrunes', 'commando-listrunes'],
  },
  { name: 'run programs on its machine', spends: true, methods: ['plugin', 'setconfig'] },
  { name: 'read its secrets', spends: true, methods: ['makesecret', 'exposesecret'] },
  {
    name: 'use the key of the node',
    spends: false,
    methods: ['signmessage', 'signinvoice', 'getsharedsecret'],
  },
  {
    name: 'delete payments and invoices',
    spends: false,
    methods: ['delpay', 'delinvoice', 'delexpiredinvoice', 'autoclean-once'],
  },
  {
    name: 'see its balances, channels and payments',
    spends: false,
    methods: ['listfunds', 'listpeerchannels', 'listpeers', 'listsendpays', 'listforwards'],
  },
  { name: 'stop it', spends: false, methods: ['stop'] },
]

/** No command of any version: what allows it allows everything that it does not name. */
const noSuchMethod = 'satway-asks-what-is-not-named'

/** A socket has no restrictions: who may open it may do everything. */
export const allPowers: WalletPowers = { receive: true, spend: true, beyond: ['everything'] }

/**
 * What a rune lets its holder do, from its own text. Money that can go later counts as well.
 *
 * @param nowSeconds - A rune that has expired allows nothing.
 */
export function powersOf(rune: Rune, nowSeconds: number): WalletPowers {
  const mayCall = (method: string): boolean | undefined => allows(rune, method, nowSeconds, 'ever')
  const mayCallNow = (method: string): boolean | undefined => allows(rune, method, nowSeconds)
  const isUnnamed = mayCall(noSuchMethod) === true
  const beyond = powers.filter(({ methods }) => any(methods.map(mayCall)) !== false)
  if (isUnnamed && beyond.length === powers.length && mayCall('pay') === true) return allPowers

  const spending = [...pays, ...beyond.flatMap((power) => (power.spends ? power.methods : []))]
  return {
    // Who cannot ask whether it was paid sells nothing.
    receive: all(['invoice', 'listinvoices'].map(mayCallNow)),
    // Among what it does not name there may be commands that spend.
    spend: any([...spending.map(mayCall), isUnnamed ? undefined : false]),
    beyond: [
      ...beyond.map(({ name }) => name),
      ...(isUnnamed ? ['every command that it does not name'] : []),
    ],
  }
}

function all(answers: readonly (boolean | undefined)[]): boolean | undefined {
  if (answers.includes(false)) return false
  return answers.includes(undefined) ? undefined : true
}

function any(answers: readonly (boolean | undefined)[]): boolean | undefined {
  if (answers.includes(true)) return true
  return answers.includes(undefined) ? undefined : false
}
