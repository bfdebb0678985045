export type { Msat } from './msat.ts'
export {
  formatMsat,
  maxMsat,
  msat,
  msatToSatCeil,
  nearestMsat,
  parseAmount,
  satToMsat,
} from './msat.ts'
export { printable, toDigits } from './printable.ts'
