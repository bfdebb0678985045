import { join } from 'node:path'
import { encodeHex } from 'satway'
import type { Settlement } from 'satway/lightning'
import { packageFolder } from '../package-folder.ts'
import type { GatewayConfig } from './config/index.ts'
import type { Gateway } from './gateway.ts'
import { MissedSettlements } from './missed-settlements.ts'
import type { Log, Observer } from './operations/index.ts'
import { createMetrics, foldSnapshots } from './operations/index.ts'
import { onceEach } from './settlements.ts'
import type { OpenSale, State } from './state/index.ts'
import type { OpenWallet } from './wallet/index.ts'
import { openWorker } from './worker.ts'
import type { Fleet } from './workers/index.ts'
import { claimPort, localLink, startPrimary } from './workers/index.ts'

export type StartOptions = {
  readonly workers: number
  readonly packet: string
  readonly config: () => GatewayConfig
  readonly state: State
  readonly wallet: OpenWallet
  readonly log: Log
}

export type RunningFleet = {
  readonly fleet: Fleet
  readonly addresses: Gateway['addresses']
  /** Resolves when it cannot go on. */
  readonly gaveUp: Promise<Error>
}

/** Starts what serves requests: this process, or several of their own. */
export async function startFleet(options: StartOptions): Promise<RunningFleet> {
  return options.workers === 1 ? await startHere(options) : await startWorkers(options)
}

async function startHere({ packet, state, wallet, log }: StartOptions): Promise<RunningFleet> {
  const { link, fleet } = localLink({ payee: wallet.payee, config: packet })
  const gateway = await openWorker(link, state, log)
  return { fleet, addresses: gateway.addresses, gaveUp: new Promise(() => undefined) }
}

async function startWorkers(options: StartOptions): Promise<RunningFleet> {
  const { workers, packet, state, wallet, log } = options
  // What only the primary sees: every payment, also one whose challenge no worker remembers.
  const metrics = createMetrics({ process: 'primary' })
  for (const { host, port } of options.config().listen) await claimPort(host, port)
  const settled = countSettlements(state, metrics)
  const missed = new MissedSettlements({
    payee: wallet.payee,
    state,
    settled,
    failed: (error) => log.failure('payee', undefined, error),
  })
  const primary = await startPrimary({
    workers,
    program: {
      file: join(packageFolder, 'bin', 'satway.js'),
      args: ['gateway'],
    },
    payee: wallet.payee,
    config: packet,
    drainMs: () => options.config().drainMs,
    released: (owner) => state.releaseOf(owner),
    settled,
    opened: () => missed.ask(),
    broken: () => missed.lost(),
    fold: foldSnapshots,
    log,
  })
  const addresses = options.config().listen.map(({ host, port, tls }) => ({
    host,
    port,
    scheme: tls === undefined ? ('http' as const) : ('https' as const),
  }))
  const fleet: Fleet = {
    ...primary,
    drain: async (drainMs) => {
      await primary.drain(drainMs)
      missed.close()
    },
    stop: async () => {
      missed.close()
      await primary.stop()
    },
    collect: async () => [...(await primary.collect()), metrics.snapshot()],
  }
  return { fleet, addresses, gaveUp: primary.gaveUp }
}

/** How long the worker that sold something has to write down what it was. */
const settlingMs = 2000

/** Writes every payment to the ledger, and counts it for the service that a worker says it was for. */
function countSettlements(
  state: State,
  metrics: Pick<Observer, 'settled'>,
): (settlement: Settlement, sale?: OpenSale) => void {
  const isNew = onceEach()
  return ({ paymentHash, amountMsat, settledAtSeconds }, sale) => {
    const hash = encodeHex(paymentHash)
    if (!isNew(hash)) return
    const { service, capability } = sale ?? { service: undefined, capability: undefined }
    state.noteSettlement({ paymentHash: hash, amountMsat, settledAtSeconds, service, capability })
    const count = (): void => metrics.settled(serviceOf(state, hash), amountMsat)
    setTimeout(count, settlingMs).unref()
  }
}

/** `undefined` where nobody knows, or the ledger cannot be read: the payment counts all the same. */
function serviceOf(state: State, paymentHash: string): string | undefined {
  try {
    const service = state.transaction(paymentHash)?.service
    return service === '' ? undefined : service
  } catch {
    return undefined
  }
}
