import type { Network } from '../../invoice/index.ts'

/** Where a secret is. */
export type SecretPlace =
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'env'; readonly name: string }
  /** In the URI itself: that ends in lists and histories. The program refuses it. */
  | { readonly from: 'uri'; readonly text: string }

export type WalletKind =
  | 'lnd'
  | 'cln'
  | 'phoenixd'
  | 'nwc'
  | 'lnbits'
  | 'btcpay'
  | 'charge'
  | 'lnurl'
  | 'http'
  | 'devnet'

/** A wallet as somebody named it. Nothing of it was opened or read. */
export type WalletUri = {
  readonly kind: WalletKind
  readonly network: Network
}

/**
 * Reads a wallet URI.
 *
 * @returns the wallet, or what is wrong, in words that repeat no part which may be a secret.
 */
export function parseWalletUri(text: string): WalletUri | { readonly problem: string } {
  return { problem: `${text.length}: not built` }
}
