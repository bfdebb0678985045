import type { Figure, Pace } from '../figures.ts'
import { median, rangeOf } from '../figures.ts'
import type { Load, LoadReport } from './load.ts'
import { runWrk } from './load.ts'
import type { Usage } from './machine.ts'
import { usageOf } from './machine.ts'
import type { Forwarder } from './servers.ts'

export type Round = LoadReport & {
  /** Processor time of the subject for each request, in microseconds. */
  readonly cpuUs: number
  /** Share of one processor that the subject used: near 1, or the load was the bottleneck. */
  readonly busy: number
  readonly rssMiB: number
}

/** Asks every subject in turn, round for round; the first round warms up and is not counted. */
export async function inRounds(
  proxies: readonly Forwarder[],
  path: string,
  load: Omit<Load, 'url' | 'headers'>,
  pace: Pace,
  progress: (line: string) => void,
): Promise<ReadonlyMap<string, readonly Round[]>> {
  const all = new Map<string, Round[]>(proxies.map(({ name }) => [name, []]))
  for (let round = 0; round <= pace.rounds; round++) {
    for (let turn = 0; turn < proxies.length; turn++) {
      const proxy = proxies[(round + turn) % proxies.length]!
      const measured = await oneRound(proxy, path, load)
      if (round === 0) continue
      all.get(proxy.name)!.push(measured)
      progress(
        `round ${round} of ${pace.rounds}, ${proxy.name}: ${measured.perSecond.toFixed(0)}/s, ` +
          `${measured.cpuUs.toFixed(1)} µs, p99 ${measured.p99Ms.toFixed(1)} ms`,
      )
    }
  }
  return all
}

async function oneRound(
  { port, headers, running }: Forwarder,
  path: string,
  load: Omit<Load, 'url' | 'headers'>,
): Promise<Round> {
  const before: Usage = usageOf(running.pid)
  const report = await runWrk({ ...load, headers, url: `http://127.0.0.1:${port}${path}` })
  const after: Usage = usageOf(running.pid)
  const cpuMs = after.cpuMs - before.cpuMs
  return {
    ...report,
    cpuUs: (cpuMs * 1000) / report.requests,
    busy: cpuMs / (load.seconds * 1000),
    rssMiB: after.rssMiB,
  }
}

/** The figure of one number of all rounds. */
export function figureOf(
  what: string,
  who: string,
  unit: Figure['unit'],
  values: readonly number[],
  more: Pick<Figure, 'target' | 'note'> = {},
): Figure {
  return { what, who, value: median(values), unit, range: rangeOf(values), ...more }
}
