import { L402Error } from 'satway'

export type LongStreamOptions = {
  /** When what paid for the stream ends; `undefined`: never. */
  readonly validUntilSeconds: number | undefined
  /** Seconds since 1970. */
  readonly now: () => number
  /** Whether what paid for the stream was revoked. A failure to tell is no revocation. */
  readonly isDenied: () => boolean | Promise<boolean>
  /** How often both are asked, in milliseconds. */
  readonly everyMs: number
}

/**
 * Watches over a stream that may outlive what paid for it.
 *
 * @returns `signal` is aborted with an L402Error: ACCESS_EXPIRED in the second in which the time is
 *   over, ACCESS_REVOKED at most `everyMs` after the revocation. `stop` ends the watch.
 * @spec gateway.md R-WS-7
 */
export function watchLongStream(options: LongStreamOptions): {
  readonly signal: AbortSignal
  stop(): void
} {
  const { validUntilSeconds = Number.POSITIVE_INFINITY, now, isDenied, everyMs } = options
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let isAsking = false
  let isStopped = false

  const stop = (): void => {
    isStopped = true
    clearTimeout(timer)
  }
  const end = (code: 'ACCESS_EXPIRED' | 'ACCESS_REVOKED'): void => {
    if (isStopped) return
    stop()
    controller.abort(new L402Error(code))
  }
  const ask = async (): Promise<void> => {
    // One that does not answer is not asked twice; the clock is looked at all the same.
    if (isAsking) return
    isAsking = true
    try {
      if (await isDenied()) end('ACCESS_REVOKED')
    } catch {
      // New requests are refused while the list cannot be read. Who is in is not thrown out for it.
    } finally {
      isAsking = false
    }
  }
  const look = (): void => {
    if (now() >= validUntilSeconds) {
      end('ACCESS_EXPIRED')
      return
    }
    void ask()
    wait()
  }
  const wait = (): void => {
    const leftMs = Math.max(1, Math.ceil((validUntilSeconds - now()) * 1000))
    timer = setTimeout(look, Math.min(everyMs, leftMs))
    timer.unref()
  }

  wait()
  return { signal: controller.signal, stop }
}
