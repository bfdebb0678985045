import cluster from 'node:cluster'
import type { PrimaryOptions } from './crew.ts'
import { Crew } from './crew.ts'
import type { Fleet } from './fleet.ts'

export type Primary = Fleet & {
  /** Resolves, with the reason, when the workers die as soon as they are started and none serves. */
  readonly gaveUp: Promise<Error>
}

/**
 * Starts the workers, and keeps that many running. Once in a process, since `node:cluster` has one
 * set of workers. Resolves when all of them serve.
 *
 * @throws {RangeError} for a number of workers outside its range.
 * @throws {Error} when a worker ends, or does not serve in time, at this first start.
 * @spec gateway.md R-WRK-1 to R-WRK-9
 */
export async function startPrimary(options: PrimaryOptions): Promise<Primary> {
  const { workers } = options
  if (!Number.isInteger(workers) || workers < 1 || workers > 256) {
    throw new RangeError('workers: expected 1 to 256')
  }
  const { file, args, execArgv } = options.program
  // Where workers do not listen with `reusePort` they share one socket. Node's other way, to pass on
  // each connection, is four times slower and leaves clients hanging that it gave to a dying worker.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({
    exec: file,
    args: [...args],
    ...(execArgv !== undefined && { execArgv: [...execArgv] }),
  })
  const crew = new Crew(options)
  await crew.start()
  return {
    gaveUp: crew.gaveUp,
    reload: (configText) => crew.reload(configText),
    reopen: () => crew.reopen(),
    drain: (drainMs) => crew.drain(drainMs),
    stop: () => crew.stop(),
    collect: () => crew.collect(),
    status: () => crew.status(),
  }
}
