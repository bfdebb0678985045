import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Chapter } from '../figures.ts'
import { figureOf } from './chapters.ts'
import { runWrk } from './load.ts'
import { freePort, start, subjectCpu } from './machine.ts'
import { openStage } from './servers.ts'

/** Answers that ask for payment, with a wallet that costs nothing. */
export const challengesChapter: Chapter = {
  name: 'challenges',
  title: '402 answers, one core, a wallet that answers at once',
  async run(pace, progress) {
    const stage = await openStage()
    try {
      const port = await freePort()
      const script = fileURLToPath(new URL('challenge-server.ts', import.meta.url))
      const command = [process.execPath, script, String(port), join(stage.folder, 'state.db')]
      stage.keep(await start(subjectCpu, command, port))
      const rates: Record<'/once' | '/any', number[]> = { '/once': [], '/any': [] }
      for (let round = 0; round <= pace.rounds; round++) {
        for (const path of ['/once', '/any'] as const) {
          const { perSecond } = await runWrk({
            url: `http://127.0.0.1:${port}${path}`,
            connections: 50,
            seconds: pace.quick ? 1 : 3,
            expectsRefusal: true,
          })
          if (round === 0) continue
          rates[path].push(perSecond)
          progress(`round ${round} of ${pace.rounds}, ${path}: ${perSecond.toFixed(0)}/s`)
        }
      }
      return [
        figureOf('a new invoice and token each time', 'satway', 'per second', rates['/once'], {
          target: { atLeast: 5000 },
        }),
        figureOf('the open challenge again', 'satway', 'per second', rates['/any']),
      ]
    } finally {
      await stage.close()
    }
  },
}
