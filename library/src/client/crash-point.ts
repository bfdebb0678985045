/** Every point, in the order in which one purchase passes them. */
export const crashPoints = [
  /** A 402 was read. */
  'challenge-read',
  /** The policy allows the payment, and nothing is written down. */
  'policy-checked',
  'before-intent',
  'after-intent',
  'before-send',
  /** The order is written down, and the wallet has not been called. */
  'after-send',
  /** The wallet has answered, and nothing of it is written down. */
  'after-order',
  'before-settled',
  'after-settled',
  'before-token',
  'after-token',
  'before-deliver',
  /** The head of the answer is there. */
  'after-deliver',
  /** What the answer says about the token is kept. */
  'after-mark',
] as const

export type CrashPoint = (typeof crashPoints)[number]

const hook = Symbol.for('satway.crash-point')

/**
 * A point at which a test may end the process. Whoever bundles this code drops the call, because its
 * result is not used; a test that keeps it sets `globalThis[Symbol.for('satway.crash-point')]`.
 */
/* @__NO_SIDE_EFFECTS__ */
export function crashPoint(name: CrashPoint): void {
  const visit: unknown = Reflect.get(globalThis, hook)
  if (typeof visit === 'function') visit(name)
}
