export type { OpenWallet } from './open-wallet.ts'
export { openWallet } from './open-wallet.ts'
