import type { Control } from '../admin/index.ts'
import type { GatewayConfig } from './config/index.ts'
import type { ConfigBook } from './config-book.ts'
import type { Check } from './operations/index.ts'
import {
  createHealth,
  mergeSnapshots,
  renderMetrics,
  storeCheck,
  upstreamCheck,
  workersCheck,
} from './operations/index.ts'
import type { Upstream } from './proxy/index.ts'
import { createUpstream } from './proxy/index.ts'
import type { Settings } from './settings.ts'
import type { State } from './state/index.ts'
import type { OpenWallet } from './wallet/index.ts'
import type { Fleet } from './workers/index.ts'

/** What the admin API steers, made of the primary's parts. */
export function createControl(options: {
  readonly version: string
  readonly configFile: string | undefined
  readonly settings: Settings
  readonly book: ConfigBook
  readonly state: State
  readonly wallet: OpenWallet
  readonly fleet: Fleet
}): Control {
  const { version, book, state, wallet, fleet } = options
  const upstreams = new Probes()
  const health = createHealth(() => [
    wallet.check,
    storeCheck(state),
    workersCheck(() => fleet.status()),
    ...upstreams.of(book.config),
  ])
  return {
    version,
    startedAtMs: Date.now(),
    network: wallet.payee.network,
    configFile: options.configFile,
    workers: options.settings.workers,
    state,
    services: () => book.services(),
    putService: (name, document, mode) => book.put(name, document, mode),
    deleteService: (name) => book.delete(name),
    reload: () => book.reload(),
    health: () => health.report(),
    metrics: async () => {
      const snapshots = await fleet.collect()
      return renderMetrics(mergeSnapshots(snapshots), {
        version,
        health: await health.report(),
        workers: fleet.status(),
        wallet: {
          kind: wallet.kind,
          network: wallet.payee.network,
          isRealMoney: wallet.isRealMoney,
        },
      })
    },
  }
}

/** Upstreams to be asked whether they are there. They forward nothing. */
class Probes {
  #config: GatewayConfig | undefined
  #checks: readonly Check[] = []
  #upstreams: readonly Upstream[] = []

  of(config: GatewayConfig): readonly Check[] {
    if (this.#config === config) return this.#checks
    for (const upstream of this.#upstreams) void upstream.close()
    this.#config = config
    const now = (): number => Math.floor(Date.now() / 1000)
    const named = config.services.flatMap((service) =>
      service.upstream === undefined
        ? []
        : [{ name: service.name, upstream: createUpstream(service.upstream, { now }) }],
    )
    this.#upstreams = named.map(({ upstream }) => upstream)
    this.#checks = named.map(({ name, upstream }) => upstreamCheck(name, upstream))
    return this.#checks
  }
}
