export type { OpenWalletOptions } from './open-wallet.ts'
export { openWallet } from './open-wallet.ts'
export type { SecretPlace, WalletKind, WalletUri } from './wallet-uri.ts'
export { parseWalletUri } from './wallet-uri.ts'
