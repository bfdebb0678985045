import type { Client } from 'satway/client'

/** Asks the wallet about payments that have no end, again and again. */
export type Reconciler = {
  /** Now, and then in the background. Does not keep the process alive. */
  start(): void
  /** Resolves when nothing is asked any more. */
  stop(): Promise<void>
}

/** Short enough for a payment to be found within 5 s after the wallet can tell. */
const everyMs = 3000

/** @spec agent.md R-AGT-15 */
export function createReconciler(client: Pick<Client, 'reconcile'>): Reconciler {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let isStopped = false

  const ask = async (): Promise<void> => {
    try {
      await client.reconcile()
    } catch {
      // The wallet or the journal cannot be asked: the next call says so, and the next round tries.
    }
    if (isStopped) return
    timer = setTimeout(() => {
      running = ask()
    }, everyMs)
    timer.unref()
  }

  return {
    start: () => {
      if (!isStopped) running ??= ask()
    },
    stop: async () => {
      isStopped = true
      clearTimeout(timer)
      await running
    },
  }
}
