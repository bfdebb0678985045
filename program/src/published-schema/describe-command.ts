import type { Command } from '../cli/command.ts'
import { exitCodeMeanings } from '../cli/exit-codes.ts'
import { inputSchema } from './input.ts'
import { outputSchemas } from './outputs.ts'

/** A command as programs see it: what it takes, how it ends, what it writes. */
export type CommandDescription = {
  readonly name: string
  /** `satway get [options] URL` */
  readonly usage: string
  /** Paragraphs. */
  readonly about: readonly string[]
  /** How many arguments without a dash. */
  readonly operands: { readonly least: number; readonly most: number }
  readonly flags: readonly {
    readonly name: string
    readonly short: string | null
    /** What its value is called; `null`: it takes none. */
    readonly value: string | null
    readonly repeats: boolean
    readonly about: string
  }[]
  readonly exitCodes: readonly { readonly code: number; readonly meaning: string }[]
  readonly examples: readonly string[]
  /** JSON Schema of what `--params` takes; `null`: it has no such flag. */
  readonly input: Readonly<Record<string, unknown>> | null
  /** JSON Schema of what `--json` writes; `null`: none is published. */
  readonly output: Readonly<Record<string, unknown>> | null
  /** JSON Schema of one line of `--ndjson`; `null`: it has no such flag. */
  readonly line: Readonly<Record<string, unknown>> | null
}

/** @spec agent.md R-CLI-9 */
export function describeCommand(command: Command): CommandDescription {
  const { name, usage, about, operands, optionalOperands = 0, flags, examples } = command
  return {
    name,
    usage: `satway ${name} ${usage}`.trimEnd(),
    about,
    operands: { least: operands, most: operands + optionalOperands },
    flags: Object.entries(flags).map(([flag, { short, value, repeats, about: words }]) => ({
      name: flag,
      short: short ?? null,
      value: value ?? null,
      repeats: repeats ?? false,
      about: words,
    })),
    exitCodes: exitCodesOf(command),
    examples,
    input: inputSchema(command),
    ...outputSchemas(name),
  }
}

/** As its help says; a command that says nothing ends as every command does. */
function exitCodesOf({ sections }: Command): CommandDescription['exitCodes'] {
  const own = sections.find(({ title }) => title === 'Exit codes')?.rows
  const rows = own ?? exitCodeMeanings
  return rows.map(([code, meaning]) => ({ code: Number(code), meaning }))
}
