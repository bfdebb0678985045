export { createKeyRing, parseKeyRing } from './key-ring.ts'
export type { KeyRing } from './key-ring.ts'
export { createMemoryUseStore, createMemoryDenyList } from './memory-store.ts'
export { createPaywall } from './paywall.ts'
export type {
  ChargeOptions,
  Decision,
  Gate,
  IncomingRequest,
  Paywall,
  PaywallOptions,
  Receipt,
  RefusalResponse,
} from './paywall.ts'
export type { PriceInput, Price } from './price.ts'
export { createRoutes } from './routes.ts'
export type { Routes, RouteTable } from './routes.ts'
export type { DenyList, UseStore } from './store.ts'
