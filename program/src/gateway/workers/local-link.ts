import { randomUUID } from 'node:crypto'
import type { Payee, Settlement } from 'satway/lightning'
import { limited } from './deadline.ts'
import type { Fleet } from './fleet.ts'
import { SettlementHub } from './settlement-hub.ts'
import { sharePayee } from './shared-payee.ts'
import type { PrimaryLink } from './workers.ts'

export type LocalLinkOptions = {
  readonly payee: Payee
  readonly config: string
  /** Told of every settlement of the wallet, once. Must not throw. */
  readonly settled?: (settlement: Settlement) => void
  /** Told when the stream of settlements is broken, at every failed attempt. */
  readonly broken?: (error: unknown) => void
}

/** How much longer than it was given a worker may take to end. */
const graceMs = 2000

/**
 * The primary as its own worker: the same link and the same fleet, without a second process.
 *
 * @spec gateway.md R-WRK-1
 */
export function localLink(options: LocalLinkOptions): {
  readonly link: PrimaryLink
  readonly fleet: Fleet
} {
  const { payee, config } = options
  const hub = new SettlementHub(payee, {
    settled: (settlement) => options.settled?.(settlement),
    broken: (error) => options.broken?.(error),
  })
  let isReady = false
  let draining: Promise<void> | undefined
  let apply = (_configText: string): Promise<void> => Promise.resolve()
  let reopen = (): void => undefined
  let drain = (): Promise<void> => Promise.resolve()
  let collect: (() => string) | undefined
  let reloading: Promise<void> = Promise.resolve()

  return {
    link: {
      payee: sharePayee(payee, hub),
      name: 'primary',
      owner: `primary-${randomUUID()}`,
      config,
      reusePort: false,
      ready: () => {
        isReady = true
      },
      onReload: (given) => {
        apply = given
      },
      onReopen: (given) => {
        reopen = given
      },
      onDrain: (given) => {
        drain = given
      },
      onCollect: (given) => {
        collect = given
      },
    },
    fleet: {
      reload: (configText) => {
        const turn = reloading.then(() => apply(configText))
        reloading = turn.catch(() => undefined)
        return turn
      },
      reopen: () => reopen(),
      drain: (drainMs) => {
        isReady = false
        draining ??= limited(drain(), drainMs + graceMs)
          .catch(() => undefined)
          .then(() => hub.stop())
        return draining
      },
      stop: () => {
        isReady = false
        return hub.stop()
      },
      collect: async () => (collect === undefined ? [] : [collect()]),
      status: () => ({ wanted: 1, ready: isReady ? 1 : 0, restarts: 0 }),
    },
  }
}
