import type { Proposal } from 'satway/client'
import { printable } from './printable.ts'
import { shorten } from './screen.ts'

/** Satoshis with thousands apart, and the rest in three digits where there is one: `1,234.567 sat`. */
export function amountWords(msat: string): string {
  const value = BigInt(msat)
  const rest = value % 1000n
  const fraction = rest === 0n ? '' : `.${rest.toString().padStart(3, '0')}`
  return `${thousands((value / 1000n).toString())}${fraction} sat`
}

/** `1,234,567`. */
export function thousands(digits: string): string {
  return digits.replace(/\B(?=(?:\d{3})+$)/g, ',')
}

/** The first 12 digits of a hash: enough to name it. */
export function shortHash(hash: string): string {
  return shorten(printable(hash), 12, 0)
}

const steps: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
]
const longAgoSeconds = 90 * 86_400

/** `5 min ago`, `in 2 h`, `now`; the day itself, when it is far away. */
export function relativeTime(moment: string | null, nowSeconds: number): string {
  if (moment === null) return '-'
  const seconds = Math.floor(Date.parse(moment) / 1000) - nowSeconds
  if (Number.isNaN(seconds)) return printable(moment)
  const distance = Math.abs(seconds)
  if (distance > longAgoSeconds) return moment.slice(0, 10)
  const words = durationWords(distance)
  if (words === undefined) return 'now'
  return seconds < 0 ? `${words} ago` : `in ${words}`
}

/** The largest unit that fits; `undefined` for no time at all. */
export function durationWords(seconds: number): string | undefined {
  for (const [length, unit] of steps) {
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit}`
  }
  return undefined
}

/** Why somebody is asked before a payment, as a clause. */
export const whyAsked: Readonly<Record<Proposal['askedBecause'], string>> = {
  always: 'the policy asks about every payment',
  amount: 'it costs more than may be paid unasked',
  'new-host': 'nothing was paid to this host before',
}
