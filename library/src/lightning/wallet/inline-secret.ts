import type { WalletKind, WalletUri } from './wallet-uri.ts'

/** What the secret of a wallet is called in its URI. */
const secretNames: Readonly<Record<WalletKind, string>> = {
  lnd: 'macaroon',
  cln: 'rune',
  phoenixd: 'password',
  nwc: 'secret',
  lnbits: 'key',
  btcpay: 'key',
  charge: 'token',
  http: 'token',
  lnurl: 'secret',
  devnet: 'secret',
}

/**
 * What is wrong with a URI that carries its secret itself, for whoever does not take such: it would end
 * in lists of processes, histories and files that others read.
 *
 * @returns one sentence with what to write instead; `undefined` for a URI without a secret in it.
 * @spec wallets.md R-WAL-8
 */
export function inlineSecretProblem({ kind, secret }: WalletUri): string | undefined {
  if (secret?.from !== 'uri') return undefined
  const name = secretNames[kind]
  return `?${name}: expected file:/path or env:NAME, so that the secret itself stands nowhere; or put the whole URI into a file of mode 0600 and name that: file:/path`
}
