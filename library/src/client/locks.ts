/** One at a time for each key, in the order of asking. */
export type Locks = {
  /**
   * Waits for its turn, then does `task` and gives what it gives.
   *
   * @throws the reason of `signal`, when it aborts before the turn came.
   */
  run<Result>(
    key: string,
    signal: AbortSignal | undefined,
    task: () => Promise<Result>,
  ): Promise<Result>
}

/** Locks within this process. */
export function createLocks(): Locks {
  const tails = new Map<string, Promise<void>>()

  return {
    run: async (key, signal, task) => {
      const before = tails.get(key) ?? Promise.resolve()
      let finish = (): void => undefined
      const turn = new Promise<void>((resolve) => {
        finish = resolve
      })
      // Whoever gives up while waiting hands its turn on, but only once it has come.
      const tail = before.then(() => turn)
      tails.set(key, tail)
      void tail.then(() => {
        if (tails.get(key) === tail) tails.delete(key)
      })
      try {
        await orAborted(before, signal)
        return await task()
      } finally {
        finish()
      }
    },
  }
}

/** Waits for a moment. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/**
 * Waits for a promise, or for a signal, whichever is first.
 *
 * @throws the reason of `signal`, when that is first.
 */
export async function orAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return promise
  // Nobody may be left who hears it fail.
  promise.catch(() => undefined)
  signal.throwIfAborted()
  let stop = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
