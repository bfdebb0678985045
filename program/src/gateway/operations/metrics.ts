import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Observer } from './observer.ts'
import type { ServiceCounters } from './service-counters.ts'
import { countExchange, countSettlement, createServiceCounters } from './service-counters.ts'
import { formatSnapshot } from './snapshot.ts'

export type MetricsOptions = {
  /** Names this process in its metrics: `primary`, `worker-1`. */
  readonly process: string
  /** Lines that the access log had to drop. Default: none. */
  readonly lostLogLines?: () => number
}

export type Metrics = Observer & {
  /** All that was counted, as one line of JSON for `mergeSnapshots`. */
  snapshot(): string
  /** Stops measuring the event loop. */
  close(): void
}

/** Requests that no service was found for. No service can have this name. */
const noService = '_none'
/** Where names beyond {@link maxServices} are counted: each costs a time series in every scraper. */
const otherService = '_other'
const maxServices = 1000

const parts: readonly Parameters<Observer['failure']>[0][] = [
  'payee',
  'price',
  'use-store',
  'deny-list',
  'upstream',
  'rates',
]
/** How often the event loop is looked at. */
const resolutionMs = 20

/**
 * Counts the funnel of one process, from request to revenue. Labels are services, codes and parts,
 * never anything that a client chooses.
 *
 * @spec gateway.md R-OPS-1, R-OPS-2, R-OPS-3
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const services = new Map<string, ServiceCounters>()
  // From the start: a rate of what is not there yet would not see the first failure.
  const failures: Record<string, number> = Object.fromEntries(parts.map((part) => [part, 0]))
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  let connections = 0

  const of = (service: string | undefined): ServiceCounters => {
    const name = service ?? noService
    return services.get(name) ?? add(name)
  }
  const add = (name: string): ServiceCounters => {
    if (services.size >= maxServices && name !== otherService) return of(otherService)
    const counters = createServiceCounters()
    services.set(name, counters)
    return counters
  }

  return {
    exchange: (record) => countExchange(of(record.service), record),
    challenge: (service, reused) => {
      of(service).challenges[reused ? 1 : 0] += 1
    },
    settled: (service, amountMsat) => countSettlement(of(service), amountMsat),
    failure: (part) => {
      failures[part] = (failures[part] ?? 0) + 1
    },
    connections: (open) => {
      connections = open
    },
    snapshot: () => {
      const cpu = process.cpuUsage()
      // It measures from one look to the next, the wait between them included.
      const lateMs = Math.max(0, delay.percentile(99) / 1e6 - resolutionMs)
      delay.reset()
      return formatSnapshot({
        services: Object.fromEntries(services),
        failures,
        lostLogLines: options.lostLogLines?.() ?? 0,
        processes: [
          {
            name: options.process,
            residentBytes: process.memoryUsage.rss(),
            cpuSeconds: (cpu.user + cpu.system) / 1e6,
            startedAtSeconds: performance.timeOrigin / 1000,
            eventLoopDelaySeconds: lateMs / 1000,
            connections,
          },
        ],
      })
    },
    close: () => {
      delay.disable()
    },
  }
}
