import type { Msat } from '../../amount/index.ts'
import { msat } from '../../amount/index.ts'
import { encodeHex } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { LinkReply, NodeLink, Order, PayerDriver, Told } from '../adapter/index.ts'
import { refused, unavailable, unlessKnown } from '../adapter/index.ts'
import { readOrderAnswer, readOutgoing, says } from './phoenixd-answers.ts'
import { form, isSaid, kind, requireAnswer, requireSense } from './requests.ts'

/** What phoenixd pays its peer for every payment, whatever the way: 4 sat and 0.4 %. */
const feeBaseMsat = 4000n
const feeMillionths = 4000n

const unknown: Told = { status: 'unknown' }

/** How phoenixd pays. */
export function createPayments(
  link: NodeLink,
  timeoutMs: number,
): Pick<PayerDriver, 'order'> & Required<Pick<PayerDriver, 'lookUp'>> {
  const lookUp = async (hash: PaymentHash, signal: AbortSignal): Promise<Told | undefined> => {
    const path = `/payments/outgoingbyhash/${encodeHex(hash)}`
    const reply = await link.request({ method: 'GET', path }, signal)
    if (isSaid(reply, 404, says.notFound)) return undefined
    if (isSaid(reply, 404, says.unknownEndpoint)) {
      throw unavailable(kind, 'it cannot look payments up by their hash: update phoenixd')
    }
    return requireSense(readOutgoing(requireAnswer(reply), hash))
  }

  /** What a look-up knows better than a refusal. */
  const refusedUnless = (
    hash: PaymentHash,
    signal: AbortSignal,
    whenRefused: () => Told,
  ): Promise<Told> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    return unlessKnown(() => lookUp(hash, limit), whenRefused)
  }

  const order = async (
    { invoice, amountMsat, maxFeeMsat }: Order,
    signal: AbortSignal,
  ): Promise<Told> => {
    if (mostFeeMsat(amountMsat) > maxFeeMsat) return { status: 'failed', reason: 'fee-limit' }
    const request = form('/payinvoice', { invoice: invoice.text })
    const reply = await link.request({ ...request, alone: true }, signal)
    const { paymentHash: hash } = invoice
    return toldBy(reply, { hash, amountMsat }, (whenRefused) =>
      refusedUnless(hash, signal, whenRefused),
    )
  }

  return { order, lookUp }
}

/** What the answer to an order proves. */
async function toldBy(
  reply: LinkReply,
  { hash, amountMsat }: { readonly hash: PaymentHash; readonly amountMsat: Msat },
  refusedUnless: (whenRefused: () => Told) => Promise<Told>,
): Promise<Told> {
  if (reply.kind === 'not-sent') throw unavailable(kind, reply.reason)
  if (reply.kind === 'lost') return unknown
  if (isSaid(reply, 401, says.wrongPassword)) {
    return refusedUnless(() => {
      throw refused(kind, 'this password only receives: use http-password to pay')
    })
  }
  if (isSaid(reply, 400, says.invoiceUnreadable)) {
    return refusedUnless(() => ({ status: 'failed', reason: 'rejected' }))
  }
  const answer = reply.status === 200 ? readOrderAnswer(reply.text, hash) : undefined
  if (answer === undefined || answer.says === 'under-way') return unknown
  if (answer.says === 'not-paid') {
    const { reason } = answer
    // It speaks of this attempt. Another one, of somebody else, may be under way.
    return refusedUnless(() => ({ status: 'failed', reason }))
  }
  const { preimage, routingFeeSat } = answer
  return { status: 'settled', preimage, feeMsat: feeMsat(amountMsat, routingFeeSat) }
}

/** Rounded up: what it may cost. */
function mostFeeMsat(amountMsat: bigint): bigint {
  return feeBaseMsat + (amountMsat * feeMillionths + 999_999n) / 1_000_000n
}

/**
 * The fee of a payment, of which the answer tells whole satoshis only, rounded down. One that is not as
 * usual is taken to be the most that is told so; a look-up tells it exactly.
 */
function feeMsat(amountMsat: bigint, routingFeeSat: bigint): Msat {
  const usual = feeBaseMsat + (amountMsat * feeMillionths) / 1_000_000n
  return msat(usual / 1000n === routingFeeSat ? usual : routingFeeSat * 1000n + 999n)
}
