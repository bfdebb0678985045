import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Chapter, Figure } from './figures.ts'
import { meetsTarget } from './figures.ts'
import type { ChapterResult } from './report.ts'

/** Loaded one by one, after the build: they import what is measured as its users do. */
export type Chapters = Readonly<Record<string, () => Promise<Chapter>>>

export type BenchArguments = {
  readonly quick: boolean
  readonly check: boolean
  readonly only: string | undefined
}

/** Reads the command line; ends the process with 2 and the usage where it has a mistake. */
export function readArguments(chapters: Chapters, usage: string): BenchArguments {
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

/** The figures are those of what is built, as it is published. Ends the process where it does not build. */
export function build(): void {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const built = spawnSync(process.execPath, ['tools/build.ts'], { cwd: root, stdio: 'inherit' })
  if (built.status === 0) return
  process.stderr.write('The build failed; its messages are above.\n')
  process.exit(1)
}

/** Says how many targets are met, and which are not. @returns What was missed. */
export function sayTargets(results: readonly ChapterResult[]): readonly Figure[] {
  const aimed = results
    .flatMap(({ figures }) => figures)
    .filter(({ target }) => target !== undefined)
  const missed = aimed.filter((figure) => meetsTarget(figure) === false)
  process.stdout.write(`${aimed.length - missed.length} of ${aimed.length} targets met\n`)
  for (const { what } of missed) process.stdout.write(`MISSED: ${what}\n`)
  return missed
}
