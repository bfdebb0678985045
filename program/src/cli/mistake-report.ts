import { isL402Error } from 'satway'
import type { CallReport } from '../schema/index.ts'
import { exitCodes } from './exit-codes.ts'
import { Failure } from './failure.ts'

/**
 * What a program gets of a call that was not made: the form of every other end of it.
 *
 * @param args - As on the command line.
 * @returns `undefined` for a fault of the program.
 */
export function mistakeReport(args: readonly string[], error: unknown): CallReport | undefined {
  const reason = isL402Error(error) ? error : undefined
  if (reason === undefined && !(error instanceof Failure)) return undefined
  const exitCode = error instanceof Failure ? error.exitCode : exitCodes.failed
  const advice = error instanceof Failure ? (error.advice ?? null) : null
  const code = exitCode === exitCodes.usage ? 'USAGE' : (reason?.code ?? 'FAILED')
  const message = (error as Error).message
  return {
    outcome: exitCode === exitCodes.refused ? 'refused' : 'not_paid',
    method: 'GET',
    url: args.find((arg) => /^https?:\/\//i.test(arg)) ?? '',
    status: null,
    contentType: null,
    amountMsat: null,
    feeMsat: null,
    maxFeeMsat: null,
    paymentHash: null,
    resume: null,
    approvalId: null,
    dryRun: false,
    quote: null,
    asks: null,
    output: null,
    credential: null,
    body: null,
    bodyEncoding: null,
    truncated: false,
    error: { code, reason: null, message, advice },
    exitCode,
  }
}
