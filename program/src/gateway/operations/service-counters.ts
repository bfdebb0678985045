import type { ExchangeRecord } from './observer.ts'

/** Upper bounds of the histograms of durations, in seconds; `+Inf` comes after the last. */
export const durationBounds: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]

export const outcomes = ['paid', 'free', 'challenged', 'refused', 'dry-run', 'failed'] as const

/** `none`: the client left before there was a response. */
export const statusClasses = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const

const boundsMs = durationBounds.map((seconds) => seconds * 1000)

/** How many observations fell between two bounds; not cumulative. */
export type Durations = { readonly counts: number[]; sumSeconds: number }

/**
 * What is counted of one service. Plain numbers in fixed places: adding to them makes no garbage.
 * Amounts are digits, since JSON knows no bigint.
 */
export type ServiceCounters = {
  /** In the order of {@link outcomes}. */
  readonly outcomes: number[]
  /** In the order of {@link statusClasses}. */
  readonly classes: number[]
  readonly refused: Record<string, number>
  /** New ones, then those that were handed out again. */
  readonly challenges: [number, number]
  /** Free, then paid. */
  readonly admitted: [number, number]
  settled: number
  revenueMsat: string
  requestBytes: number
  responseBytes: number
  readonly durations: Durations
  readonly paidDurations: Durations
}

export function createServiceCounters(): ServiceCounters {
  return {
    outcomes: outcomes.map(() => 0),
    classes: statusClasses.map(() => 0),
    // Without a prototype: a code is only ever a name of its own.
    refused: Object.create(null) as Record<string, number>,
    challenges: [0, 0],
    admitted: [0, 0],
    settled: 0,
    revenueMsat: '0',
    requestBytes: 0,
    responseBytes: 0,
    durations: createDurations(),
    paidDurations: createDurations(),
  }
}

/** Counts one exchange. Called for every request. */
export function countExchange(counters: ServiceCounters, record: ExchangeRecord): void {
  const { outcome, code } = record
  const durationMs = counted(record.durationMs)
  counters.outcomes[outcomes.indexOf(outcome)]! += 1
  counters.classes[classOf(record.status)]! += 1
  if (code !== undefined) counters.refused[code] = (counters.refused[code] ?? 0) + 1
  counters.requestBytes += counted(record.requestBytes)
  counters.responseBytes += counted(record.responseBytes)
  observe(counters.durations, durationMs)
  if (outcome === 'paid') {
    counters.admitted[1] += 1
    observe(counters.paidDurations, durationMs)
  } else if (outcome === 'free' || outcome === 'dry-run') {
    counters.admitted[0] += 1
  }
}

export function countSettlement(counters: ServiceCounters, amountMsat: bigint): void {
  counters.settled += 1
  counters.revenueMsat = (BigInt(counters.revenueMsat) + amountMsat).toString()
}

/** Adds `more` to `sum`, in place. */
export function addServiceCounters(sum: ServiceCounters, more: ServiceCounters): void {
  addEach(sum.outcomes, more.outcomes)
  addEach(sum.classes, more.classes)
  addEach(sum.challenges, more.challenges)
  addEach(sum.admitted, more.admitted)
  for (const [code, count] of Object.entries(more.refused)) {
    sum.refused[code] = (sum.refused[code] ?? 0) + count
  }
  sum.settled += more.settled
  sum.revenueMsat = (BigInt(sum.revenueMsat) + BigInt(more.revenueMsat)).toString()
  sum.requestBytes += more.requestBytes
  sum.responseBytes += more.responseBytes
  addDurations(sum.durations, more.durations)
  addDurations(sum.paidDurations, more.paidDurations)
}

function createDurations(): Durations {
  return { counts: [...durationBounds, Number.POSITIVE_INFINITY].map(() => 0), sumSeconds: 0 }
}

function observe(durations: Durations, durationMs: number): void {
  let place = 0
  while (place < boundsMs.length && durationMs > boundsMs[place]!) place++
  durations.counts[place]! += 1
  durations.sumSeconds += durationMs / 1000
}

function addDurations(sum: Durations, more: Durations): void {
  addEach(sum.counts, more.counts)
  sum.sumSeconds += more.sumSeconds
}

function addEach(sum: number[], more: readonly number[]): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += more[i] ?? 0
}

/** One thing that is no number must not make a sum none for good. */
function counted(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0
}

/** 200 to 299 is 2, and so on; what is no status is 0. */
function classOf(status: number): number {
  const hundreds = Math.trunc(status / 100)
  return hundreds >= 1 && hundreds <= 5 ? hundreds : 0
}
