import { setTimeout as pause } from 'node:timers/promises'

export type UntilOptions = {
  /** Default 60 000. */
  readonly limitMs?: number
  /** Whether waiting has become useless. */
  readonly isOver?: () => boolean
}

/**
 * Asks again until there is an answer.
 *
 * @param what - For the error.
 * @param ask - `undefined`, `false` or an error: not yet.
 * @throws {Error} after `limitMs`, or once it is over, with the last error.
 */
export async function until<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined | false>,
  options: UntilOptions = {},
): Promise<Answer> {
  const { limitMs = 60_000, isOver = () => false } = options
  const end = performance.now() + limitMs
  let last: unknown
  while (performance.now() < end) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      last = error
    }
    if (isOver()) throw new Error(`It ended before this came: ${what}`, { cause: last })
    await pause(50)
  }
  throw new Error(`Waited ${limitMs} ms in vain: ${what}`, { cause: last })
}
