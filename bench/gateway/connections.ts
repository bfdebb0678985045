import { fileURLToPath } from 'node:url'
import { startWorker } from '../child/processes.ts'
import type { Chapter, Figure } from '../figures.ts'
import { configureGateway, startGateway } from './gateway.ts'
import { freePort, loadCpu, start, usageOf } from './machine.ts'
import { openStage } from './servers.ts'

const idle = 10_000
const streams = 1000

type Held = { readonly open: number; readonly streaming: number }

/** Memory of one process that holds many connections. */
export const connectionsChapter: Chapter = {
  name: 'connections',
  title: `${idle} idle connections and ${streams} slow streams, one process`,
  async run(pace, progress) {
    const stage = await openStage()
    const crowd = startWorker('../gateway/crowd.ts', [], loadCpu)
    try {
      const port = await freePort()
      const script = fileURLToPath(new URL('slow-upstream.ts', import.meta.url))
      stage.keep(await start(loadCpu, [process.execPath, script, String(port)], port))
      const satway = await startGateway(stage, await configureGateway(stage, port))
      const head = (path: string): string =>
        `GET ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: ${satway.headers['Authorization']}\r\n\r\n`
      const many = { port: satway.port, head: head('/small'), count: pace.quick ? 1000 : idle }
      const { open } = await crowd.ask<Held>(many)
      progress(`${open} connections, ${usageOf(satway.running.pid).rssMiB.toFixed(0)} MiB`)
      const slow = { ...many, head: head('/slow'), count: pace.quick ? 100 : streams }
      await crowd.ask<Held>(slow)
      const held = await crowd.ask<Held>('count')
      const { rssMiB } = usageOf(satway.running.pid)
      progress(`${held.open} connections, ${held.streaming} streams, ${rssMiB.toFixed(0)} MiB`)
      if (held.open !== many.count + slow.count || held.streaming !== slow.count) {
        throw new Error(`${held.open} connections are open and ${held.streaming} stream`)
      }
      const figure: Figure = {
        what: `memory with ${held.open} connections, ${held.streaming} of them streaming`,
        who: 'satway',
        value: rssMiB,
        unit: 'MiB',
        target: { atMost: 400 },
      }
      return [figure]
    } finally {
      await crowd.stop()
      await stage.close()
    }
  },
}
