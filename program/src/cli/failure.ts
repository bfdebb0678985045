import type { ExitCode } from './exit-codes.ts'
import { exitCodes } from './exit-codes.ts'

/** Ends the program with a sentence for people: what went wrong, and what to do next. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly exitCode: ExitCode
  /** What to do about it, as a sentence. */
  readonly advice: string | undefined

  constructor(
    message: string,
    options: { readonly exitCode?: ExitCode; readonly advice?: string } = {},
  ) {
    super(message)
    this.exitCode = options.exitCode ?? exitCodes.failed
    this.advice = options.advice
  }
}

/** A mistake on the command line. The usage line of the command follows the message. */
export class UsageMistake extends Failure {
  constructor(message: string) {
    super(message, { exitCode: exitCodes.usage })
  }
}
