import { AsyncLocalStorage } from 'node:async_hooks'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'

/** How long a call is waited for, and by whom. */
export type Patience = {
  /** Aborts with a {@link Failure} that says why. */
  readonly signal: AbortSignal
  /** The answer has begun: from now on it has an hour, unless the caller or the server ends. */
  answered(): void
}

/** A download that drips must not hold a place for ever. */
const maxAnswerSeconds = 3600

/** What a call needs to answer, after the person was waited for. */
const answerSeconds = 2

/** Until when the call has time in whose work this is looked at. */
const deadlines = new AsyncLocalStorage<number>()

/**
 * How long a call may wait for the person, so that it can still say that it waits. Zero or less: not
 * at all.
 *
 * @spec mcp.md R-MCP-35
 */
export function waitSecondsLeft(): number {
  const untilMs = deadlines.getStore() ?? Number.POSITIVE_INFINITY
  return (untilMs - performance.now()) / 1000 - answerSeconds
}

/** The calls that are being worked on. */
export type Calls = {
  /**
   * Does the work of one call.
   *
   * @param asked - Whatever may end the call: the caller cancels it, or goes away.
   * @throws {Failure} when there are too many at once, or the server is about to stop.
   */
  run<Result>(
    asked: { readonly signals: readonly AbortSignal[]; readonly seconds: number },
    work: (patience: Patience) => Promise<Result>,
  ): Promise<Result>
  /** Ends all calls, takes no more, and resolves when the last has written down how it ended. */
  end(): Promise<void>
}

/** @param most - How many calls run at once; one more is refused. */
export function createCalls(most: number): Calls {
  const running = new Set<Promise<unknown>>()
  const stopping = new AbortController()

  const run: Calls['run'] = async ({ signals, seconds }, work) => {
    if (stopping.signal.aborted) throw new Failure('The server is about to stop.')
    if (running.size >= most) {
      throw new Failure(`There are ${most} calls under way already.`, {
        advice: 'Call again later.',
      })
    }
    const done = patiently([...signals], stopping.signal, seconds, work)
    const settled = done.catch(() => undefined)
    running.add(settled)
    try {
      return await done
    } finally {
      running.delete(settled)
    }
  }

  return {
    run,
    end: async () => {
      stopping.abort()
      await Promise.all(running)
    },
  }
}

async function patiently<Result>(
  signals: readonly AbortSignal[],
  stopping: AbortSignal,
  seconds: number,
  work: (patience: Patience) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController()
  const over = new AbortController()
  const end = (failure: Failure): void => controller.abort(failure)
  const endAfter = (limitSeconds: number, words: string): NodeJS.Timeout =>
    setTimeout(() => end(new Failure(words, { exitCode: exitCodes.network })), limitSeconds * 1000)
  let timer = endAfter(seconds, `There was no answer within ${seconds} s.`)
  const answered = (): void => {
    clearTimeout(timer)
    timer = endAfter(maxAnswerSeconds, `The answer took longer than ${maxAnswerSeconds} s.`)
  }
  for (const signal of signals) {
    onAbort(signal, over.signal, () => end(new Failure('The call was cancelled.')))
  }
  onAbort(stopping, over.signal, () => end(new Failure('The server stops.')))
  try {
    return await deadlines.run(performance.now() + seconds * 1000, () =>
      work({ signal: controller.signal, answered }),
    )
  } finally {
    clearTimeout(timer)
    over.abort()
  }
}

function onAbort(signal: AbortSignal, until: AbortSignal, act: () => void): void {
  if (signal.aborted) act()
  else signal.addEventListener('abort', act, { once: true, signal: until })
}
