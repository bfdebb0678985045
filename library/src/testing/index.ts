export type { TestClock } from './clock.ts'
export { testClock } from './clock.ts'
export type {
  ConformanceCase,
  ConformanceControls,
  ConformanceOptions,
  ConformanceRig,
} from './conformance.ts'
export type { PayeeFaultRig, PayerFaultRig } from './fault-cases.ts'
export { invoiceFaultCases, orderFaultCases } from './fault-cases.ts'
export type { FaultScript, LookAlike, WireFault } from './look-alike/index.ts'
export { payeeConformance } from './payee-conformance.ts'
export { payerConformance } from './payer-conformance.ts'
