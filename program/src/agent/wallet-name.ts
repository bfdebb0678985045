import type { WalletKind, WalletReference, WalletUri } from 'satway/lightning/wallet'
import { inlineSecretProblem, parseWalletUri } from 'satway/lightning/wallet'

/** How a spender names a wallet. `none`: nothing is paid. */
export type WalletName = WalletUri | WalletReference | { readonly kind: 'none' }

/** They make invoices and pay none. */
const onlyPaid: ReadonlySet<WalletKind> = new Set(['charge', 'lnurl'])

/**
 * Reads what the command line, the configuration or the environment calls the wallet.
 *
 * @returns the wallet, or what is wrong, in words that repeat no part which may be a secret.
 * @spec agent.md R-AGT-10
 */
export function readWalletName(text: string): WalletName | { readonly problem: string } {
  if (text === 'none') return { kind: 'none' }
  const uri = parseWalletUri(text)
  if ('problem' in uri || uri.kind === 'reference') return uri
  const problem = inlineSecretProblem(uri) ?? cannotPay(uri)
  return problem === undefined ? uri : { problem }
}

/** @returns what is wrong with a wallet that makes invoices and pays none. */
export function cannotPay({ kind }: WalletUri): string | undefined {
  return onlyPaid.has(kind) ? `${kind} is only paid: name a wallet that pays` : undefined
}
