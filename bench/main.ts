import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Chapter, Pace } from './figures.ts'
import { meetsTarget } from './figures.ts'
import type { ChapterResult } from './report.ts'
import { describeMachine, formatMarkdown, formatTable } from './report.ts'

/** Loaded one by one, after the build: they import the library as its users do. */
const chapters: Readonly<Record<string, () => Promise<Chapter>>> = {
  credential: async () => (await import('./credential.ts')).credentialChapter,
  invoice: async () => (await import('./invoice.ts')).invoiceChapter,
  routes: async () => (await import('./routes.ts')).routesChapter,
  devnet: async () => (await import('./devnet.ts')).devnetChapter,
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

const { quick, only, check } = readArguments()
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

const aimed = results.flatMap(({ figures }) => figures).filter(({ target }) => target !== undefined)
const missed = aimed.filter((figure) => meetsTarget(figure) === false)
say(`${aimed.length - missed.length} of ${aimed.length} targets met\n`)
for (const { what } of missed) say(`MISSED: ${what}\n`)

if (!quick && only === undefined) {
  const folder = new URL('results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const json = JSON.stringify({ machine, chapters: results }, null, 2)
  writeFileSync(new URL('latest.json', folder), `${json}\n`)
  writeFileSync(new URL('latest.md', folder), formatMarkdown(machine, results))
  say('Written: bench/results/latest.json and bench/results/latest.md\n')
}
process.exitCode = check && missed.length > 0 ? 1 : 0

function readArguments(): { quick: boolean; check: boolean; only: string | undefined } {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        only: { type: 'string' },
      },
    })
    const name = values.only
    if (name !== undefined && !Object.hasOwn(chapters, name))
      throw new Error(`no chapter "${name}"`)
    return { quick: values.quick, check: values.check, only: name }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    process.exit(2)
  }
}

/** The figures are those of the built library, as it is published. */
function build(): void {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const built = spawnSync(process.execPath, ['tools/build.ts'], { cwd: root, stdio: 'inherit' })
  if (built.status === 0) return
  process.stderr.write('The build failed; its messages are above.\n')
  process.exit(1)
}

function say(text: string): void {
  process.stdout.write(text)
}

function note(line: string): void {
  process.stderr.write(`… ${line}\n`)
}
