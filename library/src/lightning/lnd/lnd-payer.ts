import { encodeBase64Url } from '../../bytes/index.ts'
import type { L402Error } from '../../errors.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { LinkStream, NodeLink, PayerDriver, Told } from '../adapter/index.ts'
import { unavailable } from '../adapter/index.ts'
import type { FailureReason } from '../index.ts'
import type { Said, Status } from './lnd-answer.ts'
import { barrierOf, codes, kind, readLine, uselessAnswer } from './lnd-answer.ts'
import { readPayment } from './lnd-payment.ts'

/** What became of the question about one payment. */
type Found =
  | { readonly is: 'told'; readonly told: Told }
  /** lnd says itself that it knows no such payment. */
  | { readonly is: 'not-there' }
  /** lnd turned the question away unread. */
  | { readonly is: 'barred'; readonly error: L402Error }
  | { readonly is: 'no-answer'; readonly error: L402Error }

/** Why lnd refused an invoice that it had only read. Decided before anything is written down. */
const refusals: readonly (readonly [pattern: RegExp, reason: FailureReason])[] = [
  [/^invoice expired/, 'expired'],
  [/^invoice not for current active network/, 'wrong-network'],
]

/**
 * With which lnd ends an order that it has not begun: what is wrong with it (2), with its JSON (3), or a
 * call that it does not have (12). The others are said on the way, by a proxy or by lnd to itself, while
 * the order may still reach it.
 */
const endingCodes: ReadonlySet<number> = new Set([2, 3, 12])

const unknown: Told = { status: 'unknown' }

/**
 * Orders and look-ups of payments over the REST interface of lnd.
 *
 * @param waits - lnd stops trying routes after four fifths of `orderTimeoutMs`.
 */
export function createPayments(
  link: NodeLink,
  waits: { readonly timeoutMs: number; readonly orderTimeoutMs: number },
): Required<Pick<PayerDriver, 'order' | 'lookUp'>> {
  const routeSeconds = Math.max(1, Math.floor(waits.orderTimeoutMs / 1250))

  /** Asks as one who follows the payment: the first thing that lnd tells is how it stands. */
  const find = async (hash: PaymentHash, signal: AbortSignal): Promise<Found> => {
    const path = `/v2/router/track/${encodeBase64Url(hash)}=?no_inflight_updates=false`
    const opened = await link.stream({ method: 'GET', path }, signal)
    if (opened.kind !== 'answered') return noAnswer(unavailable(kind, opened.reason))
    const said = await firstOf(opened)
    if (said?.says === 'status') {
      const { code, message } = said.status
      // The same code says that a proxy, or an lnd without this interface, has nothing at this path.
      const isNotThere = code === codes.notFound && message === "payment isn't initiated"
      if (isNotThere) return { is: 'not-there' }
      const barrier = barrierOf(said.status)
      if (barrier !== undefined) return { is: 'barred', error: barrier }
    }
    const told = said?.says === 'result' ? readPayment(said.result, hash) : undefined
    if (told !== undefined) return { is: 'told', told }
    if (signal.aborted) return noAnswer(unavailable(kind, 'it did not answer in time'))
    return noAnswer(uselessAnswer(said, opened.status))
  }

  /**
   * lnd answered the order with an error. That is an end only when lnd, asked afterwards, says that it
   * has not begun to pay: the payment may have been ordered before, and some errors come later.
   */
  const endOfRefused = async (
    status: Status,
    hash: PaymentHash,
    signal: AbortSignal,
  ): Promise<Told> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(waits.timeoutMs)])
    const found = await find(hash, limit)
    const barrier = barrierOf(status)
    if (found.is === 'barred' && barrier !== undefined) throw barrier
    if (found.is === 'barred' || found.is === 'no-answer') return unknown
    if (found.is === 'told' && found.told.status !== 'failed') return found.told
    if (barrier !== undefined) throw barrier
    if (!endingCodes.has(status.code)) return unknown
    const known = refusals.find(([pattern]) => pattern.test(status.message))
    return { status: 'failed', reason: known?.[1] ?? 'rejected' }
  }

  return {
    order: async ({ invoice, maxFeeMsat }, signal) => {
      const { paymentHash: hash } = invoice
      const body = JSON.stringify({
        payment_request: invoice.text,
        fee_limit_msat: String(maxFeeMsat),
        timeout_seconds: routeSeconds,
        no_inflight_updates: true,
      })
      const request = { method: 'POST', path: '/v2/router/send', alone: true, body } as const
      const opened = await link.stream(request, signal)
      if (opened.kind === 'not-sent') throw unavailable(kind, opened.reason)
      const said = await firstOf(opened, isEnd)
      if (said?.says === 'status') return await endOfRefused(said.status, hash, signal)
      return (said && readPayment(said.result, hash)) ?? unknown
    },
    lookUp: async (hash, signal) => {
      const found = await find(hash, signal)
      if (found.is === 'told') return found.told
      if (found.is === 'not-there') return undefined
      throw found.error
    },
  }
}

function noAnswer(error: L402Error): Found {
  return { is: 'no-answer', error }
}

/** The first thing that a stream says, of what is waited for. `undefined`: none came, or not of lnd. */
async function firstOf(
  opened: LinkStream,
  isWanted: (said: Said) => boolean = () => true,
): Promise<Said> {
  if (opened.kind !== 'answered') return undefined
  try {
    for await (const line of opened.lines) {
      if (line === '') continue
      const said = readLine(line)
      if (isWanted(said)) return said
    }
  } catch {
    // It broke, or was no text: nothing was said.
  }
  return undefined
}

/** An lnd that tells of the way as well, though it was asked not to, is listened to until the end. */
function isEnd(said: Said): boolean {
  const isUnderWay = said?.says === 'result' && said.result['status'] === 'IN_FLIGHT'
  return !isUnderWay
}
