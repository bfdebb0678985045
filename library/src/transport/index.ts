export type { Route, Transport, TransportOptions } from './transport.ts'
export { createTransport } from './transport.ts'
