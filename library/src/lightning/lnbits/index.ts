export type { LnbitsOptions, LnbitsWallet } from './lnbits.ts'
export { createLnbits } from './lnbits.ts'
