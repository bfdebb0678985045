import type { Payee, Settlement } from '../lightning/index.ts'
import { startDeadline } from './deadline.ts'

type WatchOptions = {
  readonly settled: (settlement: Settlement) => void
  /** A stream was opened: what settles from then on is told. Called once for each. */
  readonly opened?: () => void
  /** The stream is broken: what settles until it is back is not told. Told at every failed attempt. */
  readonly broken: (error: unknown) => void
}

const firstDelayMs = 1000
/** A node that is back is to be followed within a few seconds. */
const longestDelayMs = 2000
/** How long stopping waits for a payee that does not listen to its signal. */
const stopTimeoutMs = 1000

/**
 * Follows a payee's settlements until it is stopped, and opens the stream again when it breaks.
 *
 * @returns Stops it. Resolves when nothing of it is left running, or after a second.
 */
export function watchSettlements(payee: Payee, options: WatchOptions): () => Promise<void> {
  const controller = new AbortController()
  const following = follow(payee, controller.signal, options)
  return async () => {
    controller.abort()
    const deadline = startDeadline(stopTimeoutMs, () => new Error('the stream did not end'))
    await deadline
      .race(following)
      .catch(() => undefined)
      .finally(() => deadline.clear())
  }
}

async function follow(payee: Payee, signal: AbortSignal, options: WatchOptions): Promise<void> {
  let delayMs = firstDelayMs
  while (!signal.aborted) {
    try {
      const stream = payee.settlements(signal)
      options.opened?.()
      for await (const settlement of stream) {
        delayMs = firstDelayMs
        options.settled(settlement)
      }
      if (!signal.aborted) options.broken(new Error('the stream of settlements ended'))
    } catch (error) {
      if (!signal.aborted) options.broken(error)
    }
    await pause(delayMs, signal)
    delayMs = Math.min(longestDelayMs, delayMs * 2)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    // Nobody waits for this: it must not keep a program running that has nothing else to do.
    timer.unref?.()
    signal.addEventListener('abort', done, { once: true })
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
