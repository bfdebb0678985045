import type { L402Error, Msat } from 'satway'
import { codes, formatMsat, isL402Error } from 'satway'
import type { Purchase } from 'satway/client'
import type { ExitCode } from '../cli/exit-codes.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import type { ReportedError } from '../schema/index.ts'
import type { Words } from './refusals.ts'
import { limitWords, refusalWords } from './refusals.ts'
import { BodyTooLong } from './report-body.ts'
import { walletAdvice } from './wallet.ts'

export type Explained = { readonly exitCode: ExitCode; readonly error: ReportedError }

/**
 * What an error of a call means for whoever made it.
 *
 * @param feeLimitMsat - Of the payment that was tried, if one was.
 * @spec agent.md R-AGT-20, R-AGT-21
 */
export function explainCall(error: unknown, feeLimitMsat?: Msat): Explained {
  if (isL402Error(error)) return explainL402(error, feeLimitMsat)
  if (error instanceof BodyTooLong) {
    return explained(exitCodes.failed, 'TOO_LONG', error.message, error.advice ?? nothingPaid)
  }
  if (error instanceof Failure) {
    const code = error.exitCode === exitCodes.network ? 'NETWORK' : 'INTERRUPTED'
    const advice = error.advice === undefined ? nothingPaid : `${nothingPaid} ${error.advice}`
    return explained(error.exitCode, code, error.message, advice)
  }
  const mistake = mistakeWords(error)
  if (mistake !== undefined) {
    const { message, advice } = mistake
    return explained(exitCodes.usage, 'USAGE', message, `${nothingPaid} ${advice}`)
  }
  if (error instanceof RangeError) {
    return explained(exitCodes.failed, 'INTERRUPTED', sentenceOf(error.message), nothingPaid)
  }
  // What never reached the network has no cause: a header or a port that is not allowed.
  const isNetwork = error instanceof Error && error.cause !== undefined
  const what = isNetwork ? 'The server cannot be reached' : 'The request cannot be made'
  const message = `${what}: ${systemReason(error)}.`
  return explained(exitCodes.network, 'NETWORK', message, nothingPaid, systemCode(error))
}

/** What a status means. `undefined` for a success. */
export function explainStatus(
  status: number,
  purchase: Purchase | undefined,
): Explained | undefined {
  if (status < 400) return undefined
  if (purchase?.outcome === 'paid_not_delivered') {
    const message = `It was paid, and the server answered with status ${status}.`
    return explained(exitCodes.notDelivered, 'PAYMENT_NOT_DELIVERED', message, goOn(purchase))
  }
  const paid = purchase === undefined ? nothingPaid : 'It was paid, and this is its answer.'
  const message = `The server answered with status ${status}.`
  return explained(exitCodes.httpError, 'HTTP_STATUS', message, paid)
}

/** Paid, accepted, and then the answer ended too early. */
export function explainBrokenOff(error: unknown, purchase: Purchase): Explained {
  const message = `It was paid, and its answer broke off: ${whatBroke(error)}.`
  const advice = `What has arrived is not all of it. ${goOn(purchase)}`
  return explained(exitCodes.notDelivered, 'PAYMENT_NOT_DELIVERED', message, advice)
}

const nothingPaid = 'Nothing was paid.'

/** What was bought is kept: to go on costs nothing. */
function goOn({ paymentHash }: { readonly paymentHash?: unknown }): string {
  const which = typeof paymentHash === 'string' ? paymentHash : 'HASH'
  return `The money is with the server. To ask again without paying again: satway resume ${which}`
}

/** Asked for again it would be refused again. */
function buyAnew({ paymentHash }: { readonly paymentHash?: unknown }): string {
  const which = typeof paymentHash === 'string' ? paymentHash : 'HASH'
  return `Its token was used before, and is used up. To buy it anew, write that off first: satway tokens abandon ${which}`
}

