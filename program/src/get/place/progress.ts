/** Shows how far a download is. */
export type Progress = {
  /** @param total - Of the whole, in bytes; `undefined`: nobody knows. `offset`: what was there. */
  begin(total: number | undefined, offset: number): void
  add(bytes: number): void
  /** Wipes what is shown. */
  end(): void
}

/** A download that is over sooner shows nothing. */
const showAfterMs = 1000
const showEveryMs = 250

/** Shows nothing. */
export const noProgress: Progress = {
  begin: () => undefined,
  add: () => undefined,
  end: () => undefined,
}

/**
 * One line on a terminal, written over and wiped at the end.
 *
 * @param now - Milliseconds.
 */
export function openProgress(
  stream: { readonly columns?: number; write(text: string): unknown },
  now: () => number = () => performance.now(),
): Progress {
  let timer: NodeJS.Timeout | undefined
  let startedAt = 0
  let total: number | undefined
  let offset = 0
  let received = 0
  let isShown = false
  const show = (): void => {
    const elapsedMs = now() - startedAt
    if (elapsedMs < showAfterMs) return
    isShown = true
    const line = progressLine({ received, offset, total, seconds: elapsedMs / 1000 })
    stream.write(`\r\u001b[2K${line.slice(0, (stream.columns ?? 80) - 1)}`)
  }
  return {
    begin(givenTotal, givenOffset) {
      startedAt = now()
      total = givenTotal
      offset = givenOffset
      received = 0
      clearInterval(timer)
      timer = setInterval(show, showEveryMs)
      timer.unref()
    },
    add(bytes) {
      received += bytes
    },
    end() {
      clearInterval(timer)
      if (isShown) stream.write('\r\u001b[2K')
      isShown = false
    },
  }
}

/** `12.3 MB of 45.0 MB  27 %  1.2 MB/s  0:27 left`. */
export function progressLine(at: {
  readonly received: number
  readonly offset: number
  readonly total: number | undefined
  readonly seconds: number
}): string {
  const { received, offset, total, seconds } = at
  const done = offset + received
  const rate = received / seconds
  const speed = `${formatBytes(rate)}/s`
  if (total === undefined || total <= 0) return `${formatBytes(done)}  ${speed}`
  const percent = Math.min(100, Math.floor((100 * done) / total))
  const line = `${formatBytes(done)} of ${formatBytes(total)}  ${percent} %  ${speed}`
  if (rate === 0) return line
  return `${line}  ${formatTime(Math.max(0, total - done) / rate)} left`
}

/** `512 B`, `1.5 kB`, `12.3 MB`: thousands, as networks count. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole >= 360_000) return 'days'
  const two = (part: number): string => String(part).padStart(2, '0')
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`
}
