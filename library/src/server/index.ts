export { requireArguments } from './adapter-arguments.ts'
export { clientGone } from './client-gone.ts'
export { clientNetwork } from './client-network.ts'
export type {
  AdmittedEvent,
  ChallengeEvent,
  FailureEvent,
  PaywallEvents,
  RefusedEvent,
  SettledEvent,
} from './events.ts'
export { isGate } from './gate-mark.ts'
export type { Issuance } from './issuance.ts'
export type { KeyRing } from './key-ring.ts'
export { createKeyRing, parseKeyRing } from './key-ring.ts'
export { createMemoryDenyList, createMemoryUseStore } from './memory-store.ts'
export type { HeaderList } from './paid-headers.ts'
export type {
  ChargeOptions,
  Decision,
  Gate,
  IncomingRequest,
  IssuanceOptions,
  Paywall,
  PaywallOptions,
  Receipt,
  Refusal,
  RefusalResponse,
} from './paywall.ts'
export { createIssuance, createPaywall } from './paywall.ts'
export type { Price, PriceInput, PriceRange } from './price.ts'
export type { ProblemOptions, RefusalCode } from './problem.ts'
export { problemResponse } from './problem.ts'
export type { Routes, RouteTable } from './routes.ts'
export { createRoutes } from './routes.ts'
export { watchSettlements } from './settlement-watch.ts'
export type { CostedLimit, DenyList, UseStore } from './store.ts'
export { isWithheld } from './withheld.ts'
