import type { Command } from './command.ts'
import type { Entry } from './commands.ts'
import { entries, groups } from './commands.ts'
import { exitCodes } from './exit-codes.ts'
import type { Screen } from './screen.ts'

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

  const found = await findCommand(args)
  if (found === undefined) return await notFound(first, rest, version)
  const command = await found.entry.load()
  if (asksForHelp(found.rest)) return await commandHelp(command)
  return await runCommand(command, found.rest)
}

/** The command with the most words that the arguments begin with. */
async function findCommand(
  args: readonly string[],
): Promise<{ readonly entry: Entry; readonly rest: readonly string[] } | undefined> {
  const group = groups.find(({ name }) => name === args[0])
  const candidates = group === undefined ? entries : await group.entries()
  for (let words = Math.min(3, args.length); words > 0; words--) {
    const name = args.slice(0, words).join(' ')
    const entry = candidates.find((candidate) => candidate.name === name)
    if (entry !== undefined) return { entry, rest: args.slice(words) }
  }
  return undefined
}

async function notFound(first: string, rest: readonly string[], version: string): Promise<number> {
  const group = groups.find(({ name }) => name === first)
  if (group === undefined) return await mistake(`unknown command ${shown(first)}`)
  const commands = await group.entries()
  if (asksForHelp(rest)) return await overview(process.stdout, version, 0, commands)
  const [word] = rest
  if (word === undefined) return await overview(process.stderr, version, exitCodes.usage, commands)
  process.stderr.write(`satway ${first}: unknown command ${shown(rest.slice(0, 2).join(' '))}\n`)
  process.stderr.write(`Commands: ${commands.map(({ name }) => name).join(', ')}\n`)
  return exitCodes.usage
}

async function runCommand(command: Command, args: readonly string[]): Promise<number> {
  const { readCommandLine } = await import('./command.ts')
  try {
    return await command.run(readCommandLine(command, args))
  } catch (error) {
    const { explain } = await import('./explain.ts')
    return await explain(error, command, args)
  }
}

async function help(names: readonly string[], version: string): Promise<number> {
  const [name] = names
  if (name === undefined) return await overview(process.stdout, version, 0)
  const found = await findCommand(names)
  if (found !== undefined) return await commandHelp(await found.entry.load())
  const group = groups.find((candidate) => candidate.name === name)
  if (group === undefined || names.length > 1) {
    return await mistake(`unknown command ${shown(names.join(' '))}`)
  }
  return await overview(process.stdout, version, 0, await group.entries())
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
  commands: readonly Entry[] = entries,
): Promise<number> {
  const { renderOverview } = await import('./help.ts')
  const more = commands === entries ? groups : []
  stream.write(renderOverview(await screenOf(stream), version, commands, more))
  return exitCode
}

async function mistake(message: string): Promise<number> {
  process.stderr.write(`satway: ${message}\nUsage: satway COMMAND [options]\n`)
  const names = [...entries, ...groups].map(({ name }) => name)
  process.stderr.write(`Commands: ${names.join(', ')}, help\n`)
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

/**
 * Whoever reads our output may stop before its end, as `head` does. That is no failure; a full disk is
 * one. That nobody reads what is said beside it is no reason to end at all, in the middle of a payment
 * perhaps.
 */
function stopAtBrokenPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? exitCodes.ok)
    failAtEnd(error)
  })
  process.stderr.on('error', () => undefined)
}

/** What was not written must not look like a success. A command that noticed has said it itself. */
function failAtEnd({ code }: NodeJS.ErrnoException): void {
  process.once('exit', (exitCode) => {
    if (exitCode !== exitCodes.ok) return
    process.exitCode = exitCodes.failed
    process.stderr.write(
      `satway: standard output cannot be written (${code ?? 'unknown reason'}).\n`,
    )
  })
}

function shown(argument: string): string {
  return JSON.stringify(argument.slice(0, 40))
}
