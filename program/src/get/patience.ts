import type { Step } from '../agent/index.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'

/** Ends a call that takes too long, or that whoever started it interrupts. */
export type Patience = {
  readonly signal: AbortSignal
  /** The time runs while the server is waited for: not while the wallet pays or somebody is asked. */
  watch(step: Step): void
  /** The answer has begun: from here on the body may take as long as it takes. */
  answered(): void
  /** Stops watching. */
  end(): void
}

/** The first Ctrl-C ends the call, so that what is known about a payment is still told. */
export function openPatience(seconds: number): Patience {
  const controller = new AbortController()
  let leftMs = seconds * 1000
  let runningSince: number | undefined
  let timer: NodeJS.Timeout | undefined
  const giveUp = (): void => {
    const message = `There was no answer within ${seconds} s.`
    controller.abort(new Failure(message, { exitCode: exitCodes.network }))
  }
  const stop = (): void => {
    clearTimeout(timer)
    if (runningSince !== undefined) leftMs -= performance.now() - runningSince
    runningSince = undefined
  }
  const run = (): void => {
    stop()
    runningSince = performance.now()
    timer = setTimeout(giveUp, Math.max(0, leftMs))
  }
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.failed)
    controller.abort(new Failure('Interrupted.'))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  return {
    signal: controller.signal,
    watch: ({ kind }) => {
      if (kind === 'request') run()
      else if (kind === 'answer') stop()
    },
    answered: stop,
    end: () => {
      stop()
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', interrupt)
    },
  }
}
