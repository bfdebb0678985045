import type { Given } from '../../cli/command.ts'
import type { Screen } from '../../cli/screen.ts'
import { openScreen } from '../../cli/screen.ts'
import { readStandardInput } from '../../cli/standard-input.ts'

/** What a command has to do with the world, besides the gateway. */
export type Terminal = {
  readonly screen: Screen
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Seconds since 1970. */
  now(): number
  readInput(maxBytes: number): Promise<Buffer>
  /** Resolves when more may be written. */
  writeChunk(chunk: Uint8Array): Promise<void>
}

export function openTerminal(): Terminal {
  const { stdout } = process
  return {
    screen: openScreen(stdout),
    environment: process.env,
    now: () => Math.floor(Date.now() / 1000),
    readInput: readStandardInput,
    writeChunk: (chunk) =>
      new Promise((resolve, reject) => {
        stdout.write(chunk, (error) => (error ? reject(error) : resolve()))
      }),
  }
}

/** JSON for a pipe, or where it was asked for; else what is for people. */
export function show(
  given: Given,
  { screen }: Terminal,
  answer: unknown,
  forPeople: () => string,
): void {
  const asJson = given.has('json') || !screen.interactive
  screen.write(asJson ? `${JSON.stringify(answer, null, 2)}\n` : forPeople())
}
