export type { NwcOptions, NwcWallet } from './nwc.ts'
export { createNwc } from './nwc.ts'
