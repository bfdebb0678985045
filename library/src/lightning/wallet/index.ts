export { inlineSecretProblem } from './inline-secret.ts'
export type { WalletRole } from './least-privilege.ts'
export { leastPrivilege } from './least-privilege.ts'
export type { OpenWalletOptions } from './open-wallet.ts'
export { openWallet, resolveWalletUri } from './open-wallet.ts'
export type { HeldPlace, SecretPlace, SecretUse } from './secret-place.ts'
export { describePlace } from './secret-place.ts'
export type {
  HttpWalletUri,
  LndWalletUri,
  ServerWalletUri,
  WalletKind,
  WalletReference,
  WalletUri,
} from './wallet-uri.ts'
export { parseWalletUri } from './wallet-uri.ts'
