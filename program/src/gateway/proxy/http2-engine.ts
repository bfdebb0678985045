import type { UpstreamConfig } from '../config/index.ts'
import { bodyShape, discardBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import type { Forward, ForwardEnd, Upstream } from './forward.ts'
import type { RequestRules } from './headers.ts'
import { requestRules } from './headers.ts'
import { Http2Passage } from './http2-passage.ts'
import { probeHttp2 } from './http2-probe.ts'
import type { SessionTimes } from './http2-session.ts'
import { Http2Sessions } from './http2-sessions.ts'
import { StallWatch } from './stall-watch.ts'

/**
 * Speaks HTTP/2 to an upstream, as gRPC needs it: h2c by prior knowledge to `http:`, over TLS to
 * `https:`. Requests share connections. Trailers pass both ways, and both ways may be open at once.
 *
 * @param times - When connections are closed or tested.
 * @spec gateway.md R-GRPC-1
 */
export function createHttp2Engine(
  config: UpstreamConfig,
  rules: RequestRules = requestRules(config),
  times: Partial<SessionTimes> = {},
): Pick<Upstream, 'forward' | 'probe' | 'close'> {
  const sessions = new Http2Sessions(config, times)
  const watch = new StallWatch(Math.min(config.headMs, config.idleMs))
  const scheme = config.url.protocol === 'https:' ? 'https' : 'http'
  const way = { scheme, sessions, watch, rules } as const
  return {
    forward: (exchange: Exchange, forward: Forward): Promise<ForwardEnd> => {
      const body = bodyShape(exchange.request)
      if (body.length !== undefined && body.length > forward.maxBodyBytes) {
        discardBody(exchange.request)
        return Promise.resolve(tooLarge(forward))
      }
      return new Promise((resolve) => {
        new Http2Passage(way, exchange, forward, body, resolve).begin()
      })
    },
    probe: (signal) => probeHttp2(config, rules, sessions, signal),
    close: () => sessions.close(),
  }
}

/** Refused by what the head says; nothing went upstream. */
function tooLarge({ maxBodyBytes }: Forward): ForwardEnd {
  const error = new Error(`the request announces more than ${maxBodyBytes} bytes`)
  return { kind: 'refused', status: 413, code: 'REQUEST_TOO_LARGE', wasSent: false, error }
}
