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

/**
 * Waits for a moment.
 *
 * @throws the reason of `signal`, when that is first: then no timer is left that keeps a process alive.
 */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const moment = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  try {
    await orAborted(moment, signal)
  } finally {
    clearTimeout(timer)
  }
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
