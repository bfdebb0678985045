import type { LoadOrder, LoadReport } from './child/load.ts'
import type { Worker } from './child/processes.ts'
import { canPin, startWorker } from './child/processes.ts'
import type { Ready, Usage } from './child/route-server.ts'
import type { Chapter, Figure, Pace } from './figures.ts'
import { median, rangeOf } from './figures.ts'
import { ours, peer } from './peers.ts'

type Subject = {
  readonly name: 'satway-hono' | 'satway-express' | 'mppx-hono' | 'mppx-express'
  readonly framework: string
  readonly who: string
  readonly target?: Figure['target']
}

/** What a route keeps of its speed when it is protected and every request is already paid. */
export const routesChapter: Chapter = {
  name: 'routes',
  title: 'A protected, already paid route, against the bare route of the same server',
  async run(pace, progress) {
    const subjects: readonly Subject[] = [
      { name: 'satway-hono', framework: peer('hono'), who: ours, target: { atLeast: 0.7 } },
      { name: 'mppx-hono', framework: peer('hono'), who: peer('mppx') },
      { name: 'satway-express', framework: peer('express'), who: ours, target: { atLeast: 0.85 } },
      { name: 'mppx-express', framework: peer('express'), who: peer('mppx') },
    ]
    const load = startWorker('load.ts', [], 1)
    const servers = new Map<Subject, Worker>()
    try {
      for (const subject of subjects)
        servers.set(subject, startWorker('route-server.ts', [subject.name], 0))
      const rounds = await measure(subjects, servers, load, pace, progress)
      return subjects.flatMap((subject) => figuresOf(subject, rounds.get(subject)!))
    } finally {
      for (const worker of [load, ...servers.values()]) await worker.stop()
    }
  },
}

type Round = {
  readonly perSecond: number
  readonly cpuUs: number
  /** Share of one processor that the server used: near 1, or the load was the bottleneck. */
  readonly busy: number
}
type Rounds = { readonly bare: Round[]; readonly paid: Round[] }

async function measure(
  subjects: readonly Subject[],
  servers: ReadonlyMap<Subject, Worker>,
  load: Worker,
  pace: Pace,
  progress: (line: string) => void,
): Promise<ReadonlyMap<Subject, Rounds>> {
  const seconds = pace.quick ? 1 : 2
  const all = new Map<Subject, Rounds>()
  const ready = new Map<Subject, Ready>()
  for (const subject of subjects) {
    ready.set(subject, (await servers.get(subject)!.ready) as Ready)
    all.set(subject, { bare: [], paid: [] })
  }
  // Round 0 warms the servers up and is not counted.
  for (let round = 0; round <= pace.rounds; round++) {
    for (const subject of subjects) {
      const { bareUrl, paidUrl, authorization } = ready.get(subject)!
      const rounds = all.get(subject)!
      const order = { connections: 50, seconds }
      const bare = await oneRound(servers.get(subject)!, load, {
        ...order,
        url: bareUrl,
        authorization: undefined,
      })
      const paid = await oneRound(servers.get(subject)!, load, {
        ...order,
        url: paidUrl,
        authorization,
      })
      if (round === 0) continue
      rounds.bare.push(bare)
      rounds.paid.push(paid)
      progress(
        `round ${round} of ${pace.rounds}, ${subject.name}: ${bare.perSecond.toFixed(0)} bare, ` +
          `${paid.perSecond.toFixed(0)} paid (${(paid.perSecond / bare.perSecond).toFixed(2)})`,
      )
    }
  }
  return all
}

/** @throws {Error} when a response was not 2xx: the route did not do its work. */
async function oneRound(server: Worker, load: Worker, order: LoadOrder): Promise<Round> {
  const before = await server.ask<Usage>('usage')
  const report = await load.ask<LoadReport>(order)
  const after = await server.ask<Usage>('usage')
  if (report.failures > 0 || report.requests === 0) {
    throw new Error(`${order.url}: ${report.failures} of ${report.requests} requests failed`)
  }
  const cpuUs = after.cpuUs - before.cpuUs
  return {
    perSecond: report.requests / report.seconds,
    cpuUs: cpuUs / report.requests,
    busy: cpuUs / (report.seconds * 1e6),
  }
}

function figuresOf(subject: Subject, { bare, paid }: Rounds): readonly Figure[] {
  const perSecond = (rounds: readonly Round[]) => rounds.map((round) => round.perSecond)
  const cpuUs = (rounds: readonly Round[]) => rounds.map((round) => round.cpuUs)
  const busy = median([...bare, ...paid].map((round) => round.busy))
  // What one processor can serve: on a machine that does other things too, the requests of a second
  // say more about those than about the server.
  const pairs = bare.map((round, i) => round.cpuUs / paid[i]!.cpuUs)
  const { framework, who } = subject
  return [
    {
      what: `${framework}, share of the bare route`,
      who,
      value: median(cpuUs(bare)) / median(cpuUs(paid)),
      unit: 'of bare',
      range: rangeOf(pairs),
      ...(subject.target === undefined ? {} : { target: subject.target }),
      note: `Processor time of the server a request: ${median(cpuUs(bare)).toFixed(1)} µs bare, ${median(cpuUs(paid)).toFixed(1)} µs paid; the server was ${Math.round(busy * 100)} % busy${canPin ? '' : ', processors not pinned'}`,
    },
    {
      what: `${framework}, bare`,
      who,
      value: median(perSecond(bare)),
      unit: 'per second',
      range: rangeOf(perSecond(bare)),
    },
    {
      what: `${framework}, paid`,
      who,
      value: median(perSecond(paid)),
      unit: 'per second',
      range: rangeOf(perSecond(paid)),
    },
  ]
}
