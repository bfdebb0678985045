import { stripVTControlCharacters } from 'node:util'
import type { Command } from '../../program/src/cli/command.ts'
import { readCommandLine } from '../../program/src/cli/command.ts'
import { explain } from '../../program/src/cli/explain.ts'

type Entry = { readonly name: string; load(): Promise<Command> }

export type CommandRun = {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs one of several commands in this process, as the program does, with its output caught.
 *
 * @param options.terminal - Whether a person looks at it: 120 columns. Colours are left out.
 */
export async function runCommand(
  entries: readonly Entry[],
  args: readonly string[],
  options: { readonly terminal?: boolean; readonly columns?: number } = {},
): Promise<CommandRun> {
  const entry = entries.find(({ name }) => name === args.slice(0, name.split(' ').length).join(' '))
  if (entry === undefined) throw new Error(`no command: ${args.join(' ')}`)
  const command = await entry.load()
  const output = { stdout: '', stderr: '' }
  const restore = [
    catchWrites(process.stdout, (text) => {
      output.stdout += text
    }),
    catchWrites(process.stderr, (text) => {
      output.stderr += text
    }),
    pretend(process.stdout, 'isTTY', options.terminal === true),
    pretend(process.stdout, 'columns', options.columns ?? 120),
  ]
  try {
    const rest = args.slice(entry.name.split(' ').length)
    return await run(command, rest).then((code) => ({ code, ...output }))
  } finally {
    for (const undo of restore) undo()
  }
}

async function run(command: Command, args: readonly string[]): Promise<number> {
  try {
    return await command.run(readCommandLine(command, args))
  } catch (error) {
    return await explain(error, command)
  }
}

function catchWrites(stream: NodeJS.WriteStream, take: (text: string) => void): () => void {
  return pretend(stream, 'write', (chunk: string | Uint8Array, ...rest: readonly unknown[]) => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
    take(stripVTControlCharacters(text))
    const done = rest.at(-1)
    if (typeof done === 'function') queueMicrotask(() => done())
    return true
  })
}

function pretend(stream: NodeJS.WriteStream, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(stream, name)
  Object.defineProperty(stream, name, { value, configurable: true, writable: true })
  return () => {
    if (before !== undefined) Object.defineProperty(stream, name, before)
    else Reflect.deleteProperty(stream, name)
  }
}
