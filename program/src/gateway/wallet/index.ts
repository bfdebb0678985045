export { checkNodeWallet } from './check-wallet.ts'
export { invoiceLimitsOf } from './invoice-limits.ts'
export type { OpenWallet } from './open-wallet.ts'
export { openWallet, WalletRefusal } from './open-wallet.ts'
