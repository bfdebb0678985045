import type { Screen } from '../cli/screen.ts'
import { openScreen } from '../cli/screen.ts'

/** What a command of the agent's side has to do with the world. */
export type Desk = {
  /** Standard output: results. */
  readonly screen: Screen
  /** Standard error: what is said beside them. */
  readonly notes: Screen
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Seconds since 1970. */
  now(): number
  /**
   * Asks somebody at the terminal; only `y` and `yes` agree. `undefined`: nobody is there to be
   * asked.
   */
  confirm(question: string): Promise<boolean | undefined>
}

/** The terminal, the environment and the clock of this process. */
export function openDesk(): Desk {
  return {
    screen: openScreen(process.stdout),
    notes: openScreen(process.stderr),
    environment: process.env,
    now: () => Math.floor(Date.now() / 1000),
    confirm: askTerminal,
  }
}

async function askTerminal(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
  const { createInterface } = await import('node:readline/promises')
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  try {
    // Ctrl-C and the end of the input are a no.
    const closed = new Promise<string>((resolve) => prompt.once('close', () => resolve('')))
    const answer = await Promise.race([prompt.question(`${question} [y/N] `), closed])
    return /^(?:y|yes)$/i.test(answer.trim())
  } finally {
    prompt.close()
  }
}
