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

/**
 * A promise's own end, or a rejection once it took too long. Without a signal, and so cheap enough
 * for what every paid request waits for.
 *
 * @param ms - From now.
 * @param tooLate - Told of a value that nobody waits for any more.
 */
export function within<T>(
  ms: number,
  promise: Promise<T>,
  tooLate: (value: T) => void = () => undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let expired = false
    const timer = setTimeout(() => {
      expired = true
      reject(new RangeError(`no answer within ${ms} ms`))
    }, ms)
    promise.then(
      (value) => {
        if (expired) return tooLate(value)
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
