import { Writable } from 'node:stream'
import type { Command, Given } from '../../program/src/cli/command.ts'
import { readCommandLine } from '../../program/src/cli/command.ts'
import { Failure } from '../../program/src/cli/failure.ts'
import type { Screen } from '../../program/src/cli/screen.ts'
import { openScreen } from '../../program/src/cli/screen.ts'
import type { Desk } from '../../program/src/desk/index.ts'

/** How a command ended, and what it wrote, without its colours. */
export type Ended = {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** What was asked at the terminal. */
  readonly asked: readonly string[]
}

export type DeskOptions = {
  /** Columns of a terminal; without one, output goes into a pipe. */
  readonly terminal?: number
  readonly environment?: Readonly<Record<string, string>>
  readonly now?: () => number
  /** What somebody at the terminal says; without one, nobody is there. */
  readonly says?: boolean
}

/** Runs one command as the program would, at a desk of the test's own. */
export async function runAt(
  home: string,
  command: Command,
  run: (given: Given, desk: Desk) => Promise<number>,
  args: readonly string[],
  options: DeskOptions = {},
): Promise<Ended> {
  const [stdout, stderr] = [collect(options.terminal), collect(options.terminal)]
  const asked: string[] = []
  const desk: Desk = {
    screen: stdout.screen,
    notes: stderr.screen,
    environment: { SATWAY_HOME: home, ...options.environment },
    now: options.now ?? (() => Math.floor(Date.now() / 1000)),
    confirm: async (question) => {
      asked.push(question)
      return options.says
    },
  }
  const ended = (code: number, more = ''): Ended => {
    return { code, stdout: stdout.text(), stderr: stderr.text() + more, asked }
  }
  try {
    return ended(await run(readCommandLine(command, args), desk))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return ended(error.exitCode, `${error.message}\n${error.advice ?? ''}\n`)
  }
}

function collect(columns: number | undefined): { readonly screen: Screen; text(): string } {
  const written: string[] = []
  const stream = new Writable({
    write: (chunk, _, done) => {
      written.push(String(chunk))
      done()
    },
  })
  const facts = columns === undefined ? { isTTY: false } : { isTTY: true, columns, rows: 24 }
  const screen = openScreen(Object.assign(stream, facts) as unknown as NodeJS.WriteStream)
  return { screen, text: () => withoutStyles(written.join('')) }
}

/** Colours alone: what else a terminal would obey stays to be seen. */
function withoutStyles(text: string): string {
  return text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '')
}
