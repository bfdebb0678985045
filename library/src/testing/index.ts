export type { TestClock } from './clock.ts'
export { testClock } from './clock.ts'
export type {
  ConformanceCase,
  ConformanceControls,
  ConformanceOptions,
  ConformanceRig,
} from './conformance.ts'
export { payeeConformance } from './payee-conformance.ts'
export { payerConformance } from './payer-conformance.ts'
