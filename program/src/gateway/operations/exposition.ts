import type { HealthReport } from '../../admin/control.ts'
import type { Durations, ServiceCounters } from './service-counters.ts'
import { durationBounds, outcomes, statusClasses } from './service-counters.ts'
import type { MetricsSnapshot, ProcessFacts } from './snapshot.ts'

/** What is not counted but asked for at the moment of rendering. */
export type MetricsFacts = {
  readonly version: string
  readonly health?: HealthReport
  readonly wallet?: {
    readonly kind: string
    readonly network: string
    readonly isRealMoney: boolean
  }
  readonly workers?: { readonly wanted: number; readonly ready: number; readonly restarts: number }
}

/** The `Content-Type` of {@link renderMetrics}. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8'

type Labels = readonly (readonly [string, string])[]
type Sample = { readonly suffix?: string; readonly labels: Labels; readonly value: number | string }
type Family = {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

/**
 * Writes the Prometheus text format 0.0.4. Families without samples are left out.
 *
 * @spec gateway.md R-OPS-1, R-OPS-4
 */
export function renderMetrics(merged: MetricsSnapshot, facts: MetricsFacts): string {
  const families = [
    ...funnel(merged),
    ...health(facts.health),
    ...wallet(facts.wallet),
    ...workers(facts.workers),
    ...processes(merged.processes),
    gauge('satway_build_info', 'What runs here.', [
      {
        labels: [
          ['version', facts.version],
          ['node', process.version],
        ],
        value: 1,
      },
    ]),
  ]
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(writeFamily)
    .join('')
}

function funnel(merged: MetricsSnapshot): readonly Family[] {
  const services = Object.entries(merged.services).sort(([a], [b]) => (a < b ? -1 : 1))
  const each = (read: (counters: ServiceCounters) => readonly Sample[]): readonly Sample[] => {
    return services.flatMap(([service, counters]) => {
      return read(counters).map((sample) => ({
        ...sample,
        labels: [['service', service] as const, ...sample.labels],
      }))
    })
  }
  return [
    counter(
      'satway_requests_total',
      'Requests that ended, by how they ended.',
      each((of) => labelled('outcome', outcomes, of.outcomes)),
    ),
    counter(
      'satway_responses_total',
      'Responses by status class; none: the client left before one.',
      each((of) => labelled('class', statusClasses, of.classes)),
    ),
    counter(
      'satway_refused_total',
      'Requests that were not served, by the code the client was told.',
      each((of) => labelled('code', Object.keys(of.refused), Object.values(of.refused))),
    ),
    counter(
      'satway_challenges_total',
      'Challenges handed out; reused: the same one again.',
      each((of) => labelled('reused', ['false', 'true'], of.challenges)),
    ),
    counter(
      'satway_settled_total',
      'Invoices that were paid.',
      each((of) => one(of.settled)),
    ),
    counter(
      'satway_revenue_msat_total',
      'What was paid, in thousandths of a satoshi.',
      each((of) => one(of.revenueMsat)),
    ),
    counter(
      'satway_admitted_total',
      'Requests that were let through.',
      each((of) => labelled('paid', ['false', 'true'], of.admitted)),
    ),
    counter(
      'satway_request_bytes_total',
      'Bytes of request bodies.',
      each((of) => one(of.requestBytes)),
    ),
    counter(
      'satway_response_bytes_total',
      'Bytes of response bodies.',
      each((of) => one(of.responseBytes)),
    ),
    histogram(
      'satway_request_duration_seconds',
      'From the head of the request to the end of the response.',
      each((of) => durationSamples(of.durations)),
    ),
    histogram(
      'satway_paid_request_duration_seconds',
      'The same, of requests that were paid for.',
      each((of) => durationSamples(of.paidDurations)),
    ),
    counter(
      'satway_failures_total',
      'Failures of what the gateway depends on.',
      labelled('part', Object.keys(merged.failures), Object.values(merged.failures)),
    ),
    counter(
      'satway_log_lines_lost_total',
      'Access log lines dropped because the disk was too slow or full.',
      one(merged.lostLogLines),
    ),
  ]
}

