import { setTimeout as pause } from 'node:timers/promises'
import { isBusy } from './sqlite-errors.ts'

/** How long another process is waited for, in ms. Its transactions take a few each. */
export const patienceMs = 10_000

/**
 * Does `work`, and again while somebody else holds the lock. The process goes on with other things
 * in between.
 *
 * @throws what `work` throws, and once it has waited that long, that the lock is held.
 */
export async function patiently<T>(work: () => T, waitMs: number = patienceMs): Promise<T> {
  const until = performance.now() + waitMs
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error
    }
    await pause(nextPauseMs())
  }
}

/** Not the same for all: processes that wait for each other must not stay in step. */
export function nextPauseMs(): number {
  return 1 + Math.random() * 3
}
