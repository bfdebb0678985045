export type { Msat } from './amount/index.ts'
export { formatMsat, maxMsat, msat, msatToSatCeil, parseAmount, satToMsat } from './amount/index.ts'
export { codes, isL402Error, L402Error } from './errors.ts'
export type { Code, Details } from './errors.ts'
