import type { L402Error, Msat } from 'satway'
import { formatMsat, isL402Error } from 'satway'
import type { Purchase } from 'satway/client'
import type { ExitCode } from '../cli/exit-codes.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import type { Words } from './refusals.ts'
import { limitWords, refusalWords } from './refusals.ts'
import type { ReportedError } from './report.ts'
import { walletAdvice } from './wallet.ts'

export type Explained = { readonly exitCode: ExitCode; readonly error: ReportedError }

/**
 * What an error of a call means for whoever made it.
 *
 * @param feeLimitMsat - Of the payment that was tried, if one was.
 */
export function explainCall(error: unknown, feeLimitMsat?: Msat): Explained {
  if (isL402Error(error)) return explainL402(error, feeLimitMsat)
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
    const message = `It was paid, and the server answered with status ${status}.`
    return explained(exitCodes.notDelivered, 'PAYMENT_NOT_DELIVERED', message, withServer)
  }
  const paid = purchase === undefined ? 'Nothing was paid.' : 'It was paid, and this is its answer.'
  const message = `The server answered with status ${status}.`
  return explained(exitCodes.httpError, 'HTTP_STATUS', message, paid)
}

/** Paid, accepted, and then the answer ended too early. */
export function explainBrokenOff(error: unknown): Explained {
  const message = `It was paid, and its answer broke off: ${whatBroke(error)}.`
  const advice = `What has arrived is not all of it. ${withServer}`
  return explained(exitCodes.notDelivered, 'PAYMENT_NOT_DELIVERED', message, advice)
}

const withServer =
  'The money is with the server. Show it the payment hash: to run this again is to pay again.'

function explainL402(error: L402Error, feeLimitMsat: Msat | undefined): Explained {
  const { code, message } = error
  switch (code) {
    case 'POLICY_REFUSED': {
      const exit = error.details['reason'] === 'no-payer' ? exitCodes.network : exitCodes.refused
      return inWords(exit, code, refusalWords(error))
    }
    case 'BUDGET_EXCEEDED':
      return inWords(exitCodes.refused, code, limitWords(error))
    case 'PAYMENT_FAILED':
      return inWords(exitCodes.paymentFailed, code, paymentWords(error, feeLimitMsat))
    case 'PAYMENT_UNKNOWN':
      return explained(
        exitCodes.paymentUnknown,
        code,
        'The payment was started, and nobody can say yet how it ends.',
        'Do not run this again before your wallet says what became of the payment.',
      )
    case 'PAYMENT_NOT_DELIVERED':
      return explained(exitCodes.notDelivered, code, lost(error), withServer)
    case 'NODE_UNAVAILABLE':
      return explained(exitCodes.network, code, message, `Nothing was paid. ${walletAdvice}`)
    case 'STORE_UNAVAILABLE':
    case 'CONFIG_INVALID':
      return explained(exitCodes.failed, code, message, 'Nothing was paid.')
    default:
      return explained(exitCodes.refused, code, message, 'Nothing was paid.')
  }
}

function paymentWords({ details }: L402Error, feeLimitMsat: Msat | undefined): Words {
  const reason = String(details['reason'])
  if (reason === 'fee-limit') {
    const most = feeLimitMsat === undefined ? 'it may' : `the ${formatMsat(feeLimitMsat)} allowed`
    return {
      message: `The payment failed: the route takes more than ${most}.`,
      advice: 'No money moved. Allow a higher fee with --max-fee.',
    }
  }
  const why = whyFailed[reason] ?? reason
  return { message: `The payment failed: ${why}.`, advice: 'No money moved.' }
}

const whyFailed: Readonly<Record<string, string>> = {
  'no-route': 'the wallet found no way to the payee',
  'insufficient-balance': 'the wallet does not have that much',
  expired: 'the invoice expired',
  'already-paid': 'the invoice was paid before',
  rejected: 'the payee did not take it',
  'wrong-network': 'the invoice is for another network than the wallet',
  'never-sent': 'it did not reach the wallet in time',
}

function lost({ details, cause }: L402Error): string {
  const { status } = details
  if (status !== undefined) return `It was paid, and the server answered with status ${status}.`
  return `It was paid, and no answer came: ${whatBroke(cause)}.`
}

function explained(
  exitCode: ExitCode,
  code: ReportedError['code'],
  message: string,
  advice: string,
): Explained {
  return { exitCode, error: { code, message, advice } }
}

function inWords(exitCode: ExitCode, code: ReportedError['code'], words: Words): Explained {
  return explained(exitCode, code, words.message, words.advice)
}

/** Without the full stop that this program's own sentences have. */
function whatBroke(error: unknown): string {
  return systemReason(error).replace(/\.$/, '')
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
