import { isL402Error } from 'satway'
import type { AdminChange } from './change-line.ts'
import { changeFacts, changeText } from './change-line.ts'
import { formatTime } from './log-line.ts'
import type { Observer } from './observer.ts'
import { cutPeerText, redact, strange } from './redact.ts'

export type LogFacts = Readonly<Record<string, string | number | boolean>>

/** Messages for the operator: the start, reloads, failures. */
export type Log = {
  info(message: string, facts?: LogFacts): void
  warn(message: string, facts?: LogFacts): void
  error(message: string, facts?: LogFacts): void
  /** Who changed what through the admin API. The ids in it are public, and are written. */
  change(change: AdminChange): void
  /** The first failure of a part at once, then how many more there were, once a minute. */
  failure: Observer['failure']
  /** Says what failures were counted and not told yet, and stops. */
  close(): void
}

type Level = 'info' | 'warn' | 'error'
type Trouble = { more: number; last: string; timer: NodeJS.Timeout }

const silentMs = 60_000
/** Parts times services, and far beyond: no list that grows without end. */
const maxTroubles = 1000

/**
 * @param stream - Where lines go; standard error as a rule.
 * @param now - Milliseconds since 1970. Default: the system clock.
 * @spec gateway.md R-OPS-11, R-OPS-12, R-ADM-22
 */
export function createLog(
  stream: { write(text: string): unknown },
  format: 'json' | 'text',
  now: () => number = Date.now,
): Log {
  const troubles = new Map<string, Trouble>()
  const formatLine = format === 'json' ? formatJson : formatText

  const write = (level: Level, message: string, facts: LogFacts = {}): void => {
    stream.write(`${formatLine(formatTime(now()), level, message, facts)}\n`)
  }

  const failure: Log['failure'] = (part, service, error) => {
    const what = service === undefined ? part : `${part} of ${service}`
    const trouble = troubles.get(what)
    if (trouble !== undefined) {
      trouble.more++
      trouble.last = describe(error)
      return
    }
    if (troubles.size >= maxTroubles) return
    write('error', `${what} failed: ${describe(error)}`)
    troubles.set(what, { more: 0, last: '', timer: watch(what) })
  }

  const watch = (what: string): NodeJS.Timeout => setTimeout(() => report(what), silentMs).unref()

  const report = (what: string): void => {
    const trouble = troubles.get(what)
    if (trouble === undefined) return
    // A quiet minute: the next failure is news again.
    if (trouble.more === 0) {
      troubles.delete(what)
      return
    }
    write('error', `${what} failed ${trouble.more} more times; the last: ${trouble.last}`)
    troubles.set(what, { more: 0, last: '', timer: watch(what) })
  }

  return {
    info: (message, facts) => write('info', message, facts),
    warn: (message, facts) => write('warn', message, facts),
    error: (message, facts) => write('error', message, facts),
    change: (change) => {
      const ts = formatTime(now())
      const line =
        format === 'json'
          ? JSON.stringify({ ts, level: 'info', message: 'admin', ...changeFacts(change) })
          : `${ts} info ${changeText(change)}`
      stream.write(`${line}\n`)
    },
    failure,
    close: () => {
      for (const [what, { timer }] of troubles) {
        clearTimeout(timer)
        report(what)
      }
      for (const { timer } of troubles.values()) clearTimeout(timer)
      troubles.clear()
    },
  }
}

function formatJson(ts: string, level: Level, message: string, facts: LogFacts): string {
  const clean = Object.entries(facts).map(([name, value]) => [clear(name), clearValue(value)])
  return JSON.stringify({ ts, level, message: clear(message), ...Object.fromEntries(clean) })
}

function formatText(ts: string, level: Level, message: string, facts: LogFacts): string {
  const clean = Object.entries(facts).map(([name, value]) => {
    const text = String(clearValue(value))
    return ` ${clear(name)}=${/[\s"=]/.test(text) || text === '' ? JSON.stringify(text) : text}`
  })
  return `${ts} ${level} ${clear(message)}${clean.join('')}`
}

function clear(text: string): string {
  return redact(text).replace(strange, ' ')
}

function clearValue(value: string | number | boolean): string | number | boolean {
  return typeof value === 'string' ? clear(value) : value
}

/**
 * What an error says, for a message: ours whole, since they carry nothing secret; of others the code
 * and the beginning, since a peer may have written the rest.
 */
function describe(error: unknown): string {
  if (isL402Error(error)) return `${error.code}: ${error.message.slice(0, 512)}`
  if (!(error instanceof Error)) return 'unknown'
  const { code } = error as NodeJS.ErrnoException
  const text = cutPeerText(error.message)
  return typeof code === 'string' && !text.includes(code) ? `${cutPeerText(code)}: ${text}` : text
}