function explainL402(error: L402Error, feeLimitMsat: Msat | undefined): Explained {
  const { code, message, details } = error
  switch (code) {
    case 'POLICY_REFUSED':
      return inWords(refusalExit(details['reason']), error, refusalWords(error))
    case 'BUDGET_EXCEEDED':
      return inWords(exitCodes.tooExpensive, error, limitWords(error))
    case 'PAYMENT_FAILED':
      return inWords(exitCodes.paymentFailed, error, paymentWords(error, feeLimitMsat))
    case 'PAYMENT_UNKNOWN':
      return inWords(exitCodes.paymentUnknown, error, {
        message: 'The payment was started, and nobody can say yet how it ends.',
        advice: `It is not paid again. ${whoKnows(details)}: satway resume ${details['paymentHash'] ?? 'HASH'}`,
      })
    case 'PAYMENT_NOT_DELIVERED':
      return inWords(exitCodes.notDelivered, error, {
        message: lost(error),
        advice: details['isUsed'] === true ? buyAnew(details) : goOn(details),
      })
    case 'NODE_UNAVAILABLE': {
      const advice = `${nothingPaid} ${walletAdvice}`
      return inWords(exitCodes.network, error, { message: walletWords(error), advice })
    }
    case 'JOURNAL_UNUSABLE':
    case 'STORE_UNAVAILABLE':
    case 'CONFIG_INVALID':
      return inWords(exitCodes.failed, error, {
        message: withoutHint(error),
        advice: withHint(details['hint']),
      })
    default:
      return inWords(exitCodes.refused, error, { message, advice: nothingPaid })
  }
}

/** What the client says to a request that nobody can make, and what to give instead. */
const mistakes: readonly (readonly [says: RegExp, words: Words])[] = [
  [
    /^resume: no payment of this hash/,
    {
      message: 'No payment of this hash.',
      advice: 'Give the hash that a report names as "resume"; `satway resume` lists them.',
    },
  ],
  [
    /^resume: the body of the request/,
    {
      message: 'The request had a body, and it was not kept.',
      advice: 'Give the same body again, with --data.',
    },
  ],
  [
    /^resume: the request was a [A-Z]/,
    {
      message: 'The request had another method.',
      advice: 'Leave the method out: the journal knows it.',
    },
  ],
  [
    /^resume: a bare invoice/,
    {
      message: 'This payment was a bare invoice, and there is no request to go on with.',
      advice: 'Have the same invoice paid again: it is not paid twice.',
    },
  ],
  [
    /^a request with method (?:GET|HEAD) cannot have a body/,
    { message: 'A request with this method carries no body.', advice: 'Leave out --data.' },
  ],
]

function mistakeWords(error: unknown): Words | undefined {
  if (!(error instanceof TypeError || error instanceof RangeError)) return undefined
  return mistakes.find(([says]) => says.test(error.message))?.[1]
}

function refusalExit(reason: unknown): ExitCode {
  if (reason === 'no-payer') return exitCodes.network
  return reason === 'approval-pending' ? exitCodes.needsApproval : exitCodes.refused
}

/** The hint is the advice, and the rest of the details would say the same once more. */
function withoutHint({ code, message, details }: L402Error): string {
  const { hint, reason } = details
  if (hint === undefined) return message
  return reason === undefined ? codes[code] : `${codes[code]} (${reason})`
}

function withHint(hint: unknown): string {
  return typeof hint === 'string' ? `${nothingPaid} ${sentenceOf(hint)}` : nothingPaid
}

function walletWords({ message, details }: L402Error): string {
  const { reason } = details
  return typeof reason === 'string' ? `The wallet cannot be reached: ${reason}.` : message
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
  const why = Object.hasOwn(whyFailed, reason) ? whyFailed[reason] : reason
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
  'written-off': 'you wrote it off',
}

function lost({ details, cause }: L402Error): string {
  const { status } = details
  if (status !== undefined) return `It was paid, and the server answered with status ${status}.`
  return `It was paid, and no answer came: ${whatBroke(cause)}.`
}

function explained(
  exitCode: ExitCode,
  code: string,
  message: string,
  advice: string,
  reason: string | null = null,
): Explained {
  return { exitCode, error: { code, reason, message, advice } }
}

function inWords(exitCode: ExitCode, { code, details }: L402Error, words: Words): Explained {
  const reason = details['reason'] ?? details['limit']
  const given = typeof reason === 'string' ? reason : null
  return explained(exitCode, code, words.message, words.advice, given)
}

/** Without the full stop that this program's own sentences have. */
function whatBroke(error: unknown): string {
  return systemReason(error).replace(/\.$/, '')
}

/** Of what the system said, at whatever depth: `ECONNREFUSED`. */
function systemCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  const { cause } = error
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause
  if (inner instanceof Error) return systemCode(inner)
  const code = 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : null
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

function sentenceOf(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(capital) ? capital : `${capital}.`
}

/** Who can say how a payment ended. */
function whoKnows(details: L402Error['details']): string {
  if (details['otherWallet'] !== true) return 'Once the wallet knows'
  return 'It was ordered from another wallet than the one that is named now, and only that one knows. With that one named'
}
