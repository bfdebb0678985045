/** An end to waiting: a signal for who can be told, and a rejection for who cannot. */
export type Deadline = {
  readonly signal: AbortSignal
  /** The promise's own end, or a rejection with what `late` makes, whichever comes first. */
  race<T>(promise: Promise<T>): Promise<T>
  /** Call it in a `finally`. */
  clear(): void
}

/**
 * Starts a deadline.
 *
 * @param ms - From now.
 * @param late - Makes the error of a wait that took too long.
 */
export function startDeadline(ms: number, late: () => Error): Deadline {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), ms)
  return {
    signal: controller.signal,
    race: (promise) =>
      new Promise((resolve, reject) => {
        const expire = (): void => reject(late())
        if (controller.signal.aborted) return expire()
        controller.signal.addEventListener('abort', expire, { once: true })
        promise
          .then(resolve, reject)
          .finally(() => controller.signal.removeEventListener('abort', expire))
      }),
    clear: () => clearTimeout(timer),
  }
}
