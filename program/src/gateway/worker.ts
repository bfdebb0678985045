import type { Gateway } from './gateway.ts'
import { openGateway } from './gateway.ts'
import type { Log } from './operations/index.ts'
import { createAccessLog, createLog, createMetrics } from './operations/index.ts'
import type { Packet } from './source.ts'
import { requireConfig } from './source.ts'
import type { State } from './state/index.ts'
import { openState } from './state/index.ts'
import type { PrimaryLink } from './workers/index.ts'
import { workerLink } from './workers/index.ts'

/** Serves requests, in a process of its own or in the primary's. */
export async function openWorker(link: PrimaryLink, state: State, log: Log): Promise<Gateway> {
  const packet = JSON.parse(link.config) as Packet
  const config = await requireConfig(packet)
  const metrics = createMetrics({ process: link.name, lostLogLines: () => accessLog.lost() })
  const accessLog = createAccessLog(config.log, {
    isWatched: packet.forPeople,
    problem: (error) => log.warn(error.message),
  })
  const gateway = await openGateway(config, {
    payee: link.payee,
    state,
    observer: {
      ...metrics,
      failure: (part, service, error) => {
        metrics.failure(part, service, error)
        log.failure(part, service, error)
      },
    },
    accessLog,
    dryRun: packet.dryRun,
    workers: packet.workers,
    reusePort: link.reusePort,
    log: (message) => log.warn(message),
  })
  link.onReload(async (text) => {
    await gateway.reload(await requireConfig(JSON.parse(text) as Packet))
  })
  link.onReopen(() => accessLog.reopen())
  link.onCollect(() => metrics.snapshot())
  link.onDrain(async () => {
    await gateway.close(gateway.current().config.drainMs)
    metrics.close()
    await accessLog.close()
    log.close()
    state.close()
  })
  link.ready()
  return gateway
}

/** Runs in a process that the primary started. */
export async function runWorker(): Promise<void> {
  const link = await workerLink()
  const packet = JSON.parse(link.config) as Packet
  const log = createLog(process.stderr, packet.forPeople ? 'text' : 'json')
  const { state: file } = await requireConfig(packet)
  const onFailure = (error: unknown): void => log.failure('use-store', undefined, error)
  await openWorker(link, openState({ file, owner: link.owner, onFailure }), log)
}