function health(report: HealthReport | undefined): readonly Family[] {
  const up = (name: string): readonly Sample[] => {
    const check = report?.checks.find((candidate) => candidate.name === name)
    return check === undefined ? [] : one(check.ok ? 1 : 0)
  }
  const upstreams = (report?.checks ?? []).filter(({ name }) => name.startsWith('upstream:'))
  return [
    gauge('satway_wallet_up', 'Whether the wallet answers.', up('wallet')),
    gauge('satway_store_up', 'Whether the state can be written and read.', up('store')),
    gauge(
      'satway_upstream_up',
      'Whether the upstream of a service can be reached.',
      upstreams.map(({ name, ok }) => ({
        labels: [['service', name.slice('upstream:'.length)]],
        value: ok ? 1 : 0,
      })),
    ),
  ]
}

function wallet(facts: MetricsFacts['wallet']): readonly Family[] {
  if (facts === undefined) return []
  const { kind, network, isRealMoney } = facts
  return [
    gauge('satway_wallet_info', 'Which wallet is paid.', [
      {
        labels: [
          ['kind', kind],
          ['network', network],
          ['real_money', String(isRealMoney)],
        ],
        value: 1,
      },
    ]),
  ]
}

function workers(state: MetricsFacts['workers']): readonly Family[] {
  if (state === undefined) return []
  return [
    gauge(
      'satway_workers',
      'Worker processes.',
      labelled('state', ['wanted', 'ready'], [state.wanted, state.ready]),
    ),
    counter(
      'satway_worker_restarts_total',
      'Workers that died and were replaced.',
      one(state.restarts),
    ),
  ]
}

function processes(list: readonly ProcessFacts[]): readonly Family[] {
  const of = (read: (facts: ProcessFacts) => number): readonly Sample[] => {
    return list.map((facts) => ({ labels: [['process', facts.name]], value: read(facts) }))
  }
  return [
    gauge(
      'satway_connections_open',
      'Client connections.',
      of((facts) => facts.connections),
    ),
    gauge(
      'satway_event_loop_delay_p99_seconds',
      'How late the event loop was, 99th percentile since the last scrape.',
      of((facts) => facts.eventLoopDelaySeconds),
    ),
    gauge(
      'process_resident_memory_bytes',
      'Resident memory.',
      of((facts) => facts.residentBytes),
    ),
    counter(
      'process_cpu_seconds_total',
      'User and system time.',
      of((facts) => facts.cpuSeconds),
    ),
    gauge(
      'process_start_time_seconds',
      'Start of the process since 1970.',
      of((facts) => facts.startedAtSeconds),
    ),
  ]
}

function durationSamples({ counts, sumSeconds }: Durations): readonly Sample[] {
  let total = 0
  const buckets = counts.map((count, place): Sample => {
    total += count
    const bound = durationBounds[place]
    return {
      suffix: '_bucket',
      labels: [['le', bound === undefined ? '+Inf' : String(bound)]],
      value: total,
    }
  })
  return [
    ...buckets,
    { suffix: '_sum', labels: [], value: sumSeconds },
    { suffix: '_count', labels: [], value: total },
  ]
}

function labelled(
  name: string,
  values: readonly string[],
  counts: readonly number[],
): readonly Sample[] {
  return values.map((value, place) => ({ labels: [[name, value]], value: counts[place] ?? 0 }))
}

function one(value: number | string): readonly Sample[] {
  return [{ labels: [], value }]
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'counter', help, samples }
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'gauge', help, samples }
}

function histogram(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'histogram', help, samples }
}

function writeFamily({ name, type, help, samples }: Family): string {
  const lines = samples.map(({ suffix = '', labels, value }) => {
    return `${name}${suffix}${writeLabels(labels)} ${value}\n`
  })
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function writeLabels(labels: Labels): string {
  if (labels.length === 0) return ''
  return `{${labels.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
