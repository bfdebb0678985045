import type { Route } from './route.ts'
import { json, text } from './route.ts'
import { healthView, time } from './views.ts'

const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

/** @spec gateway.md R-ADM-10 */
export const openRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/healthz',
    scope: undefined,
    summary: 'Whether the process serves.',
    answers: { 200: { about: 'It does.', shape: 'Alive' } },
    handle: () => json(200, { status: 'ok' }),
  },
  {
    method: 'GET',
    path: '/readyz',
    scope: undefined,
    summary: 'Whether wallet, state and upstreams work: they are asked, at most once a second.',
    answers: {
      200: { about: 'All of them do.', shape: 'Health' },
      503: { about: 'One of them does not.', shape: 'Health' },
    },
    handle: async ({ health }) => {
      const report = await health()
      return json(report.ok ? 200 : 503, healthView(report))
    },
  },
  {
    method: 'GET',
    path: '/metrics',
    scope: undefined,
    summary: 'Metrics of all workers together, for Prometheus.',
    answers: {
      200: {
        about: 'Prometheus text.',
        text: { type: metricsType, example: '# TYPE satway_requests_total counter\n' },
      },
    },
    handle: async ({ control }) => text(200, await control.metrics(), metricsType),
  },
  {
    method: 'GET',
    path: '/v1/info',
    scope: 'read',
    summary: 'What runs here, and what this macaroon may do.',
    answers: { 200: { about: 'The gateway.', shape: 'Info' } },
    handle: ({ control, nowSeconds, scopes }) =>
      json(200, {
        version: control.version,
        network: control.network,
        started_at: time(control.startedAtMs / 1000),
        uptime_seconds: Math.max(0, Math.floor(nowSeconds - control.startedAtMs / 1000)),
        config_file: control.configFile ?? null,
        workers: control.workers,
        services: control.services().length,
        scopes,
      }),
  },
]
