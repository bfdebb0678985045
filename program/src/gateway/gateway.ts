import type { Payee } from 'satway/lightning'
import { parseKeyRing } from 'satway/server'
import { ActiveStreams } from './active-streams.ts'
import { createAuthHandler } from './auth-handler.ts'
import type { GatewayConfig, ListenerConfig } from './config/index.ts'
import type { Listeners } from './edge/index.ts'
import { openListeners } from './edge/index.ts'
import type { HandlerOptions } from './handler.ts'
import { cut, refuseFault, serve } from './handler.ts'
import type { AccessLog, Observer } from './operations/index.ts'
import { paywallEvents } from './paywall-events.ts'
import type { RateSource } from './pricing/index.ts'
import { createPricerSource, createRateSource } from './pricing/index.ts'
import type { Handler } from './proxy/index.ts'
import { recordSettlements } from './settlements.ts'
import type { Snapshot } from './snapshot.ts'
import { createSnapshot } from './snapshot.ts'
import type { State } from './state/index.ts'
import { serveUpgrade } from './upgrade-handler.ts'

export type GatewayOptions = {
  readonly payee: Payee
  readonly state: State
  readonly observer: Observer
  readonly accessLog: AccessLog
  readonly dryRun: boolean
  /** How many processes do this at once. */
  readonly workers: number
  /** Whether they share their ports, and the kernel deals out connections. Default false. */
  readonly reusePort?: boolean
  /** Seconds since 1970. Default: the system clock. */
  readonly now?: () => number
  /** What an operator should read. */
  readonly log: (message: string) => void
}

/** One process's gateway: listeners, what they decide by, and what is behind. */
export type Gateway = {
  readonly addresses: Listeners['addresses']
  /** What is in force. */
  current(): Snapshot
  /**
   * Puts another configuration in force at once, for requests from now on. Those under way keep
   * theirs. Listeners stay as they are; their certificates are read again.
   *
   * @throws {L402Error} CONFIG_INVALID; the old one stays.
   */
  reload(config: GatewayConfig): Promise<void>
  /** Stops accepting, finishes what is open within `timeoutMs`, and lets go of everything. */
  close(timeoutMs: number): Promise<void>
}

/** Opens the gateway that a configuration describes. */
export async function openGateway(
  config: GatewayConfig,
  options: GatewayOptions,
): Promise<Gateway> {
  const { state, observer, log } = options
  const now = options.now ?? systemSeconds
  const rates = new Rates(observer)
  const pricers = createPricerSource()
  const isAlone = options.workers === 1
  const settlements = recordSettlements({ payee: options.payee, state, observer, isAlone, now })
  const build = (next: GatewayConfig, previous: Snapshot | undefined): Snapshot =>
    createSnapshot(next, {
      payee: options.payee,
      keys: parseKeyRing(next.keys),
      state,
      rates: rates.prepare(next),
      pricers,
      dryRun: options.dryRun,
      workers: options.workers,
      now,
      events: (service) => paywallEvents(service, observer, settlements),
      previous,
    })
  let snapshot = build(config, undefined)
  rates.settle(true)
  const streams = new ActiveStreams(state.denyList)
  const draining = new AbortController()
  const handling: HandlerOptions = {
    current: () => snapshot,
    state,
    observer: withLog(observer, options.accessLog),
    streams,
    now,
    failed: (error) =>
      log(`fault: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
  }
  const listeners = await openListeners({
    listen: config.listen,
    limits: config.limits,
    handler: (listener) => handlerOf(listener, { ...handling, draining: draining.signal }),
    onConnections: (open) => observer.connections(open),
    carriesMany: (address) => snapshot.isTrusted(address),
    reusePort: options.reusePort ?? false,
    log,
  })
  return {
    addresses: listeners.addresses,
    current: () => snapshot,
    async reload(next) {
      const previous = snapshot
      let built: Snapshot | undefined
      try {
        built = build(next, previous)
        await listeners.renew(next.listen)
      } catch (error) {
        rates.settle(false)
        await built?.retire(previous)
        throw error
      }
      rates.settle(true)
      snapshot = built
      void previous.retire(built)
    },
    async close(timeoutMs) {
      draining.abort(new Error('the gateway is going away'))
      await listeners.close(timeoutMs)
      streams.close()
      rates.close()
      pricers.close()
      await settlements.close()
      await snapshot.retire(undefined)
    },
  }
}

type Draining = HandlerOptions & { readonly draining: AbortSignal }

function handlerOf({ forwardAuth }: ListenerConfig, options: Draining): Handler {
  // Nothing may throw here; what does is a fault of the gateway, and ends that one connection.
  const fault = (destroy: () => void) => (error: unknown) => {
    options.failed(error)
    destroy()
  }
  if (forwardAuth !== undefined) {
    return {
      request: createAuthHandler(forwardAuth, options),
      upgrade: ({ socket }) => socket.destroy(),
    }
  }
  return {
    request: (exchange) => {
      serve(exchange, options).catch(fault(() => cut(exchange)))
    },
    upgrade: (exchange) => {
      serveUpgrade(exchange, options).catch(fault(() => exchange.socket.destroy()))
    },
    refuse: (exchange, { code }) => refuseFault(exchange, code, options),
  }
}

function withLog(observer: Observer, accessLog: AccessLog): Observer {
  return {
    ...observer,
    exchange(record) {
      observer.exchange(record)
      accessLog.write(record)
    },
  }
}

/** The source of rates, kept over reloads that do not change it, and over those that fail. */
class Rates {
  readonly #observer: Observer
  #inForce: OpenRates = { key: undefined, source: undefined }
  #prepared: OpenRates | undefined

  constructor(observer: Observer) {
    this.#observer = observer
  }

  /** The source for a configuration that may come into force: {@link settle} says whether it did. */
  prepare({ rates }: GatewayConfig): RateSource | undefined {
    const key = JSON.stringify(rates)
    this.#prepared = this.#inForce.key === key ? this.#inForce : this.#open(key, rates)
    return this.#prepared.source
  }

  settle(isInForce: boolean): void {
    const prepared = this.#prepared ?? this.#inForce
    this.#prepared = undefined
    if (prepared === this.#inForce) return
    const unused = isInForce ? this.#inForce : prepared
    if (isInForce) this.#inForce = prepared
    unused.source?.close()
  }

  close(): void {
    this.#inForce.source?.close()
  }

  #open(key: string | undefined, rates: GatewayConfig['rates']): OpenRates {
    if (rates === undefined) return { key, source: undefined }
    const failed = (error: unknown): void => this.#observer.failure('rates', undefined, error)
    return { key, source: createRateSource(rates, { failed }) }
  }
}

type OpenRates = { readonly key: string | undefined; readonly source: RateSource | undefined }

function systemSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
