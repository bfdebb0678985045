import type { Command } from './command.ts'
import { exitCodes } from './exit-codes.ts'
import type { Summary } from './help.ts'
import type { Screen } from './screen.ts'

type Entry = Summary & { load(): Promise<Command> }

/** What there is. A command's own file is loaded when it is asked for, and no other. */
const entries: readonly Entry[] = [
  {
    name: 'demo',
    usage: '[options]',
    about: 'Sell and buy on an embedded network: an API, its paywall, a buyer. No real money.',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'get',
    usage: '[options] URL',
    about: 'Make one HTTP request; if the answer is 402, check the invoice, pay it, ask again.',
    load: async () => (await import('./get.ts')).get,
  },
  {
    name: 'decode',
    usage: '[options] TEXT',
    about: 'Show what an invoice, a macaroon, a challenge or a credential says.',
    load: async () => (await import('./decode.ts')).decode,
  },
]

/**
 * Runs one command line.
 *
 * @param args - Without the program's own name.
 * @returns the exit code.
 */
export async function run(args: readonly string[], version: string): Promise<number> {
  stopAtBrokenPipe()
  const [first, ...rest] = args
  if (first === undefined) return await overview(process.stderr, version, exitCodes.usage)
  if (first === '--help' || first === '-h') return await overview(process.stdout, version, 0)
  if (first === 'help') return await help(rest, version)
  if (first.startsWith('-')) return await mistake(`unknown option ${shown(first)}`)

  const entry = entries.find(({ name }) => name === first)
  if (entry === undefined) return await mistake(`unknown command ${shown(first)}`)
  const command = await entry.load()
  if (asksForHelp(rest)) return await commandHelp(command)
  return await runCommand(command, rest)
}

async function runCommand(command: Command, args: readonly string[]): Promise<number> {
  const { readCommandLine } = await import('./command.ts')
  try {
    return await command.run(readCommandLine(command, args))
  } catch (error) {
    const { explain } = await import('./explain.ts')
    return await explain(error, command)
  }
}

async function help(names: readonly string[], version: string): Promise<number> {
  const [name] = names
  if (name === undefined) return await overview(process.stdout, version, 0)
  const entry = entries.find((candidate) => candidate.name === name)
  if (entry === undefined) return await mistake(`unknown command ${shown(name)}`)
  return await commandHelp(await entry.load())
}

async function commandHelp(command: Command): Promise<number> {
  const { renderHelp } = await import('./help.ts')
  process.stdout.write(renderHelp(await screenOf(process.stdout), command))
  return exitCodes.ok
}

async function overview(
  stream: NodeJS.WriteStream,
  version: string,
  exitCode: number,
): Promise<number> {
  const { renderOverview } = await import('./help.ts')
  stream.write(renderOverview(await screenOf(stream), version, entries))
  return exitCode
}

async function mistake(message: string): Promise<number> {
  process.stderr.write(`satway: ${message}\nUsage: satway COMMAND [options]\n`)
  process.stderr.write(`Commands: ${entries.map(({ name }) => name).join(', ')}, help\n`)
  return exitCodes.usage
}

async function screenOf(stream: NodeJS.WriteStream): Promise<Screen> {
  const { openScreen } = await import('./screen.ts')
  return openScreen(stream)
}

/** `--help` counts until `--`, after which everything is an operand. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  const flags = end === -1 ? args : args.slice(0, end)
  return flags.some((arg) => arg === '--help' || arg === '-h')
}

/** Whoever reads our output may stop before its end, as `head` does. That is no failure. */
function stopAtBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit(process.exitCode ?? exitCodes.ok)
    })
  }
}

function shown(argument: string): string {
  return JSON.stringify(argument.slice(0, 40))
}
