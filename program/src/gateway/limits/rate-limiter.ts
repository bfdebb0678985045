import type { RateLimitConfig } from '../config/index.ts'
import type { State } from '../state/index.ts'
import { DebtTable } from './debt-table.ts'

/** `burst` at once, and `requests` every `perSeconds` after that, evenly. */
export type Rate = Pick<RateLimitConfig, 'requests' | 'perSeconds' | 'burst'>

/** A rate for each key. */
export type RateLimiter = {
  /** @returns Whole seconds to wait, at least 1; 0 when one was taken. A refusal takes nothing. */
  take(key: string): number
}

/** The system clock with its fractions: the smallest step decides how even a rate is. */
const systemNow = (): number => performance.now() / 1000

/**
 * Limits a rate within this process (GCRA: one number for each key).
 *
 * @param now - Seconds, with or without a fraction. A clock that is set back makes nobody wait longer
 *   than a full bucket takes. Default: the process's own, which cannot be set back.
 * @param places - Keys that are counted each for itself; more share some.
 * @param secret - Chooses which of those share. Default: random.
 * @spec gateway.md R-LIM-1, R-LIM-2, R-LIM-5, R-LIM-7, R-LIM-9
 */
export function createRateLimiter(
  rate: Rate,
  now: () => number = systemNow,
  places: number = 100_000,
  secret?: string,
): RateLimiter {
  const secondsEach = rate.perSeconds / rate.requests
  const fullSeconds = rate.burst * secondsEach
  // What sums of fractions of seconds may be off by.
  const tolerance = Math.min(1e-6, secondsEach / 1000)
  const debts = new DebtTable(places, secret)
  return {
    take: (key) => {
      const nowSeconds = now()
      // When the key will have nothing to pay off.
      const known = debts.get(key, nowSeconds) ?? nowSeconds
      const most = nowSeconds + fullSeconds
      // More than a full bucket cannot be owed: the clock was set back.
      if (known > most) debts.set(key, most, nowSeconds)
      const clearAt = Math.min(Math.max(known, nowSeconds), most)
      const wait = clearAt + secondsEach - fullSeconds - nowSeconds
      if (wait > tolerance) return Math.max(1, Math.ceil(wait - tolerance))
      debts.set(key, clearAt + secondsEach, nowSeconds)
      return 0
    },
  }
}

/**
 * Limits a rate among all processes that share the state.
 *
 * @param rule - What is limited, unique among all rules: two rules never share a bucket.
 * @returns A limiter that throws what the state throws.
 * @spec gateway.md R-LIM-6
 */
export function createSharedRateLimiter(
  rule: string,
  rate: Rate,
  state: Pick<State, 'takeRate'>,
): RateLimiter {
  const prefix = `${JSON.stringify(rule)} `
  return {
    take: (key) => {
      const wait = state.takeRate(prefix + key, rate)
      return wait > 0 ? Math.max(1, Math.ceil(wait)) : 0
    },
  }
}
