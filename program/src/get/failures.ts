import type { L402Error } from 'satway'
import { isL402Error } from 'satway'
import type { ExitCode } from '../cli/exit-codes.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import type { ReportedError } from './report.ts'
import { walletAdvice } from './wallet.ts'

export type Explained = { readonly exitCode: ExitCode; readonly error: ReportedError }

/** What an error of a call means for whoever made it. */
export function explainCall(error: unknown): Explained {
  if (isL402Error(error)) return explainL402(error)
  return {
    exitCode: exitCodes.network,
    error: {
      code: 'NETWORK',
      message: `The server cannot be reached: ${systemReason(error)}.`,
      advice: 'Nothing was paid.',
    },
  }
}

function explainL402(error: L402Error): Explained {
  const { code, message, details } = error
  const explained = (exitCode: ExitCode, advice: string): Explained => {
    return { exitCode, error: { code, message, advice } }
  }
  if (details['reason'] === 'no-payer') return explained(exitCodes.network, walletAdvice)
  switch (code) {
    case 'BUDGET_EXCEEDED':
      return explained(
        exitCodes.refused,
        'Nothing was paid. --max-cost and --max-fee set the limits.',
      )
    case 'PAYMENT_FAILED':
      return explained(exitCodes.paymentFailed, 'No money moved.')
    case 'PAYMENT_UNKNOWN':
      return explained(
        exitCodes.paymentUnknown,
        'Do not run this again before your wallet says what became of the payment.',
      )
    case 'PAYMENT_NOT_DELIVERED':
      return explained(
        exitCodes.notDelivered,
        'The money is with the server. Show it the payment hash.',
      )
    case 'NODE_UNAVAILABLE':
      return explained(exitCodes.network, `Nothing was paid. ${walletAdvice}`)
    case 'STORE_UNAVAILABLE':
    case 'CONFIG_INVALID':
      return explained(exitCodes.failed, 'Nothing was paid.')
    default:
      return explained(exitCodes.refused, 'Nothing was paid.')
  }
}

/** Node hides what happened in the cause of `fetch failed`. */
function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason'
  const { cause } = error
  if (cause instanceof AggregateError && cause.errors.length > 0)
    return systemReason(cause.errors[0])
  if (cause instanceof Error) return systemReason(cause)
  const code = 'code' in error ? String(error.code) : error.name
  return `${code} (${error.message})`.replace(/[\r\n]+/g, ' ')
}
