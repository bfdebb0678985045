import { msat } from '../../amount/index.ts'
import { encodeHex } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { Fields, Order, PayerDriver, Told } from '../adapter/index.ts'
import { readFields, readMsat, readPreimage, readSeconds, unavailable } from '../adapter/index.ts'
import type { Answer, Store } from './greenfield.ts'
import { ask, noAnswer, readAnswer, refusalOf } from './greenfield.ts'

/** How one payment stands at the node. */
type Standing =
  | { readonly status: 'failed'; readonly createdAtSeconds: number | undefined }
  | Extract<Told, { readonly status: 'settled' | 'unknown' }>

const unknown = { status: 'unknown' } as const satisfies Told
/**
 * Core Lightning tries for a minute, and calls a payment failed between two attempts. Two minutes after
 * it began, there is none to follow.
 */
const attemptsSeconds = 120
/** How many payments are remembered that are over. */
const maxOver = 1000

/** How a driver orders payments and looks them up. */
export function createPayments(
  store: Store & { readonly orderTimeoutMs: number; readonly now: () => number },
): Pick<PayerDriver, 'order'> & Required<Pick<PayerDriver, 'lookUp'>> {
  const { kind, link, path, now } = store
  // BTCPay shall give up before we do, so that its answer is heard.
  const sendTimeout = Math.max(1, Math.floor((store.orderTimeoutMs * 0.8) / 1000))
  let isLnd = false
  /** When each payment began of which BTCPay has said that it came to a bad end. */
  const over = new Map<string, number>()

  const noteOver = (hash: PaymentHash, createdAtSeconds: number | undefined): void => {
    if (createdAtSeconds === undefined) return
    over.set(encodeHex(hash), createdAtSeconds)
    if (over.size <= maxOver) return
    const [oldest] = over.keys()
    over.delete(oldest!)
  }

  const find = async (hash: PaymentHash, signal: AbortSignal): Promise<Standing | undefined> => {
    const request = { method: 'GET', path: `${path}/payments/${encodeHex(hash)}` } as const
    const answer = await ask(store, request, signal)
    if (answer.says === 'problem' && answer.code === 'payment-not-found') return undefined
    if (answer.says !== 'done') throw noAnswer(kind, answer)
    const standing = standingOf(answer.fields, hash)
    if (standing === undefined) throw unavailable(kind, 'it told of another payment')
    return standing
  }

  /** lnd alone says of a payment that it has failed, and never takes it back. */
  const isNodeLnd = async (signal: AbortSignal): Promise<boolean> => {
    if (isLnd) return true
    const reply = await link.request({ method: 'GET', path: `${path}/info` }, signal)
    const info = reply.kind === 'answered' ? readFields(reply.text) : undefined
    const version = info?.['version']
    isLnd = typeof version === 'string' && /^\d+\.\d+\.\d+-beta\b/.test(version)
    return isLnd
  }

  const lookUp = async (hash: PaymentHash, signal: AbortSignal): Promise<Told | undefined> => {
    const standing = await find(hash, signal)
    if (standing?.status !== 'failed') return standing
    const { createdAtSeconds } = standing
    const nowSeconds = link.serverSeconds ?? now()
    const isOld = createdAtSeconds !== undefined && nowSeconds - createdAtSeconds >= attemptsSeconds
    const isKnown = createdAtSeconds !== undefined && over.get(encodeHex(hash)) === createdAtSeconds
    if (isOld || isKnown || (await isNodeLnd(signal)))
      return { status: 'failed', reason: 'rejected' }
    return unknown
  }

  /** BTCPay says that the order came to a bad end: the node has ceased to try. */
  const endOf = async (
    hash: PaymentHash,
    hasNoRoute: boolean,
    signal: AbortSignal,
  ): Promise<Told> => {
    const standing = await find(hash, signal).catch((): Standing => ({ status: 'unknown' }))
    if (standing?.status === 'failed') noteOver(hash, standing.createdAtSeconds)
    const isOver = standing === undefined ? hasNoRoute : standing.status === 'failed'
    if (isOver) return { status: 'failed', reason: hasNoRoute ? 'no-route' : 'rejected' }
    return standing === undefined || standing.status === 'failed' ? unknown : standing
  }

  const order = async ({ invoice, maxFeeMsat }: Order, signal: AbortSignal): Promise<Told> => {
    const maxFeeSat = maxFeeMsat / 1000n
    // BTCPay takes a ceiling of 0 for none, and lnd would then pay as much again in fees.
    if (maxFeeSat === 0n) return { status: 'failed', reason: 'fee-limit' }
    const body = JSON.stringify({
      BOLT11: invoice.text,
      maxFeeFlat: String(maxFeeSat),
      sendTimeout,
    })
    const { paymentHash: hash } = invoice
    const reply = await link.request(
      { method: 'POST', path: `${path}/invoices/pay`, body, alone: true },
      signal,
    )
    if (reply.kind === 'not-sent') throw unavailable(kind, reply.reason)
    if (reply.kind === 'lost') return unknown
    const answer: Answer = readAnswer(reply)
    const refusal = refusalOf(kind, answer)
    if (refusal !== undefined) throw refusal
    switch (answer.says) {
      case 'done': {
        const standing = standingOf(answer.fields, hash)
        return standing?.status === 'settled' ? standing : unknown
      }
      case 'invalid':
        return { status: 'failed', reason: 'rejected' }
      case 'problem':
        if (answer.code === 'could-not-find-route') return endOf(hash, true, signal)
        if (answer.code === 'generic-error') return endOf(hash, false, signal)
        return unknown
      default:
        return unknown
    }
  }
  return { order, lookUp }
}

/** @returns `undefined` for what is not about this payment. */
function standingOf(fields: Fields, hash: PaymentHash): Standing | undefined {
  if (fields['paymentHash'] !== encodeHex(hash)) return undefined
  if (fields['status'] === 'Failed') {
    return { status: 'failed', createdAtSeconds: readSeconds(fields['createdAt']) }
  }
  const preimage = readPreimage(fields['preimage'])
  if (fields['status'] !== 'Complete' || preimage === undefined) return unknown
  const feeMsat = readMsat(fields['feeAmount'])
  const totalMsat = readMsat(fields['totalAmount'])
  if (feeMsat === undefined || totalMsat === undefined || feeMsat > totalMsat) {
    return { status: 'settled', preimage, feeMsat }
  }
  return { status: 'settled', preimage, amountMsat: msat(totalMsat - feeMsat), feeMsat }
}
