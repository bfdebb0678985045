import type { WalletKind } from './wallet-uri.ts'

/** What a wallet is opened for: an agent pays, a gateway is paid. */
export type WalletRole = 'pay' | 'receive'

/** Tells which network the node is on, and little else. */
const lndAbout = 'uri:/lnrpc.Lightning/GetInfo'
const lndPay = [
  'uri:/routerrpc.Router/SendPaymentV2',
  'uri:/routerrpc.Router/TrackPaymentV2',
  lndAbout,
]
const lndReceive = [
  'uri:/lnrpc.Lightning/AddInvoice',
  'uri:/lnrpc.Lightning/LookupInvoice',
  'uri:/lnrpc.Lightning/SubscribeInvoices',
  lndAbout,
]
const clnPay = '[["method=xpay","method=pay","method=listpays","method=getinfo"],["rate=60"]]'
const clnReceive =
  '[["method=invoice","method=listinvoices","method=waitanyinvoice","method=getinfo"]]'
const bake = (file: string, permissions: readonly string[]): string =>
  `lncli bakemacaroon --save_to ${file} ${permissions.join(' ')} && chmod 600 ${file}`
const rune = (file: string, restrictions: string): string =>
  `lightning-cli createrune restrictions='${restrictions}' | jq -r .rune > ${file} && chmod 600 ${file}`

const nothingToDo = 'There is nothing to narrow.'

const table: Readonly<Record<WalletKind, Readonly<Record<WalletRole, string>>>> = {
  lnd: {
    pay: `Make a macaroon that pays, and nothing else: ${bake('pay.macaroon', lndPay)}`,
    receive: `Make a macaroon that is paid, and nothing else: ${bake('receive.macaroon', lndReceive)}`,
  },
  cln: {
    pay: `Make a rune that pays, and nothing else, and use it over clnrest (the socket allows everything): ${rune('pay.rune', clnPay)}`,
    receive: `Make a rune that is paid, and nothing else, and use it over clnrest (the socket allows everything): ${rune('receive.rune', clnReceive)}`,
  },
  phoenixd: {
    pay: 'phoenixd pays with http-password alone, which allows everything: give this agent a phoenixd of its own, with no more in it than it may lose.',
    receive:
      'Use http-password-limited-access of ~/.phoenix/phoenix.conf, which is paid and cannot spend.',
  },
  nwc: {
    pay: 'Make a connection of its own in the wallet that allows pay_invoice and lookup_invoice alone, with a budget.',
    receive:
      'Make a connection of its own in the wallet that allows make_invoice and lookup_invoice alone.',
  },
  lnbits: {
    pay: 'LNbits pays with the admin key alone: make a wallet of its own in LNbits, with no more in it than it may lose, and use its admin key.',
    receive:
      'Use the invoice/read key of the LNbits wallet, which is paid and cannot spend; not its admin key.',
  },
  btcpay: {
    pay: 'Make an API key for this store alone (Account, Manage Account, API Keys, Generate Key) with btcpay.store.canuselightningnode and nothing else. It opens channels too: BTCPay has none that only pays, so use a store whose node holds no more than may be lost.',
    receive:
      'Make an API key for this store alone (Account, Manage Account, API Keys, Generate Key) with btcpay.store.cancreatelightninginvoice and btcpay.store.canviewlightninginvoice and nothing else.',
  },
  charge: {
    pay: 'Lightning Charge is only paid: to pay, name another wallet.',
    receive: `Its API token is paid and cannot spend. ${nothingToDo}`,
  },
  lnurl: {
    pay: 'A Lightning Address is only paid: to pay, name another wallet.',
    receive: `It needs no credential. ${nothingToDo}`,
  },
  http: {
    pay: 'Use a token that pays and looks payments up, and does nothing else.',
    receive: 'A wallet that takes POST /payinvoice only pays: to be paid, name another wallet.',
  },
  devnet: {
    pay: `A wallet file of the embedded network pays, and does nothing else. ${nothingToDo}`,
    receive: 'A wallet file of the embedded network only pays: to be paid, write devnet.',
  },
}

/**
 * What to do so that a credential allows one role and nothing beside it: a sentence for people, with the
 * exact command where there is one.
 *
 * @spec wallets.md R-WAL-12
 */
export function leastPrivilege(kind: WalletKind, role: WalletRole): string {
  return table[kind][role]
}
