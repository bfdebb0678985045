import type { Gate } from './paywall.ts'

/** Of the registry that all copies of this package share, because an adapter may be of another. */
const mark: unique symbol = Symbol.for('satway.gate')

/** Makes a function known as a gate. */
export function markGate(gate: Gate): Gate {
  return Object.defineProperty(gate, mark, { value: true })
}

/**
 * Whether a value is a gate that `paywall.charge` or `createRoutes` gave. A request handler is a
 * function too, and would let everything through where a gate is meant.
 *
 * @spec server.md R-SRV-65
 */
export function isGate(value: unknown): value is Gate {
  return typeof value === 'function' && mark in value
}
