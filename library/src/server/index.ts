export { requireArguments } from './adapter-arguments.ts'
export { clientGone } from './client-gone.ts'
export type {
  AdmittedEvent,
  ChallengeEvent,
  FailureEvent,
  PaywallEvents,
  RefusedEvent,
  SettledEvent,
} from './events.ts'
export { isGate } from './gate-mark.ts'
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
  RefusalResponse,
} from './paywall.ts'
export { createPaywall } from './paywall.ts'
export type { Price, PriceInput } from './price.ts'
export type { Routes, RouteTable } from './routes.ts'
export { createRoutes } from './routes.ts'
export type { CostedLimit, DenyList, UseStore } from './store.ts'
export { isWithheld } from './withheld.ts'
