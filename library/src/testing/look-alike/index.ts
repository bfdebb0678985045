export type { FaultScript } from './fault-scripts.ts'
export { invoiceScripts, orderScripts } from './fault-scripts.ts'
export type {
  LookAlike,
  WireAnswer,
  WireRequest,
  WireRole,
  WireRoute,
} from './look-alike.ts'
export { serveLookAlike } from './look-alike.ts'
export type { WireFault } from './wire-fault.ts'
