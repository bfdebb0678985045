import type { Command } from './command.ts'
import { exitCodes } from './exit-codes.ts'
import { Failure, UsageMistake } from './failure.ts'
import { usageLine } from './help.ts'

/**
 * Says on stderr why a command ended, and what to do about it.
 *
 * @param args - Of the command, as they were given.
 * @returns the exit code.
 */
export async function explain(
  error: unknown,
  command: Command,
  args: readonly string[] = [],
): Promise<number> {
  if (wantsReport(command, args)) {
    const { mistakeReport } = await import('./mistake-report.ts')
    const report = mistakeReport(args, error)
    if (report !== undefined) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  }
  if (error instanceof UsageMistake) {
    process.stderr.write(`satway ${command.name}: ${error.message}\n${usageLine(command)}\n`)
    process.stderr.write(`See \`satway help ${command.name}\`.\n`)
    return exitCodes.usage
  }
  if (error instanceof Failure) {
    process.stderr.write(`satway ${command.name}: ${error.message}\n`)
    if (error.advice !== undefined) process.stderr.write(`${error.advice}\n`)
    return error.exitCode
  }
  const { isL402Error } = await import('satway')
  if (isL402Error(error)) {
    process.stderr.write(`satway ${command.name}: ${error.message}\n`)
    return exitCodes.failed
  }
  // A fault of the program: the stack is what a report needs.
  process.stderr.write(`satway ${command.name}: this is a fault of satway, please report it\n`)
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  return exitCodes.failed
}

/** A program that makes calls reads one document, whatever comes of it. */
function wantsReport({ name }: Command, args: readonly string[]): boolean {
  if (name !== 'get' && name !== 'resume') return false
  const end = args.indexOf('--')
  return (end === -1 ? args : args.slice(0, end)).includes('--json')
}
