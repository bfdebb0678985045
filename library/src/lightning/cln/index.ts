export type { ClnOptions, ClnWallet } from './cln.ts'
export { createCln } from './cln.ts'
