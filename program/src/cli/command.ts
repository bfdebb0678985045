import { parseArgs } from 'node:util'
import { UsageMistake } from './failure.ts'
import type { Row } from './screen.ts'

export type Flag = {
  /** One letter, without the dash. */
  readonly short?: string
  /** What the value is called in the help. Absent: the flag takes no value. */
  readonly value?: string
  /** Whether it may be given more than once. */
  readonly repeats?: boolean
  readonly about: string
}

/** What a command is and takes. Loading one loads none of the code that does its work. */
export type Command = {
  readonly name: string
  /** What follows the name in the usage line. */
  readonly usage: string
  /** Paragraphs. */
  readonly about: readonly string[]
  readonly flags: Readonly<Record<string, Flag>>
  /** Arguments without a dash: how many there must be. */
  readonly operands: 0 | 1
  /** How many more there may be. Default 0. */
  readonly optionalOperands?: 0 | 1 | 2 | 3
  /** Titled tables after the flags: exit codes. */
  readonly sections: readonly { readonly title: string; readonly rows: readonly Row[] }[]
  /** Commands to copy. */
  readonly examples: readonly string[]
  /** @returns the exit code. */
  run(given: Given): Promise<number>
}

/** A command line that fits its command. */
export type Given = {
  readonly operands: readonly string[]
  has(flag: string): boolean
  /** The value of a flag, or `undefined` when it was not given. */
  text(flag: string): string | undefined
  /** Every value of a flag that repeats. */
  texts(flag: string): readonly string[]
}

/**
 * Reads a command line strictly: every flag is known, has its value, and is given once unless it
 * repeats.
 *
 * @throws {UsageMistake} naming the first mistake.
 */
export function readCommandLine(command: Command, args: readonly string[]): Given {
  const { values, positionals, tokens } = parse(command, args)
  const seen = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const repeats = command.flags[token.name]?.repeats === true
    if (seen.has(token.name) && !repeats) throw new UsageMistake(`--${token.name} is given twice`)
    seen.add(token.name)
  }
  if (positionals.length < command.operands) throw new UsageMistake(missing(command))
  const most = command.operands + (command.optionalOperands ?? 0)
  if (positionals.length > most) {
    throw new UsageMistake(`"${positionals[most]}" is one argument too many`)
  }
  return {
    operands: positionals,
    has: (flag) => seen.has(flag),
    text: (flag) => values[flag]?.at(-1)?.toString(),
    texts: (flag) => (values[flag] ?? []).map(String),
  }
}

type Parsed = {
  readonly values: Readonly<Record<string, (string | boolean)[] | undefined>>
  readonly positionals: readonly string[]
  readonly tokens: readonly { readonly kind: string; readonly name: string }[]
}

function parse(command: Command, args: readonly string[]): Parsed {
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([name, flag]) => [
      name,
      {
        type: flag.value === undefined ? ('boolean' as const) : ('string' as const),
        multiple: true as const,
        ...(flag.short === undefined ? {} : { short: flag.short }),
      },
    ]),
  )
  try {
    return parseArgs({
      args: [...args],
      options,
      strict: true,
      allowPositionals: true,
      tokens: true,
    }) as Parsed
  } catch (error) {
    throw new UsageMistake(firstSentence(error))
  }
}

/** Node's messages go on with advice for the writers of programs. */
function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split(/\. |\n/)[0] ?? message
}

function missing(command: Command): string {
  return `${command.usage.split(' ').at(-1)} is missing`
}
