export type { PhoenixdOptions, PhoenixdWallet } from './phoenixd.ts'
export { createPhoenixd } from './phoenixd.ts'
