import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Chapter, Figure, Pace } from './figures.ts'
import { median, rangeOf } from './figures.ts'
import { installInNewFolder } from './installed.ts'
import { ours } from './peers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const cpuAtExit = fileURLToPath(new URL('child/cpu-at-exit.cjs', import.meta.url))

type Start = {
  readonly name: string
  readonly arguments: readonly string[]
  /** Default: the folder in which the library is installed. */
  readonly cwd?: string
}
type Took = { readonly cpuMs: number; readonly wallMs: number }

const bare: Start = { name: 'node -e 0', arguments: ['-e', '0'] }
const subpaths = [
  'satway',
  'satway/macaroon',
  'satway/server',
  'satway/client',
  'satway/lightning/devnet',
]
const imports: readonly Start[] = subpaths.map((subpath) => ({
  name: `import '${subpath}'`,
  arguments: ['-e', `import('${subpath}')`],
}))
const help: Start = {
  name: 'satway --help',
  arguments: ['program/bin/satway.js', '--help'],
  cwd: root,
}

/** What loading the library and starting the program cost, over a Node that does nothing. */
export const startChapter: Chapter = {
  name: 'start',
  title: 'Start, over a bare node',
  async run(pace, progress) {
    const starts = [bare, ...imports, help]
    progress(`${starts.length} programs, ${roundsOf(pace)} starts each`)
    const user = installInNewFolder()
    const took = startInRounds(starts, user, pace)
    rmSync(user, { recursive: true })
    const bareTook = took.get(bare)!
    return [
      ...figures(bare.name, bareTook, undefined),
      ...imports.flatMap((start) => {
        const target = start.name === "import 'satway'" ? { atMost: 25 } : undefined
        return figures(`${start.name}, more than bare`, took.get(start)!, bareTook, target)
      }),
      ...figures(`${help.name}, more than bare`, took.get(help)!, bareTook),
    ]
  },
}

function roundsOf(pace: Pace): number {
  return pace.quick ? 5 : 25
}

function startInRounds(
  starts: readonly Start[],
  user: string,
  pace: Pace,
): ReadonlyMap<Start, readonly Took[]> {
  const took = new Map<Start, Took[]>(starts.map((start) => [start, []]))
  for (let round = 0; round < roundsOf(pace); round++) {
    for (let i = 0; i < starts.length; i++) {
      const start = starts[(round + i) % starts.length]!
      took.get(start)!.push(run(start, user))
    }
  }
  return took
}

/** @throws {Error} when the process fails: a figure of a failed start is worth nothing. */
function run(start: Start, user: string): Took {
  const began = performance.now()
  const done = spawnSync(process.execPath, ['--require', cpuAtExit, ...start.arguments], {
    cwd: start.cwd ?? user,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const wallMs = performance.now() - began
  if (done.status !== 0) throw new Error(`${start.name} failed:\n${done.stderr}`)
  return { cpuMs: Number(done.output[3]) / 1000, wallMs }
}

function figures(
  what: string,
  took: readonly Took[],
  over: readonly Took[] | undefined,
  target?: Figure['target'],
): readonly Figure[] {
  return (['cpuMs', 'wallMs'] as const).map((kind) => {
    const base = over === undefined ? 0 : median(over.map((one) => one[kind]))
    const values = took.map((one) => one[kind] - base)
    const clock = kind === 'cpuMs' ? 'CPU' : 'wall'
    return {
      what: `${what}, ${clock}`,
      who: over === undefined ? `node ${process.versions.node}` : ours,
      value: median(values),
      unit: 'ms',
      range: rangeOf(values),
      ...(target === undefined ? {} : { target }),
    }
  })
}
