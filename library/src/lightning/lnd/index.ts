export type { LndOptions, LndWallet } from './lnd.ts'
export { createLnd } from './lnd.ts'
