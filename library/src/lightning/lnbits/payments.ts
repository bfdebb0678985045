import type { Msat } from '../../amount/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { LinkReply, NodeLink, Order, PayerDriver, Told } from '../adapter/index.ts'
import { readFields, readMsat, refused, unavailable, unlessKnown } from '../adapter/index.ts'
import { outgoingOf, readEntry, readError, reasonOf, toldBy } from './lnbits-answers.ts'
import { entriesOf, isKeyRefused, kind, requireAnswer, requireSense } from './requests.ts'

const unknown: Told = { status: 'unknown' }

/** Of all errors with 400, those that LNbits gives before it looks at its books. */
const isLimit = /^(Daily withdrawal limit|It is not allowed to spend)/
const isTooMany = /^Rate limit exceeded/

/** How a wallet of LNbits pays. */
export function createPayments(
  link: NodeLink,
  timeoutMs: number,
): Pick<PayerDriver, 'order'> & Required<Pick<PayerDriver, 'lookUp'>> {
  const lookUp = async (hash: PaymentHash, signal: AbortSignal): Promise<Told | undefined> => {
    const entry = outgoingOf(await entriesOf(link, hash, signal))
    return entry === undefined ? undefined : toldBy(entry, hash)
  }

  /** What LNbits sets aside for fees, and tells its node as the ceiling, with its own fee. */
  const feeReserve = async (invoice: string, signal: AbortSignal): Promise<Msat> => {
    const path = `/api/v1/payments/fee-reserve?invoice=${encodeURIComponent(invoice)}`
    const reply = await link.request({ method: 'GET', path }, signal)
    return requireSense(readMsat(readFields(requireAnswer(reply))?.['fee_reserve']))
  }

  /**
   * What a look-up knows better than a refusal: LNbits looks at balance and limits before it looks
   * whether it pays this hash already.
   */
  const refusedUnless = (
    hash: PaymentHash,
    signal: AbortSignal,
    whenRefused: () => Told,
  ): Promise<Told> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    return unlessKnown(() => lookUp(hash, limit), whenRefused)
  }

  const order = async ({ invoice, maxFeeMsat }: Order, signal: AbortSignal): Promise<Told> => {
    const { text, paymentHash: hash } = invoice
    if ((await feeReserve(text, signal)) > maxFeeMsat) {
      return { status: 'failed', reason: 'fee-limit' }
    }
    const body = JSON.stringify({ out: true, bolt11: text })
    const path = '/api/v1/payments'
    const reply = await link.request({ method: 'POST', path, body, alone: true }, signal)
    return toldByReply(reply, hash, (whenRefused) => refusedUnless(hash, signal, whenRefused))
  }

  return { order, lookUp }
}

/** What the answer to an order proves. */
async function toldByReply(
  reply: LinkReply,
  hash: PaymentHash,
  refusedUnless: (whenRefused: () => Told) => Promise<Told>,
): Promise<Told> {
  if (reply.kind === 'not-sent') throw unavailable(kind, reply.reason)
  if (reply.kind === 'lost') return unknown
  if (isKeyRefused(reply)) {
    return refusedUnless(() => {
      throw refused(kind, 'this key only receives: use the admin key to pay')
    })
  }
  const { status, text } = reply
  if (status === 201 || status === 200) {
    const entry = readEntry(readFields(text), hash)
    return entry?.isOutgoing === true ? toldBy(entry, hash) : unknown
  }
  const { error } = readFields(text) ?? {}
  if (status === 429 && typeof error === 'string' && isTooMany.test(error)) {
    return refusedUnless(() => {
      throw unavailable(kind, 'it takes no more requests at this moment')
    })
  }
  const said = readError(text)
  if (said === undefined) return unknown
  // Paid: by this wallet, which a look-up tells, or by another one of the same LNbits.
  if (status === 520 && said.status === 'success') {
    return refusedUnless(() => ({ status: 'failed', reason: 'already-paid' }))
  }
  const isFinal = status === 520 && said.status === 'failed'
  if (isFinal || (status === 400 && isLimit.test(said.detail))) {
    const reason = reasonOf(said.detail)
    return refusedUnless(() => ({ status: 'failed', reason }))
  }
  return unknown
}
