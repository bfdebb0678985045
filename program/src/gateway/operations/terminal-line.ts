import { styleText } from 'node:util'
import { formatMsat, msat } from 'satway'
import { formatTime, plain } from './log-line.ts'
import type { ExchangeRecord } from './observer.ts'

const maxPath = 60

/**
 * One exchange for a person who watches: when, what came of it, what was asked, how long it took and
 * what it cost. Everything else is in the other forms.
 *
 * @spec gateway.md R-OPS-6, R-OPS-7
 */
export function formatTerminalLine(record: ExchangeRecord): string {
  const time = formatTime(record.startedAtMs).slice(11, 19)
  const path = plain(record.path, maxPath).padEnd(24)
  const took = `${record.durationMs.toFixed(record.durationMs < 10 ? 1 : 0)} ms`
  const status = paint(record.status)(String(record.status))
  const { method } = record
  return `${time}  ${status}  ${plain(method, 8).padEnd(6)} ${path} ${took.padStart(8)}  ${sayOutcome(record)}`
}

function sayOutcome(record: ExchangeRecord): string {
  const { outcome, end, code, wouldBe } = record
  const amount = record.amountMsat === undefined ? '' : formatMsat(msat(record.amountMsat))
  const cut =
    end === 'cut' ? ', cut off by the upstream' : end === 'client-left' ? ', client left' : ''
  switch (outcome) {
    case 'paid':
      return `paid ${amount}${cut}`
    case 'free':
      return `free${cut}`
    case 'challenged':
      return `asked for ${amount}${code === 'ACCESS_PAYMENT_REQUIRED' ? '' : ` (${code})`}`
    case 'dry-run':
      return `let through; would be ${wouldBe}${cut}`
    case 'refused':
    case 'failed':
      return `${outcome} ${code ?? ''}${cut}`.trimEnd()
    default:
      return outcome satisfies never
  }
}

function paint(status: number): (text: string) => string {
  const style =
    status >= 500 ? 'red' : status === 402 ? 'yellow' : status >= 400 ? 'magenta' : 'green'
  return (text) => styleText(style, text)
}
