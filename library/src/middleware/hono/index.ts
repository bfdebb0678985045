export type { HonoOptions, PaidVariables } from './l402.ts'
export { l402 } from './l402.ts'
