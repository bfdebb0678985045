import type { Payer } from '../ports.ts'
/** Where a wallet endpoint listens and how it is opened. The secret is a bearer token. */
export type WalletAddress = { readonly url: string; readonly secret: string }
export type WalletServer = { readonly address: WalletAddress; close(): Promise<void> }
export declare function serveWallet(
  node: Payer,
  options?: { readonly port?: number; readonly secret?: string; readonly file?: string },
): Promise<WalletServer>
/** A payer over a wallet endpoint: time-outs and lost connections are `unknown`. */
export declare function connectWallet(address: WalletAddress): Payer
export declare function readWalletFile(path: string): Promise<WalletAddress>
