import type { Command } from './command.ts'

/** How wallets are named: of help pages. */
export const walletNames: Command['sections'][number] = {
  title: 'Wallets',
  rows: [
    ['lnd', 'lnd://HOST:8080?macaroon=file:/path&cert=file:/path'],
    [
      'Core Lightning',
      'cln://HOST:3010?rune=file:/path&cert=file:/path, or cln:///path/lightning-rpc',
    ],
    ['phoenixd', 'phoenixd://127.0.0.1:9740?password=file:/path'],
    ['Nostr Wallet Connect', 'nostr+walletconnect://PUBKEY?relay=wss://HOST&secret=file:/path'],
    ['LNbits', 'lnbits://HOST?key=file:/path'],
    ['BTCPay Server', 'btcpay://HOST/STOREID?key=file:/path'],
    [
      'over HTTP',
      'https://HOST/payinvoice?token=file:/path, with lookup=/payments/{hash}, invoice_field=, preimage=, paid=, fee=, max_fee_field=',
    ],
    ['a demo', 'devnet:FILE'],
    ['none', 'none: what is free and what was bought goes on'],
    ['elsewhere', 'file:/path or env:NAME, where the whole URI stands, its secrets included'],
    [
      'all',
      'network=testnet, signet, regtest or simnet where it is not bitcoin; env:NAME for a variable wherever file: is. A file with a secret is yours alone: chmod 600.',
    ],
  ],
}
