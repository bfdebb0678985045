export type { LnurlOptions, LnurlWallet } from './lnurl.ts'
export { createLnurl } from './lnurl.ts'
