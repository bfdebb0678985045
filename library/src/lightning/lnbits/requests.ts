import { encodeHex } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { LinkReply, NodeLink } from '../adapter/index.ts'
import { refused, unavailable } from '../adapter/index.ts'
import type { Entry } from './lnbits-answers.ts'
import { readEntries, readError } from './lnbits-answers.ts'

/** Begins what errors say. */
export const kind = 'lnbits'

/** What LNbits says with 404 of a key that none of its wallets has. */
const noSuchKey = /^Wallet not found/

/** Whether LNbits itself, and no proxy before it, does not take the key. */
export function isKeyRefused(reply: LinkReply): boolean {
  if (reply.kind !== 'answered') return false
  const { status, text } = reply
  const said = readError(text)
  if (said === undefined) return false
  return status === 401 || status === 403 || (status === 404 && noSuchKey.test(said.detail))
}

/** The text of an answer that went well. @throws NODE_UNAVAILABLE for everything else. */
export function requireAnswer(reply: LinkReply): string {
  if (reply.kind !== 'answered') throw unavailable(kind, reply.reason)
  const { status, text } = reply
  if (isKeyRefused(reply)) {
    throw refused(
      kind,
      'it does not take the key: use the invoice/read key or the admin key of one of its wallets',
    )
  }
  if (status === 429) throw unavailable(kind, 'it takes no more requests at this moment')
  if (status !== 200 && status !== 201) throw unavailable(kind, `it answered ${status}`)
  if (text === undefined) throw unavailable(kind, 'its answer cannot be read')
  return text
}

/** What was read, or the error of an answer that means nothing. */
export function requireSense<Value>(value: Value | undefined): Value {
  if (value === undefined) throw unavailable(kind, 'its answer makes no sense')
  return value
}

/**
 * The books of this wallet about one hash, after LNbits has asked its node about what is pending.
 *
 * The list is asked for, and not the single payment: that one is told to everybody, from all wallets,
 * and does not ask the node.
 */
export async function entriesOf(
  link: NodeLink,
  hash: PaymentHash,
  signal: AbortSignal,
): Promise<readonly Entry[]> {
  const query = `payment_hash=${encodeHex(hash)}&recheck_pending=true`
  const path = `/api/v1/payments/paginated?${query}`
  const reply = await link.request({ method: 'GET', path }, signal)
  return requireSense(readEntries(requireAnswer(reply), hash))
}
