import type { L402Error } from '../../errors.ts'
import { refused, unavailable } from '../adapter/index.ts'
import type { FailureReason } from '../index.ts'
import type { NwcReply } from './nwc-link.ts'

/** As in its URI. Begins what errors say. */
export const kind = 'nwc'

/**
 * Codes with which a wallet says that it did not begin a payment, and why. Alby Hub gives each of them
 * before it writes the payment down, and after it has looked for an earlier one of the same hash.
 *
 * Not among them, because they are said of payments that are, or may be, on their way: PAYMENT_FAILED
 * (`may be due to a timeout`, NIP-47), TIMEOUT, INTERNAL (Alby Hub says it of a payment that is being
 * made, and of one that was), OTHER, RATE_LIMITED (after how many attempts?), and what is not known here.
 */
export const notBegun: ReadonlyMap<string, FailureReason> = new Map([
  ['INSUFFICIENT_BALANCE', 'insufficient-balance'],
  ['QUOTA_EXCEEDED', 'rejected'],
  ['RESTRICTED', 'rejected'],
  ['UNAUTHORIZED', 'rejected'],
  ['EXPIRED', 'rejected'],
  ['NOT_IMPLEMENTED', 'rejected'],
  ['UNSUPPORTED_ENCRYPTION', 'rejected'],
  ['BAD_REQUEST', 'rejected'],
])

/** What to mend where the wallet does not want this connection. */
const advice: Readonly<Record<string, (method: string) => string>> = {
  RESTRICTED: (method) =>
    `this connection may not ${method}: give it that permission in the wallet, or make another one`,
  UNAUTHORIZED: () => 'the wallet does not know this connection (any more): make a new one in it',
  EXPIRED: () => 'this connection has expired: make a new one in the wallet',
  NOT_IMPLEMENTED: (method) => `the wallet knows no ${method}: name another one`,
}

/** The error of a question that was not answered as it should be. */
export function whyNot(reply: NwcReply, method: string): L402Error {
  if (reply.kind !== 'answered') {
    const isMute = reply.kind === 'lost' && reply.reason === 'it did not answer in time'
    return unavailable(kind, isMute ? `${reply.reason}: ${mute}` : reply.reason)
  }
  const { code } = reply
  if (code === undefined) return unavailable(kind, 'it answered nonsense')
  const mend = Object.hasOwn(advice, code) ? advice[code] : undefined
  return mend === undefined ? unavailable(kind, `it answered ${code}`) : refused(kind, mend(method))
}

const mute =
  'the wallet is not connected to its relay, does not know this connection (any more), or has another time than this machine'
