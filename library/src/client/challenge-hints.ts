import { orAborted } from './locks.ts'

/** The most of a 402 body that is read, after decompression: 64 KiB. */
export const maxHintBytes: number = 64 * 1024
/** The longest that a 402 body is waited for. */
const maxHintMs = 2000

/** What a 402 body may add to its challenge. Nothing in here is ever a price. */
export type ChallengeHints = {
  /** The conditions that the server says it enforces: printable ASCII. */
  readonly enforces: readonly string[]
}

/** The most conditions of a server that are remembered, and the longest name of one. */
const maxConditions = 64
const condition = /^[\x21-\x7e]{1,64}$/

const noHints: ChallengeHints = { enforces: [] }

/**
 * Reads the body of a 402 for hints, and lets go of it. Total: a body that is too long, too slow or
 * nonsense has none.
 *
 * @spec client.md R-PAY-5, R-PAY-62
 */
export async function readHints(response: Response): Promise<ChallengeHints> {
  const text = await readBounded(response)
  if (text === undefined) return noHints
  const body = parseJson(text)
  if (typeof body !== 'object' || body === null || !('caveats' in body)) return noHints
  return { enforces: readConditions(body.caveats) }
}

/**
 * Names of conditions: printable ASCII, at most 64 of at most 64 characters. Anything else among them
 * is passed over, and what is no list has none.
 */
export function readConditions(names: unknown): readonly string[] {
  if (!Array.isArray(names)) return []
  const known = names.filter((name) => typeof name === 'string' && condition.test(name))
  return [...new Set<string>(known)].slice(0, maxConditions)
}

/** Ends a response nobody will read, so that its connection is free. Total. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined)
}

async function readBounded(response: Response): Promise<string | undefined> {
  const reader = response.body?.getReader()
  if (reader === undefined) return undefined
  const decoder = new TextDecoder()
  const deadline = AbortSignal.timeout(maxHintMs)
  let text = ''
  let length = 0
  try {
    for (;;) {
      const { done, value } = await orAborted(reader.read(), deadline)
      if (done) return text + decoder.decode()
      length += value.length
      if (length > maxHintBytes) return undefined
      text += decoder.decode(value, { stream: true })
    }
  } catch {
    return undefined
  } finally {
    // Not awaited: a server that keeps the connection busy must not keep us.
    void reader.cancel().catch(() => undefined)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
