import type { HeldConnection, Relay } from '../nostr/index.ts'
import { pause } from './exchange.ts'

/** What is listened for, at all relays at once. */
export type Listening = {
  readonly filter: Readonly<Record<string, unknown>>
  /** Reads what a relay sends. `undefined`: it is not what is meant. */
  readonly read: (value: unknown) => string | undefined
  readonly signal: AbortSignal
}

const firstPauseMs = 250
const maxPauseMs = 4000
/** What waits for a reader who is slow; the oldest go first. */
const maxQueue = 1000

/**
 * What comes in from now on, until the signal aborts. What the relays had stored is left out: it is not
 * news. A relay that is lost is connected to anew while another one stands; when none does, it ends.
 */
export async function* listen(
  relays: readonly Relay[],
  listening: Listening,
): AsyncGenerator<string> {
  const { signal } = listening
  const stop = new AbortController()
  const ears = new Ears(relays.length)
  const either = AbortSignal.any([signal, stop.signal])
  const wake = (): void => ears.wake()
  either.addEventListener('abort', wake, { once: true })
  for (const relay of relays) void keepListening(relay, { ...listening, signal: either }, ears)
  try {
    while (!signal.aborted) {
      const text = ears.shift()
      if (text !== undefined) yield text
      else if (ears.areDeaf) return
      else await ears.something()
    }
  } finally {
    stop.abort()
  }
}

/** What all relays have in common. */
class Ears {
  readonly #queue: string[] = []
  #wake: (() => void) | undefined
  /** Relays that were not heard of yet count as standing. */
  #standing: number

  constructor(relays: number) {
    this.#standing = relays
  }

  get areDeaf(): boolean {
    return this.#standing === 0
  }

  shift(): string | undefined {
    return this.#queue.shift()
  }

  push(text: string): void {
    this.#queue.push(text)
    if (this.#queue.length > maxQueue) this.#queue.shift()
    this.wake()
  }

  lost(): void {
    this.#standing--
    this.wake()
  }

  found(): void {
    this.#standing++
  }

  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  something(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

async function keepListening(relay: Relay, listening: Listening, ears: Ears): Promise<void> {
  const { signal } = listening
  let isCounted = true
  for (let failures = 0; !signal.aborted && !ears.areDeaf; failures++) {
    const stood = await listenOnce(relay, listening, ears, () => {
      if (!isCounted) ears.found()
      isCounted = true
      failures = 0
    })
    if (!stood && signal.aborted) return
    if (isCounted) ears.lost()
    isCounted = false
    if (signal.aborted || ears.areDeaf) return
    await pause(Math.min(firstPauseMs * 2 ** failures, maxPauseMs), signal, false)
  }
}

/** @returns whether it was ever heard there. */
async function listenOnce(
  relay: Relay,
  { filter, read, signal }: Listening,
  ears: Ears,
  stood: () => void,
): Promise<boolean> {
  let held: HeldConnection
  try {
    held = await relay.acquire('listen', signal)
  } catch {
    return false
  }
  let isNews = false
  await new Promise<void>((resolve) => {
    let end: (() => void) | undefined
    const finish = (): void => {
      signal.removeEventListener('abort', finish)
      end?.()
      resolve()
    }
    signal.addEventListener('abort', finish, { once: true })
    end = held.connection.subscribe({
      filter,
      isBrief: false,
      event: (value) => {
        const text = isNews ? read(value) : undefined
        if (text !== undefined) ears.push(text)
        return text !== undefined || !isNews
      },
      stands: () => {
        isNews = true
        stood()
      },
      ended: finish,
    })
    if (signal.aborted) finish()
  })
  held.release()
  return isNews
}
