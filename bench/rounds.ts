import { startWorker } from './child/processes.ts'
import type { Pace } from './figures.ts'
import { median, rangeOf } from './figures.ts'

/** Does the thing that is timed so many times. */
export type Subject = (times: number) => unknown

/** Made in a process of its own, by `child/timed.ts`. */
export type Subjects = Readonly<Record<string, () => Subject | Promise<Subject>>>

export type Timing = { readonly us: number; readonly range: readonly [number, number] }

/**
 * Times subjects against each other. Each has a process of its own, so that none meets the garbage
 * or the compiled code of another; every round runs each of them once, in an order that moves on by
 * one from round to round, so that a slow moment of the machine does not fall on one of them.
 *
 * @param module - Exports `subjects`.
 * @returns Microseconds per operation, the median of the rounds: processor time of the thread, which
 *   is the time on the clock while nobody else wants the processor, and stays it when somebody does.
 */
export async function timeInRounds(
  module: string,
  names: readonly string[],
  pace: Pace,
): Promise<ReadonlyMap<string, Timing>> {
  const batchUs = pace.quick ? 50_000 : 200_000
  const workers = names.map((name) => startWorker('timed.ts', [module, name], 0))
  try {
    const batches: number[] = []
    for (const worker of workers) {
      await worker.ready
      batches.push(await calibrate((times) => worker.ask<number>(times), batchUs))
    }
    const samples = names.map((): number[] => [])
    for (let round = 0; round < pace.rounds; round++) {
      for (let turn = 0; turn < names.length; turn++) {
        const i = (round + turn) % names.length
        samples[i]!.push((await workers[i]!.ask<number>(batches[i])) / batches[i]!)
      }
    }
    return new Map(
      names.map((name, i) => [name, { us: median(samples[i]!), range: rangeOf(samples[i]!) }]),
    )
  } finally {
    for (const worker of workers) await worker.stop()
  }
}

/** Warms a subject up and finds how many operations fill a batch. */
async function calibrate(
  run: (times: number) => Promise<number>,
  batchUs: number,
): Promise<number> {
  let times = 1
  for (;;) {
    const us = await run(times)
    if (us >= batchUs) return Math.max(1, Math.round((times * batchUs) / us))
    times *= 2
  }
}

/** A synchronous subject. */
export function repeat(once: () => unknown): Subject {
  return (times) => {
    let last: unknown
    for (let i = 0; i < times; i++) last = once()
    return last
  }
}

/** An asynchronous subject, one operation after the other. */
export function repeatAsync(once: () => Promise<unknown>): Subject {
  return async (times) => {
    let last: unknown
    for (let i = 0; i < times; i++) last = await once()
    return last
  }
}
