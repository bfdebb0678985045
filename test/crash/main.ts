// `npm run crash -- --kills 10000`: the same campaign as in the tests, for as long as you like.
import { parseArgs } from 'node:util'
import { crashPoints } from '../../library/src/client/crash-point.ts'
import { runCampaign } from './campaign.ts'

const { values } = parseArgs({ options: { kills: { type: 'string', default: '2400' } } })
const kills = Number(values.kills)
if (!Number.isInteger(kills) || kills < 1 || kills > 10_000_000) {
  process.stderr.write('Usage: npm run crash -- [--kills NUMBER]\n')
  process.exit(2)
}
const killsAtEachPoint = Math.ceil((kills * 0.6) / crashPoints.length)
const randomKills = Math.max(0, kills - killsAtEachPoint * crashPoints.length)
const began = performance.now()
let told = 0
const result = await runCampaign({
  killsAtEachPoint,
  randomKills,
  progress: (done, of) => {
    const isDue = performance.now() - told > 1000
    if (!isDue && done < of) return
    told = performance.now()
    const seconds = Math.round((told - began) / 1000)
    const line = `${done} of ${of} processes, ${seconds} s`
    process.stderr.write(process.stderr.isTTY ? `\r${line}\x1b[K` : `${line}\n`)
  },
})
process.stderr.write('\n')
process.stdout.write(
  `${JSON.stringify(result, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`,
)
const isSound =
  result.paidTwice.length === 0 &&
  result.lost.length === 0 &&
  result.preimagesLost === 0 &&
  result.budgetErrorMsat === 0n &&
  result.heldMsat === 0n &&
  result.fewestAtOnePoint >= killsAtEachPoint &&
  result.failures.length === 0
process.exit(isSound ? 0 : 1)
