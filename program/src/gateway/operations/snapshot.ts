import type { ServiceCounters } from './service-counters.ts'
import { addServiceCounters, createServiceCounters } from './service-counters.ts'

/** What one process is at the moment. Not a sum: it ends with the process. */
export type ProcessFacts = {
  /** `primary`, `worker-1`. */
  readonly name: string
  readonly residentBytes: number
  readonly cpuSeconds: number
  readonly startedAtSeconds: number
  /** 99th percentile since the snapshot before. */
  readonly eventLoopDelaySeconds: number
  readonly connections: number
}

/** What was counted, by one process or by several together. */
export type MetricsSnapshot = {
  readonly services: Readonly<Record<string, ServiceCounters>>
  readonly failures: Readonly<Record<string, number>>
  readonly lostLogLines: number
  readonly processes: readonly ProcessFacts[]
}

/**
 * Adds up what several processes counted.
 *
 * @param snapshots - Texts from `snapshot()` of each, or from {@link foldSnapshots}. One that cannot
 *   be read is left out: a worker that is half dead must not take the figures of the others with it.
 */
export function mergeSnapshots(snapshots: readonly string[]): MetricsSnapshot {
  const services: Record<string, ServiceCounters> = Object.create(null) as Record<
    string,
    ServiceCounters
  >
  const failures: Record<string, number> = Object.create(null) as Record<string, number>
  const processes: ProcessFacts[] = []
  let lostLogLines = 0
  for (const text of snapshots) {
    const snapshot = readSnapshot(text)
    if (snapshot === undefined) continue
    for (const [name, counters] of Object.entries(snapshot.services)) {
      services[name] ??= createServiceCounters()
      addServiceCounters(services[name], counters)
    }
    for (const [part, count] of Object.entries(snapshot.failures)) {
      failures[part] = (failures[part] ?? 0) + count
    }
    lostLogLines += snapshot.lostLogLines
    processes.push(...snapshot.processes)
  }
  return { services, failures, lostLogLines, processes }
}

/**
 * What remains of processes that are no more: their counts, without what they were. Counters must
 * not go back because a worker was replaced.
 */
export function foldSnapshots(snapshots: readonly string[]): string {
  return formatSnapshot({ ...mergeSnapshots(snapshots), processes: [] })
}

export function formatSnapshot(snapshot: MetricsSnapshot): string {
  return JSON.stringify(snapshot)
}

function readSnapshot(text: string): MetricsSnapshot | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isSnapshot(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isSnapshot(value: unknown): value is MetricsSnapshot {
  if (typeof value !== 'object' || value === null) return false
  const { services, failures, lostLogLines, processes } = value as Partial<MetricsSnapshot>
  if (typeof services !== 'object' || services === null) return false
  if (typeof failures !== 'object' || failures === null) return false
  return typeof lostLogLines === 'number' && Array.isArray(processes)
}
