export type { ChargeOptions, ChargeWallet } from './charge.ts'
export { createCharge } from './charge.ts'
