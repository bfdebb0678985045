import type { UpstreamConfig } from '../config/index.ts'
import { bodyShape, discardBody } from './body.ts'
import { Connections } from './connections.ts'
import type { Exchange } from './exchange.ts'
import type { Forward, ForwardEnd, Upstream } from './forward.ts'
import type { RequestRules } from './headers.ts'
import { Http1Passage } from './http1-passage.ts'
import { probeHttp1 } from './http1-probe.ts'
import { StallWatch } from './stall-watch.ts'

/** Speaks HTTP/1.1 to an upstream: one request at a time on each connection, any number of those. */
export function createHttp1Engine(
  config: UpstreamConfig,
  rules: RequestRules,
): Pick<Upstream, 'forward' | 'probe' | 'close'> {
  const connections = new Connections(config)
  const watch = new StallWatch(Math.min(config.headMs, config.idleMs))
  const way = { connections, watch, rules }
  return {
    forward: (exchange: Exchange, forward: Forward): Promise<ForwardEnd> => {
      const body = bodyShape(exchange.request)
      const announced = Math.max(body.length ?? 0, forward.bodyStart?.length ?? 0)
      if (announced > forward.maxBodyBytes) return tooLarge(exchange, forward)
      return new Promise((resolve) => {
        new Http1Passage(way, exchange, forward, body, resolve).begin()
      })
    },
    probe: (signal) => probeHttp1(config, rules, connections, signal),
    close: () => connections.close(),
  }
}

/** Refused by what the head says; nothing went upstream. */
async function tooLarge({ request }: Exchange, { maxBodyBytes }: Forward): Promise<ForwardEnd> {
  discardBody(request)
  const error = new Error(`the request announces more than ${maxBodyBytes} bytes`)
  return { kind: 'refused', status: 413, code: 'REQUEST_TOO_LARGE', wasSent: false, error }
}
