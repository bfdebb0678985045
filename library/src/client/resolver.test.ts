import { describe, expect, test } from 'vitest'
import { L402Error } from '../errors.ts'
import type { Reconciled } from './reconcile.ts'
import { keepReconciling } from './resolver.ts'

const startSeconds = 10_000

/** An entry, as far as it matters here. */
function entry(state: string, ageSeconds: number, answered = true): Reconciled {
  return { state, answered, createdAtSeconds: startSeconds - ageSeconds } as Reconciled
}

/**
 * Runs as many rounds as there are findings, and tells how long was waited after each, in seconds.
 * The clock goes on by as much.
 */
async function delaysAfter(
  rounds: readonly (readonly Reconciled[] | Error)[],
): Promise<{ readonly delays: readonly number[]; readonly errors: readonly unknown[] }> {
  const controller = new AbortController()
  const delays: number[] = []
  const errors: unknown[] = []
  const queue = [...rounds]
  let now = startSeconds
  await keepReconciling(
    {
      reconcile: async () => {
        const next = queue.shift()!
        if (next instanceof Error) throw next
        return next
      },
    },
    {
      signal: controller.signal,
      onError: (error) => errors.push(error),
      now: () => now,
      wait: async (ms) => {
        delays.push(ms / 1000)
        now += ms / 1000
        if (queue.length === 0) controller.abort()
      },
    },
  )
  return { delays, errors }
}

describe('R-PAY-85 payments without an end are asked about', () => {
  for (const [name, found, delays] of [
    ['every 5 seconds, when there are none', [], [5, 5, 5]],
    ['every 5 seconds, when all of them ended', [entry('settled', 5), entry('failed', 5)], [5, 5]],
    ['every 2 seconds, while one is young', [entry('unknown', 9), entry('sending', 9e5)], [2, 2]],
    ['until 10 minutes are over', [entry('unknown', 597)], [2, 2, 3, 4.5]],
    ['less and less often, when one is old', [entry('unknown', 600)], [3, 4.5, 6.75]],
    ['every 2 seconds, while the wallet is silent', [entry('unknown', 9e5, false)], [2, 2]],
  ] as const) {
    test(name, async () => {
      const rounds = Array.from({ length: delays.length }, () => found)
      expect((await delaysAfter(rounds)).delays).toEqual(delays)
    })
  }

  test('every 10 minutes at the least, and often again once there is reason', async () => {
    const old = Array.from({ length: 20 }, () => [entry('unknown', 9e5)])
    const { delays } = await delaysAfter([...old, [entry('unknown', 9e5, false)], [], ...old])
    expect(Math.max(...delays)).toBe(600)
    expect(delays.slice(17, 24)).toEqual([600, 600, 600, 2, 5, 7.5, 11.25])
  })

  test('on and on, also when the ledger fails', async () => {
    const failure = new L402Error('STORE_UNAVAILABLE')
    const { delays, errors } = await delaysAfter([failure, failure, [], [entry('unknown', 1)]])
    expect(delays).toEqual([5, 5, 5, 2])
    expect(errors).toEqual([failure, failure])
  })

  test('until the signal says so: before it begins, in a wait, and while the wallet is asked', async () => {
    const reconcile = (): Promise<readonly Reconciled[]> => new Promise(() => undefined)
    await keepReconciling({ reconcile }, { signal: AbortSignal.abort() })
    await keepReconciling({ reconcile }, { signal: AbortSignal.timeout(20) })
    let rounds = 0
    const idle = async (): Promise<readonly Reconciled[]> => {
      rounds++
      return []
    }
    await keepReconciling({ reconcile: idle }, { signal: AbortSignal.timeout(50) })
    expect(rounds).toBe(1)
  })

  test('and leaves no timer behind that keeps the process alive', async () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const stop = new AbortController()
    const reconcile = async (): Promise<readonly Reconciled[]> => {
      setImmediate(() => stop.abort())
      return []
    }
    await keepReconciling({ reconcile }, { signal: stop.signal })
    // Others’ timers may end meanwhile.
    expect(timers()).toBeLessThanOrEqual(before)
  })
})
