import type { HealthCheck, HealthReport } from '../../admin/control.ts'
import { cutPeerText } from './redact.ts'

/** One part that can be asked how it is. */
export type Check = {
  /** `wallet`, `store`, `upstream:weather`, `workers`. */
  readonly name: string
  /** Its details are sentences of our own and may be longer; set for no peer's text. */
  readonly isOurs?: true
  /** A rejection counts as not ok. */
  check(signal: AbortSignal): Promise<{ readonly ok: boolean; readonly detail: string }>
}

export type HealthOptions = {
  /** How long one check may take. Default 2000. */
  readonly timeoutMs?: number
  /** How long a report is given out again. Default 1000. */
  readonly keepMs?: number
  /** Milliseconds that never go back. Default: of the system. */
  readonly now?: () => number
}

export type Health = { report(): Promise<HealthReport> }

/**
 * Asks all parts at once. Whoever asks while they are being asked waits for the same answer, and for
 * a second everyone gets it again: probes cannot be used to flood wallet and upstreams.
 *
 * @param checks - A function where they change with the configuration.
 * @spec gateway.md R-OPS-13, R-OPS-14
 */
export function createHealth(
  checks: readonly Check[] | (() => readonly Check[]),
  options: HealthOptions = {},
): Health {
  const { timeoutMs = 2000, keepMs = 1000, now = () => performance.now() } = options
  let kept: { readonly atMs: number; readonly report: HealthReport } | undefined
  let running: Promise<HealthReport> | undefined

  const ask = async (): Promise<HealthReport> => {
    const list = typeof checks === 'function' ? checks() : checks
    const results = await Promise.all(list.map((check) => run(check, timeoutMs)))
    const report = { ok: results.every(({ ok }) => ok), checks: results }
    kept = { atMs: now(), report }
    return report
  }

  return {
    report: () => {
      if (kept !== undefined && now() - kept.atMs < keepMs) return Promise.resolve(kept.report)
      running ??= ask().finally(() => {
        running = undefined
      })
      return running
    },
  }
}

/** In characters. */
const maxOwnText = 400

async function run({ name, check, isOurs }: Check, timeoutMs: number): Promise<HealthCheck> {
  const startedAt = performance.now()
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<{ ok: boolean; detail: string }>((resolve) => {
    timer = setTimeout(() => {
      resolve({ ok: false, detail: `no answer within ${timeoutMs} ms` })
      controller.abort()
    }, timeoutMs)
  })
  // Inside an async function: a check that throws at once is a check that rejects.
  const asked = (async () => check(controller.signal))()
  const { ok, detail } = await Promise.race([asked, tooLong]).catch((error: unknown) => ({
    ok: false,
    detail: error instanceof Error ? error.message : 'failed',
  }))
  clearTimeout(timer)
  const durationMs = Math.round(performance.now() - startedAt)
  const said = isOurs === true ? cutPeerText(detail, maxOwnText) : cutPeerText(detail)
  return { name, ok: ok === true, detail: said, durationMs }
}
