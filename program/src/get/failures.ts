import type { L402Error } from 'satway'
import { formatMsat, isL402Error, msat } from 'satway'
import type { Purchase } from 'satway/client'
import type { ExitCode } from '../cli/exit-codes.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import type { ReportedError } from './report.ts'
import { walletAdvice } from './wallet.ts'

export type Explained = { readonly exitCode: ExitCode; readonly error: ReportedError }

/** What an error of a call means for whoever made it. */
export function explainCall(error: unknown): Explained {
  if (isL402Error(error)) return explainL402(error)
  if (error instanceof Failure) {
    const code = error.exitCode === exitCodes.network ? 'NETWORK' : 'INTERRUPTED'
    return explained(error.exitCode, code, error.message, 'Nothing was paid.')
  }
  // What never reached the network has no cause: a header or a port that is not allowed.
  const isNetwork = error instanceof Error && error.cause !== undefined
  const what = isNetwork ? 'The server cannot be reached' : 'The request cannot be made'
  const message = `${what}: ${systemReason(error)}.`
  return explained(exitCodes.network, 'NETWORK', message, 'Nothing was paid.')
}

/** What a status means. `error` is `null` for a success. */
export function explainStatus(
  status: number,
  purchase: Purchase | undefined,
): Explained | Record<string, never> {
  if (status < 400) return {}
  if (purchase?.outcome === 'paid_not_delivered') {
    return explained(
      exitCodes.notDelivered,
      'PAYMENT_NOT_DELIVERED',
      `It was paid, and the server answered with status ${status}.`,
      'The money is with the server. Show it the payment hash.',
    )
  }
  const paid = purchase === undefined ? 'Nothing was paid.' : 'It was paid, and this is its answer.'
  const message = `The server answered with status ${status}.`
  return explained(exitCodes.httpError, 'HTTP_STATUS', message, paid)
}

function explainL402({ code, message, details }: L402Error): Explained {
  const { reason } = details
  if (reason === 'no-payer') {
    const noWallet = 'There is something to pay, and no wallet to pay it with.'
    return explained(exitCodes.network, code, noWallet, walletAdvice)
  }
  switch (code) {
    case 'BUDGET_EXCEEDED':
      return explained(exitCodes.refused, code, tooDear(details) ?? message, 'Nothing was paid.')
    case 'PAYMENT_FAILED':
      return explained(
        exitCodes.paymentFailed,
        code,
        message,
        reason === 'fee-limit'
          ? 'No money moved. The route takes more than --max-fee, or than --max-cost leaves.'
          : 'No money moved.',
      )
    case 'PAYMENT_UNKNOWN':
      return explained(
        exitCodes.paymentUnknown,
        code,
        message,
        'Do not run this again before your wallet says what became of the payment.',
      )
    case 'PAYMENT_NOT_DELIVERED':
      return explained(
        exitCodes.notDelivered,
        code,
        message,
        'The money is with the server. Show it the payment hash.',
      )
    case 'NODE_UNAVAILABLE':
      return explained(exitCodes.network, code, message, `Nothing was paid. ${walletAdvice}`)
    case 'STORE_UNAVAILABLE':
    case 'CONFIG_INVALID':
      return explained(exitCodes.failed, code, message, 'Nothing was paid.')
    default:
      return explained(exitCodes.refused, code, message, 'Nothing was paid.')
  }
}

function tooDear({ amountMsat, limitMsat }: L402Error['details']): string | undefined {
  if (typeof amountMsat !== 'string' || typeof limitMsat !== 'string') return undefined
  const [price, limit] = [amountMsat, limitMsat].map((digits) => formatMsat(msat(BigInt(digits))))
  return `It costs ${price}, and --max-cost allows ${limit}.`
}

function explained(
  exitCode: ExitCode,
  code: ReportedError['code'],
  message: string,
  advice: string,
): Explained {
  return { exitCode, error: { code, message, advice } }
}

/** Node hides what happened in the cause of `fetch failed`. */
function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason'
  const { cause } = error
  if (cause instanceof AggregateError && cause.errors.length > 0) {
    return systemReason(cause.errors[0])
  }
  if (cause instanceof Error) return systemReason(cause)
  const text = error.message === '' && 'code' in error ? String(error.code) : error.message
  return text.replace(/[\r\n]+/g, ' ')
}
