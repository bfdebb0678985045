import type { UpstreamConfig } from '../config/index.ts'
import type { Upstream } from './forward.ts'
import { requestRules } from './headers.ts'
import { createHttp1Engine } from './http1-engine.ts'
import { createHttp2Engine } from './http2-engine.ts'
import { joinUpgrade } from './upgrade.ts'

/**
 * Opens an upstream. Connections are made as they are needed.
 *
 * @param options.now - Seconds since 1970.
 */
export function createUpstream(
  config: UpstreamConfig,
  { now }: { readonly now: () => number },
): Upstream {
  const rules = requestRules(config, now)
  const engine =
    config.protocol === 'http/1.1'
      ? createHttp1Engine(config, rules)
      : createHttp2Engine(config, rules)
  return {
    config,
    forward: engine.forward,
    probe: engine.probe,
    close: engine.close,
    upgrade: (exchange, forward, signal) => joinUpgrade(config, exchange, forward, signal, rules),
  }
}
