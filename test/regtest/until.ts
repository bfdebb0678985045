import { setTimeout as pause } from 'node:timers/promises'

/**
 * Asks again until there is an answer.
 *
 * @param what - For the error.
 * @param ask - `undefined`, `false` or an error: not yet.
 * @throws {Error} after `limitMs`, with the last error.
 */
export async function until<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined | false>,
  limitMs = 60_000,
): Promise<Answer> {
  const end = performance.now() + limitMs
  let last: unknown
  while (performance.now() < end) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      last = error
    }
    await pause(50)
  }
  throw new Error(`Waited ${limitMs} ms in vain: ${what}`, { cause: last })
}
