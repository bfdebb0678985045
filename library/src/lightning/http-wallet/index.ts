export type { HttpWalletOptions } from './http-wallet.ts'
export { createHttpWallet } from './http-wallet.ts'
