import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { bundleChapter } from './bundle.ts'
import { credentialChapter } from './credential.ts'
import { devnetChapter } from './devnet.ts'
import type { Chapter, Pace } from './figures.ts'
import { meetsTarget } from './figures.ts'
import { invoiceChapter } from './invoice.ts'
import { packageChapter } from './package.ts'
import type { ChapterResult } from './report.ts'
import { describeMachine, formatMarkdown, formatTable } from './report.ts'
import { routesChapter } from './routes.ts'
import { startChapter } from './start.ts'

const chapters: readonly Chapter[] = [
  credentialChapter,
  invoiceChapter,
  routesChapter,
  devnetChapter,
  startChapter,
  bundleChapter,
  packageChapter,
]

const usage = `usage: npm run bench -- [--quick] [--only NAME] [--check]
  --quick      short rounds: shows that it runs; the figures are rough
  --only NAME  one chapter: ${chapters.map(({ name }) => name).join(', ')}
  --check      exit 1 when a target is missed
A whole run, neither quick nor of one chapter, writes bench/results/latest.json and latest.md.
`

const options = readArguments()
const machine = describeMachine()
const pace: Pace = { quick: options.quick, rounds: options.quick ? 3 : 9 }
const chosen = chapters.filter(({ name }) => options.only === undefined || name === options.only)

say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node.slice(1)}\n\n`)
const results: ChapterResult[] = []
for (const chapter of chosen) {
  const began = performance.now()
  const figures = await chapter.run(pace, (line) => process.stderr.write(`… ${chapter.name}: ${line}\n`))
  const result = { name: chapter.name, title: chapter.title, figures }
  results.push(result)
  say(`${formatTable(result)}\n`)
  process.stderr.write(`… ${chapter.name}: ${((performance.now() - began) / 1000).toFixed(0)} s\n\n`)
}

const missed = results.flatMap(({ figures }) => figures.filter((figure) => meetsTarget(figure) === false))
const aimed = results.flatMap(({ figures }) => figures.filter(({ target }) => target !== undefined))
say(`${aimed.length - missed.length} of ${aimed.length} targets met\n`)
for (const { what } of missed) say(`MISSED: ${what}\n`)

if (!options.quick && options.only === undefined) {
  const folder = new URL('results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  writeFileSync(new URL('latest.json', folder), `${JSON.stringify({ machine, chapters: results }, null, 2)}\n`)
  writeFileSync(new URL('latest.md', folder), formatMarkdown(machine, results))
  say('Written: bench/results/latest.json, bench/results/latest.md\n')
}
process.exitCode = options.check && missed.length > 0 ? 1 : 0

function readArguments(): { quick: boolean; check: boolean; only: string | undefined } {
  try {
    const { values } = parseArgs({
      options: { quick: { type: 'boolean' }, check: { type: 'boolean' }, only: { type: 'string' } },
    })
    const { quick = false, check = false, only } = values
    if (only !== undefined && !chapters.some(({ name }) => name === only)) throw new Error(`no chapter "${only}"`)
    return { quick, check, only }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    process.exit(2)
  }
}

function say(text: string): void {
  process.stdout.write(text)
}
