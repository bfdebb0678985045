import { mkdirSync, writeFileSync } from 'node:fs'
import type { Chapters } from './command.ts'
import { build, readArguments, sayTargets } from './command.ts'
import type { Pace } from './figures.ts'
import type { ChapterResult } from './report.ts'
import { describeMachine, formatMarkdown, formatTable } from './report.ts'

const chapters: Chapters = {
  credential: async () => (await import('./credential.ts')).credentialChapter,
  invoice: async () => (await import('./invoice.ts')).invoiceChapter,
  routes: async () => (await import('./routes.ts')).routesChapter,
  devnet: async () => (await import('./devnet.ts')).devnetChapter,
  journal: async () => (await import('./journal.ts')).journalChapter,
  buying: async () => (await import('./buying.ts')).buyingChapter,
  wallets: async () => (await import('./wallets.ts')).walletsChapter,
  start: async () => (await import('./start.ts')).startChapter,
  bundle: async () => (await import('./bundle.ts')).bundleChapter,
  package: async () => (await import('./package.ts')).packageChapter,
}

const usage = `usage: npm run bench -- [--quick] [--only NAME] [--check]
  --quick      short rounds: shows that it runs; the figures are rough
  --only NAME  one chapter: ${Object.keys(chapters).join(', ')}
  --check      exit 1 when a target is missed
A whole run, neither quick nor of one chapter, writes bench/results/latest.json and latest.md.
`

const { quick, only, check } = readArguments(chapters, usage)
const pace: Pace = { quick, rounds: quick ? 3 : 9 }
const machine = describeMachine()
build()

say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node.slice(1)}\n\n`)
const results: ChapterResult[] = []
for (const [name, load] of Object.entries(chapters)) {
  if (only !== undefined && name !== only) continue
  const began = performance.now()
  const chapter = await load()
  const figures = await chapter.run(pace, (line) => note(`${name}: ${line}`))
  note(`${name}: ${((performance.now() - began) / 1000).toFixed(0)} s\n`)
  const result = { name, title: chapter.title, figures }
  say(`${formatTable(result)}\n`)
  results.push(result)
}

const missed = sayTargets(results)

if (!quick && only === undefined) {
  const folder = new URL('results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const json = JSON.stringify({ machine, chapters: results }, null, 2)
  writeFileSync(new URL('latest.json', folder), `${json}\n`)
  writeFileSync(new URL('latest.md', folder), formatMarkdown(machine, results))
  say('Written: bench/results/latest.json and bench/results/latest.md\n')
}
process.exitCode = check && missed.length > 0 ? 1 : 0

function say(text: string): void {
  process.stdout.write(text)
}

function note(line: string): void {
  process.stderr.write(`… ${line}\n`)
}
