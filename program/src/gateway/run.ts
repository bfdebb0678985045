import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'

/** Runs `satway gateway`: the primary, or in a process that it started, a worker. */
export async function runGateway(given: Given): Promise<number> {
  const { isWorkerProcess } = await import('./workers/index.ts')
  if (isWorkerProcess()) {
    const { runWorker } = await import('./worker.ts')
    await runWorker()
    return exitCodes.ok
  }
  const { readSettings } = await import('./settings.ts')
  const settings = readSettings(given)
  const { runPrimary } = await import('./primary.ts')
  return await runPrimary(settings)
}
