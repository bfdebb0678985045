import type { ChargeOptions, Gate, Paywall } from './paywall.ts'
/** `"POST /v1/decode"` to what it costs, or `'free'`. Closed: what is not listed is refused. */
export type RouteTable = Readonly<Record<string, 'free' | (Omit<ChargeOptions, 'capability'> & { readonly capability?: string })>>
export type Routes = Gate
/** @throws {L402Error} CONFIG_INVALID listing every mistake */
export declare function createRoutes(paywall: Paywall, table: RouteTable): Routes
