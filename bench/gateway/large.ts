import type { Chapter } from '../figures.ts'
import { median } from '../figures.ts'
import { figureOf, inRounds } from './chapters.ts'
import { startGateway } from './gateway.ts'
import { openStage, startGo, startHaproxy, startMiddleware, startNginx } from './servers.ts'

/** Bodies of 1 MiB. */
export const largeChapter: Chapter = {
  name: 'large',
  title: 'Paid requests, 1 MiB answers, 8 kept connections, one core each',
  async run(pace, progress) {
    const stage = await openStage()
    try {
      const satway = await startGateway(stage)
      const nginx = await startNginx(stage)
      const others = [await startHaproxy(stage), await startGo(stage), await startMiddleware(stage)]
      const proxies = [satway, nginx, ...others.filter((other) => other !== undefined)]
      const load = { connections: 8, seconds: pace.quick ? 1 : 3 }
      const rounds = await inRounds(proxies, '/large', load, pace, progress)
      const perSecond = (name: string): readonly number[] =>
        rounds.get(name)!.map((round) => round.perSecond)
      const cpuUs = (name: string): readonly number[] =>
        rounds.get(name)!.map((round) => round.cpuUs)
      const share = cpuUs('satway').map((ours, i) => cpuUs('nginx')[i]! / ours)
      return [
        figureOf('bodies per processor, share of nginx', 'satway', 'of bare', share, {
          target: { atLeast: 0.5 },
        }),
        ...proxies.map(({ name, who }) =>
          figureOf('MiB in a second', who, 'per second', perSecond(name), {
            note: `${(median(cpuUs(name)) / 1000).toFixed(2)} ms of processor time for one`,
          }),
        ),
      ]
    } finally {
      await stage.close()
    }
  },
}
