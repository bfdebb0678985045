import type { Pace } from './figures.ts'
import { median, rangeOf } from './figures.ts'

/** Something that is done over and over. Returns a value, so that no engine can leave it out. */
export type Subject = {
  readonly name: string
  /** Does it `times` times. */
  run(times: number): unknown
}

export type Timing = {
  readonly name: string
  readonly us: number
  readonly range: readonly [number, number]
}

/**
 * Times subjects against each other: every round runs each of them once, in an order that moves on
 * by one from round to round, so that a slow moment of the machine does not fall on one of them.
 *
 * @returns Microseconds per operation: the median of the rounds. Processor time of this thread, which
 *   is the time on the clock while nobody else wants the processor, and stays it when somebody does.
 */
export async function timeInRounds(
  subjects: readonly Subject[],
  pace: Pace,
): Promise<readonly Timing[]> {
  const batchMs = pace.quick ? 20 : 100
  const batches = new Map<Subject, number>()
  for (const subject of subjects) batches.set(subject, await calibrate(subject, batchMs))

  const samples = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]))
  for (let round = 0; round < pace.rounds; round++) {
    for (let i = 0; i < subjects.length; i++) {
      const subject = subjects[(round + i) % subjects.length]!
      const times = batches.get(subject)!
      samples.get(subject)!.push((await cpuUsOf(subject, times)) / times)
    }
  }
  return subjects.map((subject) => {
    const values = samples.get(subject)!
    return { name: subject.name, us: median(values), range: rangeOf(values) }
  })
}

/** Warms the subject up and finds how many operations fill a batch. */
async function calibrate(subject: Subject, batchMs: number): Promise<number> {
  let times = 1
  for (;;) {
    const tookMs = (await cpuUsOf(subject, times)) / 1000
    if (tookMs >= batchMs) return Math.max(1, Math.round((times * batchMs) / tookMs))
    times *= 2
  }
}

async function cpuUsOf(subject: Subject, times: number): Promise<number> {
  const before = process.threadCpuUsage()
  await subject.run(times)
  const { user, system } = process.threadCpuUsage(before)
  return user + system
}

/** A synchronous subject. */
export function repeating(name: string, once: () => unknown): Subject {
  return {
    name,
    run(times) {
      let last: unknown
      for (let i = 0; i < times; i++) last = once()
      return last
    },
  }
}

/** An asynchronous subject, one operation after the other. */
export function repeatingAsync(name: string, once: () => Promise<unknown>): Subject {
  return {
    name,
    async run(times) {
      let last: unknown
      for (let i = 0; i < times; i++) last = await once()
      return last
    },
  }
}
