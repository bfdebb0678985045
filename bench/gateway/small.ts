import type { Chapter, Figure } from '../figures.ts'
import { median } from '../figures.ts'
import { figureOf, inRounds, type Round } from './chapters.ts'
import { startGateway } from './gateway.ts'
import type { Forwarder } from './servers.ts'
import { openStage, startGo, startHaproxy, startMiddleware, startNginx } from './servers.ts'

/** Requests of 512 bytes through every proxy: ours with a token that it checks, the others without. */
export const smallChapter: Chapter = {
  name: 'small',
  title: 'Paid requests, 512-byte answers, 50 kept connections, one core each',
  async run(pace, progress) {
    const stage = await openStage()
    try {
      const nginx = await startNginx(stage)
      const go = await startGo(stage)
      const others = [await startHaproxy(stage), go, await startMiddleware(stage)]
      const satway = await startGateway(stage)
      const proxies = [satway, nginx, ...others.filter((other) => other !== undefined)]
      const load = { connections: 50, seconds: pace.quick ? 1 : 3 }
      const rounds = await inRounds(proxies, '/small', load, pace, progress)
      return figures(proxies, rounds, { satway, nginx, go })
    } finally {
      await stage.close()
    }
  },
}

function figures(
  proxies: readonly Forwarder[],
  rounds: ReadonlyMap<string, readonly Round[]>,
  named: {
    readonly satway: Forwarder
    readonly nginx: Forwarder
    readonly go: Forwarder | undefined
  },
): readonly Figure[] {
  const of = (proxy: Forwarder, pick: (round: Round) => number): readonly number[] =>
    rounds.get(proxy.name)!.map(pick)
  // What one processor can serve. Where the load is the slower side, requests a second say more about
  // the load than about the proxy.
  const share = (peer: Forwarder): readonly number[] => {
    const theirs = of(peer, ({ cpuUs }) => cpuUs)
    return of(named.satway, ({ cpuUs }) => cpuUs).map((ours, i) => theirs[i]! / ours)
  }
  const shares = [
    figureOf('requests per processor, share of nginx', 'satway', 'of bare', share(named.nginx), {
      target: { atLeast: 0.33 },
    }),
  ]
  if (named.go !== undefined) {
    shares.push(
      figureOf('requests per processor, times Go', 'satway', 'of bare', share(named.go), {
        target: { atLeast: 1.3 },
      }),
    )
  }
  return [
    ...shares,
    ...proxies.map((proxy) =>
      figureOf(
        'requests',
        proxy.who,
        'per second',
        of(proxy, ({ perSecond }) => perSecond),
        {
          note: `${median(of(proxy, ({ cpuUs }) => cpuUs)).toFixed(1)} µs of processor time a request; ${Math.round(100 * median(of(proxy, ({ busy }) => busy)))} % busy`,
        },
      ),
    ),
    ...proxies.map((proxy) =>
      figureOf(
        'p99 at full load',
        proxy.who,
        'ms',
        of(proxy, ({ p99Ms }) => p99Ms),
      ),
    ),
    ...proxies.map((proxy) =>
      figureOf(
        'memory at full load',
        proxy.who,
        'MiB',
        of(proxy, ({ rssMiB }) => rssMiB),
      ),
    ),
  ]
}
