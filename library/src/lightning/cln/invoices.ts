import { decodeHex, encodeHex, randomBytes } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import { paymentHash } from '../../invoice/index.ts'
import type { Fields, InvoiceOrder, PayeeDriver } from '../adapter/index.ts'
import { asFields, readSeconds, unavailable } from '../adapter/index.ts'
import type { InvoiceStatus, Settlement } from '../index.ts'
import type { Reply, Rpc } from './rpc.ts'
import { codes, kind, readClnMsat, requireAnswer, writeMsat } from './rpc.ts'
import type { Settings } from './settings.ts'

const waitMethod = 'waitanyinvoice'
/** How long one call waits for the next settlement, in seconds: less than proxies wait. */
const waitSeconds = 25
/** What its JSON cannot say: control characters without a letter of their own, and half pairs. */
const unsayable = /[\0-\x07\x0b\x0e-\x1f]|\p{Surrogate}/u

/** The questions that are put to a node that is paid. */
export function createPayeeDriver(rpc: Rpc, settings: Settings): PayeeDriver {
  const { network, timeoutMs, now } = settings
  /** The highest `pay_index` that is known: where a search for the newest begins. */
  let seenIndex = 0

  const create = async (order: InvoiceOrder, signal: AbortSignal): Promise<string> => {
    const { amountMsat, description, expirySeconds: expiry } = order
    if (unsayable.test(description)) {
      throw new RangeError('description: Core Lightning takes no control characters')
    }
    const label = `satway-${encodeHex(randomBytes(16))}`
    const params = { amount_msat: writeMsat(amountMsat), label, description, expiry }
    const { bolt11 } = requireAnswer('invoice', await rpc.call('invoice', params, signal))
    if (typeof bolt11 !== 'string') throw unavailable(kind, 'it made no invoice')
    return bolt11
  }

  const lookUp = async (hash: PaymentHash, signal: AbortSignal): Promise<InvoiceStatus> => {
    const method = 'listinvoices'
    const hashHex = encodeHex(hash)
    const { invoices } = requireAnswer(
      method,
      await rpc.call(method, { payment_hash: hashHex }, signal),
    )
    if (!Array.isArray(invoices)) throw nonsense(method)
    if (invoices.length === 0) return { status: 'not-found' }
    const status = invoices.length > 1 ? undefined : readStatus(asFields(invoices[0]), hashHex)
    if (status === undefined) throw nonsense(method)
    return status
  }

  const waitAfter = (index: number, timeout: number, signal: AbortSignal): Promise<Reply> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout * 1000 + timeoutMs)])
    return rpc.call(waitMethod, { lastpay_index: index, timeout }, limit, 'listen')
  }

  const mayListen = async (signal: AbortSignal): Promise<boolean> => {
    const reply = await waitAfter(Math.max(0, seenIndex - 1), 0, signal)
    if (reply.kind !== 'refused') return true
    // A node that was put back from a copy counts anew; one that deletes old invoices is searched anew.
    if (reply.code === codes.waitTimedOut) seenIndex = 0
    return reply.code !== codes.runeNotPermitted && reply.code !== codes.methodUnknown
  }

  /** The next settlement after one. `undefined`: there is none yet. */
  const settledAfter = async (
    index: number,
    timeout: number,
    signal: AbortSignal,
  ): Promise<Paid | undefined> => {
    const reply = await waitAfter(index, timeout, signal)
    if (reply.kind === 'refused' && reply.code === codes.waitTimedOut) return undefined
    const paid = readPaid(requireAnswer(waitMethod, reply))
    if (paid === undefined || paid.index <= index) throw nonsense(waitMethod)
    return paid
  }

  /**
   * An index so that nothing above it had settled when this was called. There is no command that tells
   * the highest, so it is searched for: in steps that double, then in halves.
   */
  const findNewest = async (signal: AbortSignal): Promise<number> => {
    let low = seenIndex
    let high = seenIndex
    for (let step = 1; ; step *= 2) {
      const paid = await settledAfter(high, 0, signal)
      if (paid === undefined) break
      low = paid.index
      high = paid.index + step
    }
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const paid = await settledAfter(middle, 0, signal)
      if (paid === undefined) high = middle
      else low = paid.index
    }
    // What came while this searched may lie above, and is told.
    seenIndex = high
    return high
  }

  const follow = async function* (
    signal: AbortSignal,
    opened: () => void,
  ): AsyncGenerator<Settlement> {
    // Without that command nothing is told here; what waits is asked about instead.
    if (!(await mayListen(signal))) return await untilAbort(signal)
    let index = await findNewest(signal)
    opened()
    while (!signal.aborted) {
      const paid = await settledAfter(index, waitSeconds, signal)
      if (paid === undefined) continue
      index = paid.index
      seenIndex = Math.max(seenIndex, index)
      yield paid.settlement
    }
  }

  return { kind, network, create, lookUp, follow, timeoutMs, now }
}

type Paid = { readonly index: number; readonly settlement: Settlement }

function readPaid(fields: Fields): Paid | undefined {
  const index = fields['pay_index']
  const hash = fields['payment_hash']
  if (!Number.isSafeInteger(index) || !isHash(hash)) return undefined
  const status = readStatus(fields, hash)
  if (status?.status !== 'settled') return undefined
  const { amountMsat, settledAtSeconds } = status
  const settlement = { paymentHash: paymentHash(decodeHex(hash)), amountMsat, settledAtSeconds }
  return { index: index as number, settlement }
}

/** @returns `undefined` for what is no invoice of this hash. */
function readStatus(fields: Fields | undefined, hashHex: string): InvoiceStatus | undefined {
  if (fields === undefined || fields['payment_hash'] !== hashHex) return undefined
  switch (fields['status']) {
    case 'unpaid':
      return { status: 'open' }
    case 'expired':
      return { status: 'closed' }
    case 'paid': {
      const amountMsat = readClnMsat(fields['amount_received_msat'])
      const settledAtSeconds = readSeconds(fields['paid_at'])
      if (amountMsat === undefined || settledAtSeconds === undefined) return undefined
      return { status: 'settled', amountMsat, settledAtSeconds }
    }
    default:
      return undefined
  }
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function nonsense(method: string): Error {
  return unavailable(kind, `it answered ${method} with what is no answer to it`)
}

function untilAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
