/** One measured number, ours or a peer's. */
export type Figure = {
  /** What was measured, in words that make sense without the code. */
  readonly what: string
  /** `satway`, or the peer with its version. */
  readonly who: string
  readonly value: number
  readonly unit: 'µs' | 'ms' | 'bytes' | 'MiB' | 'per second' | 'of bare' | 'count'
  /** Lowest and highest of the rounds whose median `value` is. */
  readonly range?: readonly [number, number]
  readonly target?: { readonly atMost: number } | { readonly atLeast: number }
  readonly note?: string
}

/** A part of the benchmark that can be run alone: `npm run bench -- --only NAME`. */
export type Chapter = {
  readonly name: string
  readonly title: string
  run(pace: Pace, progress: (line: string) => void): Promise<readonly Figure[]>
}

/** How long to measure. Short rounds are noisy: they show that the benchmark runs. */
export type Pace = {
  readonly quick: boolean
  /** Rounds of everything that is compared; odd, so that a median is one of them. */
  readonly rounds: number
}

/** Whether a figure meets its target; `undefined` when it has none. */
export function meetsTarget(figure: Figure): boolean | undefined {
  if (figure.target === undefined) return undefined
  if ('atMost' in figure.target) return figure.value <= figure.target.atMost
  return figure.value >= figure.target.atLeast
}

/** The middle value. @throws {RangeError} when there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)]
  if (middle === undefined) throw new RangeError('median: expected at least one value')
  return middle
}

/** Lowest and highest. */
export function rangeOf(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)]
}
