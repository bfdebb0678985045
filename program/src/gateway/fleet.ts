import { fileURLToPath } from 'node:url'
import type { GatewayConfig } from './config/index.ts'
import type { Gateway } from './gateway.ts'
import type { Log } from './operations/index.ts'
import { foldSnapshots } from './operations/index.ts'
import type { State } from './state/index.ts'
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
  for (const { host, port } of options.config().listen) await claimPort(host, port)
  const primary = await startPrimary({
    workers,
    program: {
      file: fileURLToPath(new URL('../../bin/satway.js', import.meta.url)),
      args: ['gateway'],
    },
    payee: wallet.payee,
    config: packet,
    drainMs: () => options.config().drainMs,
    released: (owner) => state.releaseOf(owner),
    settled: ({ paymentHash, amountMsat, settledAtSeconds }) =>
      noteSettlement(state, log, { paymentHash, amountMsat, settledAtSeconds }),
    fold: foldSnapshots,
    log,
  })
  const addresses = options.config().listen.map(({ host, port, tls }) => ({
    host,
    port,
    scheme: tls === undefined ? ('http' as const) : ('https' as const),
  }))
  return { fleet: primary, addresses, gaveUp: primary.gaveUp }
}

/** A worker that knows what was sold adds it. */
function noteSettlement(
  state: State,
  log: Log,
  {
    paymentHash,
    ...settlement
  }: {
    readonly paymentHash: Uint8Array
    readonly amountMsat: bigint
    readonly settledAtSeconds: number
  },
): void {
  try {
    state.noteSettlement({
      paymentHash: Buffer.from(paymentHash).toString('hex'),
      ...settlement,
      service: undefined,
      capability: undefined,
    })
  } catch (error) {
    log.failure('use-store', undefined, error)
  }
}
