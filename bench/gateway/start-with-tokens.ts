import { DatabaseSync } from 'node:sqlite'
import { openState } from '../../program/src/gateway/state/index.ts'
import type { Chapter } from '../figures.ts'
import { figureOf } from './chapters.ts'
import { configureGateway, startGateway } from './gateway.ts'
import { openStage } from './servers.ts'

const tokens = 1_000_000

/** From the start of the process to the first paid answer, with a state that has seen much. */
export const startChapter: Chapter = {
  name: 'start',
  title: `Start with ${tokens} stored tokens`,
  async run(pace, progress) {
    const stage = await openStage()
    try {
      const files = await configureGateway(stage)
      fill(files.state, pace.quick ? tokens / 10 : tokens)
      const times: number[] = []
      for (let round = 1; round <= pace.rounds; round++) {
        const began = performance.now()
        const { port, headers, running } = await startGateway(stage, files)
        const response = await fetch(`http://127.0.0.1:${port}/small`, { headers })
        if (response.status !== 200) throw new Error(`the first answer is ${response.status}`)
        await response.arrayBuffer()
        times.push(performance.now() - began)
        progress(`round ${round} of ${pace.rounds}: ${times.at(-1)!.toFixed(0)} ms`)
        await running.stop()
      }
      return [
        figureOf('start to the first paid answer', 'satway', 'ms', times, {
          target: { atMost: 1000 },
        }),
      ]
    } finally {
      await stage.close()
    }
  },
}

/** As many payments and counted purchases as a gateway has after a long time. */
function fill(file: string, count: number): void {
  openState({ file, owner: 'bench' }).close()
  const database = new DatabaseSync(file)
  const now = Math.floor(Date.now() / 1000)
  const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)'
  database.exec('BEGIN')
  database
    .prepare(
      `${numbers} INSERT INTO payments
       (payment_hash, token_id, amount_msat, settled_at, service, capability, is_reported, uses,
        valid_until, last_seen, is_revoked)
       SELECT randomblob(32), randomblob(32), 10000, :now - i, 'bench', 'all', 1, 1,
        :now + 86400, :now - i, 0 FROM n`,
    )
    .run({ count, now })
  database
    .prepare(
      `${numbers} INSERT INTO purchases
       (payment_hash, expires_at, keep_until, counters, own_counters, is_over)
       SELECT randomblob(32), :now + 86400, 1000000000, 1, 1, 0 FROM n`,
    )
    .run({ count, now })
  database.exec(
    `INSERT INTO counters (purchase, unit, key, taken, complement)
     SELECT id, 0, x'', 1, ~1 FROM purchases`,
  )
  database.exec('COMMIT')
  database.close()
}
