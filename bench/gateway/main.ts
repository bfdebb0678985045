import { mkdirSync, writeFileSync } from 'node:fs'
import { canPin } from '../child/processes.ts'
import type { Chapters } from '../command.ts'
import { build, readArguments, sayTargets } from '../command.ts'
import type { Pace } from '../figures.ts'
import type { ChapterResult } from '../report.ts'
import { describeMachine, formatMarkdown, formatTable } from '../report.ts'
import { versionOf } from './machine.ts'

const chapters: Chapters = {
  small: async () => (await import('./small.ts')).smallChapter,
  large: async () => (await import('./large.ts')).largeChapter,
  steady: async () => (await import('./steady-rate.ts')).steadyChapter,
  connections: async () => (await import('./connections.ts')).connectionsChapter,
  challenges: async () => (await import('./challenges.ts')).challengesChapter,
  start: async () => (await import('./start-with-tokens.ts')).startChapter,
}

const usage = `usage: npm run bench:gateway -- [--quick] [--only NAME] [--check]
  --quick      short rounds: shows that it runs; the figures are rough
  --only NAME  one chapter: ${Object.keys(chapters).join(', ')}
  --check      exit 1 when a target is missed
Needs nginx, wrk and taskset, two processors, and Linux; haproxy and Go join where they are there.
A whole run, neither quick nor of one chapter, writes bench/results/gateway.json and gateway.md.
`

const { quick, only, check } = readArguments(chapters, usage)
const lacks = ['nginx', 'wrk'].filter((name) => versionOf(name, ['-v']) === undefined)
if (lacks.length > 0 || !canPin) {
  process.stderr.write(
    `Missing: ${[...lacks, ...(canPin ? [] : ['two processors and taskset'])].join(', ')}\n${usage}`,
  )
  process.exit(2)
}
const pace: Pace = { quick, rounds: quick ? 3 : 7 }
build()

const machine = describeMachine()
process.stdout.write(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node.slice(1)}\n\n`)
const results: ChapterResult[] = []
for (const [name, load] of Object.entries(chapters)) {
  if (only !== undefined && name !== only) continue
  const began = performance.now()
  const chapter = await load()
  const figures = await chapter.run(pace, (line) => note(`${name}: ${line}`))
  note(`${name}: ${((performance.now() - began) / 1000).toFixed(0)} s`)
  const result = { name, title: chapter.title, figures }
  process.stdout.write(`${formatTable(result)}\n`)
  results.push(result)
}

const missed = sayTargets(results)

if (!quick && only === undefined) {
  const folder = new URL('../results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const json = JSON.stringify({ machine, chapters: results }, null, 2)
  writeFileSync(new URL('gateway.json', folder), `${json}\n`)
  writeFileSync(new URL('gateway.md', folder), formatMarkdown(machine, results, 'bench:gateway'))
  process.stdout.write('Written: bench/results/gateway.json and bench/results/gateway.md\n')
}
process.exitCode = check && missed.length > 0 ? 1 : 0

function note(line: string): void {
  process.stderr.write(`… ${line}\n`)
}
