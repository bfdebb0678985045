import type { Client } from './client.ts'
import { isOpen } from './ledger.ts'
import { orAborted, pause } from './locks.ts'
import type { Reconciled } from './reconcile.ts'

export type ReconcilingOptions = {
  /** Ends the work. */
  readonly signal: AbortSignal
  /** Gets what went wrong. The work goes on. */
  readonly onError?: (error: unknown) => void
  /** Seconds since 1970. Default: the system clock. */
  readonly now?: () => number
  /** Waits so many milliseconds. Default: a timer. */
  readonly wait?: (ms: number) => Promise<void>
}

const soonMs = 2000
const idleMs = 5000
const seldomMs = 600_000
/** A payment that is older than this is held on purpose, and takes as long as it takes. */
const youngSeconds = 600

/**
 * Asks the wallet, again and again, about payments that have no end, and keeps what those bought that
 * settled: at once, and every 2 seconds as long as one is younger than 10 minutes or the wallet does
 * not answer; then less and less often, down to every 10 minutes. Without such a payment it looks
 * into the ledger every 5 seconds.
 *
 * @returns Once `signal` has aborted. Never rejects.
 * @spec client.md R-PAY-85
 */
export async function keepReconciling(
  client: Pick<Client, 'reconcile'>,
  options: ReconcilingOptions,
): Promise<void> {
  const { signal, onError, now = () => Date.now() / 1000 } = options
  const wait = options.wait ?? ((ms: number) => pause(ms, signal))
  let delayMs = soonMs
  while (!signal.aborted) {
    try {
      const entries = await orAborted(client.reconcile(), signal)
      delayMs = nextDelayMs(entries, delayMs, now())
    } catch (error) {
      if (signal.aborted) return
      onError?.(error)
      delayMs = idleMs
    }
    await orAborted(wait(delayMs), signal).catch(() => undefined)
  }
}

function nextDelayMs(entries: readonly Reconciled[], lastMs: number, nowSeconds: number): number {
  const open = entries.filter(isOpen)
  if (open.length === 0) return idleMs
  const isUrgent = open.some(
    ({ answered, createdAtSeconds }) => !answered || nowSeconds - createdAtSeconds < youngSeconds,
  )
  return isUrgent ? soonMs : Math.min(lastMs * 1.5, seldomMs)
}
