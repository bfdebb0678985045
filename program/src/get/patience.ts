import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'

/** How long a call is waited for: until its time is over, or the user's patience. */
export type Patience = {
  readonly signal: AbortSignal
  /** The answer has begun: from now on only the user ends it. */
  answered(): void
  /** The call is over. */
  end(): void
}

/** The first Ctrl-C ends the call, so that what is known about a payment is still told. */
export function openPatience(seconds: number): Patience {
  const controller = new AbortController()
  const timer = setTimeout(() => {
    controller.abort(
      new Failure(`There was no answer within ${seconds} s.`, { exitCode: exitCodes.network }),
    )
  }, seconds * 1000)
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.failed)
    controller.abort(new Failure('Interrupted.'))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  return {
    signal: controller.signal,
    answered: () => clearTimeout(timer),
    end: () => {
      clearTimeout(timer)
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', interrupt)
    },
  }
}
