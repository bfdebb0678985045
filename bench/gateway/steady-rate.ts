import { startWorker } from '../child/processes.ts'
import type { Chapter, Figure, Pace } from '../figures.ts'
import { median } from '../figures.ts'
import { figureOf } from './chapters.ts'
import { startGateway } from './gateway.ts'
import { loadCpu } from './machine.ts'
import type { Forwarder } from './servers.ts'
import { openStage, startGo, startNginx } from './servers.ts'

type Order = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly perSecond: number
  readonly seconds: number
}
type Times = { readonly p50Ms: number; readonly p99Ms: number; readonly failures: number }
type Ask = (order: Order) => Promise<Times>

/** What the gateway adds to a request while it has time, and what a flood of unpaid ones adds to that. */
export const steadyChapter: Chapter = {
  name: 'steady',
  title: 'Paid requests at a steady rate',
  async run(pace, progress) {
    const stage = await openStage()
    const workers = [startSteady(), startSteady()]
    const [ask, flood] = workers.map(
      (worker): Ask =>
        (order) =>
          worker.ask<Times>(order),
    )
    try {
      const satway = await startGateway(stage)
      const nginx = await startNginx(stage)
      const go = await startGo(stage)
      const direct = { name: 'direct', who: 'direct', port: stage.upstreamPort, headers: {} }
      const peers = [nginx, ...(go === undefined ? [] : [go])]
      return [
        ...(await addedByEach([direct, satway, ...peers], ask!, pace, progress)),
        await addedByFlood(satway, stage.upstreamPort, ask!, flood!, pace, progress),
      ]
    } finally {
      for (const worker of workers) await worker.stop()
      await stage.close()
    }
  },
}

function startSteady(): ReturnType<typeof startWorker> {
  return startWorker('../gateway/steady.ts', [], loadCpu)
}

async function addedByEach(
  subjects: readonly Omit<Forwarder, 'running'>[],
  ask: Ask,
  pace: Pace,
  progress: (line: string) => void,
): Promise<readonly Figure[]> {
  const seconds = pace.quick ? 1 : 4
  const p99 = new Map<string, number[]>(subjects.map(({ name }) => [name, []]))
  for (let round = 0; round <= pace.rounds; round++) {
    for (const { name, port, headers } of subjects) {
      const url = `http://127.0.0.1:${port}/small`
      const measured = await ask({ url, headers, perSecond: 1000, seconds })
      if (measured.failures > 0) throw new Error(`${name}: ${measured.failures} requests failed`)
      if (round === 0) continue
      p99.get(name)!.push(measured.p99Ms)
      progress(
        `round ${round} of ${pace.rounds}, ${name}: p50 ${measured.p50Ms.toFixed(2)}, p99 ${measured.p99Ms.toFixed(2)} ms`,
      )
    }
  }
  const alone = p99.get('direct')!
  return [
    ...subjects
      .filter(({ name }) => name !== 'direct')
      .map(({ name, who }) =>
        figureOf(
          'p99 added at 1 000 requests a second',
          who,
          'ms',
          p99.get(name)!.map((ms, i) => ms - alone[i]!),
          name === 'satway' ? { target: { atMost: 3 } } : {},
        ),
      ),
    figureOf('p99 at 1 000 requests a second', 'upstream, no proxy', 'ms', alone),
  ]
}

const paidPerSecond = 300

/**
 * Ten times as many requests without a token: most of them are told to come back later. What it is
 * compared with is the same flood on the upstream, past the gateway: the load has as much to do then.
 */
async function addedByFlood(
  satway: Forwarder,
  upstreamPort: number,
  ask: Ask,
  flood: Ask,
  pace: Pace,
  progress: (line: string) => void,
): Promise<Figure> {
  const seconds = pace.quick ? 1 : 4
  const url = `http://127.0.0.1:${satway.port}/small`
  const paid = { url, headers: satway.headers, perSecond: paidPerSecond, seconds }
  const calm: number[] = []
  const flooded: number[] = []
  const during = async (floodUrl: string): Promise<Times> => {
    const unpaid = flood({ url: floodUrl, headers: {}, perSecond: 10 * paidPerSecond, seconds })
    const times = await ask(paid)
    await unpaid
    return times
  }
  for (let round = 0; round <= pace.rounds; round++) {
    const before = await during(`http://127.0.0.1:${upstreamPort}/small`)
    const flood = await during(url)
    if (before.failures + flood.failures > 0) throw new Error('paid requests failed')
    if (round === 0) continue
    calm.push(before.p99Ms)
    flooded.push(flood.p99Ms)
    progress(
      `round ${round} of ${pace.rounds}, paid p99: ${before.p99Ms.toFixed(2)} ms with the flood elsewhere, ${flood.p99Ms.toFixed(2)} ms in it`,
    )
  }
  return figureOf(
    'p99 of 300 paid requests a second in a flood of 3 000 unpaid, over that with the flood elsewhere',
    'satway',
    'of bare',
    flooded.map((ms, i) => ms / calm[i]!),
    {
      target: { atMost: 1.1 },
      note: `${median(calm).toFixed(2)} ms with the flood elsewhere, ${median(flooded).toFixed(2)} ms in it`,
    },
  )
}
