import { msat } from '../../amount/index.ts'
import { decodeBase64Any, encodeHex, equalBytes } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { Invoice, PaymentHash } from '../../invoice/index.ts'
import { decodeInvoice, expiresAtSeconds, paymentHash } from '../../invoice/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { PaymentOutcome } from '../../lightning/index.ts'
import type { LndCall } from './lnd-call.ts'
import { LndError, readBody, readInt64 } from './lnd-call.ts'
import type { Allowance } from './lnd-macaroons.ts'
import { paymentMessage, resultLine, statuses } from './lnd-messages.ts'
import type { WireAnswer, WireRequest } from './look-alike.ts'

/** How often a payment that is on its way is looked at, in ms. */
const lookEveryMs = 10

/** The calls about paying. */
export function paymentCalls(node: DevnetNode): readonly LndCall[] {
  const payments = new LndPayments(node)
  return [
    {
      ...router('SendPaymentV2', 'write'),
      role: 'order',
      method: 'POST',
      path: /^\/v2\/router\/send$/,
      isStream: true,
      answer: (request) => payments.send(request),
    },
    {
      ...router('TrackPaymentV2', 'read'),
      role: 'look-up',
      method: 'GET',
      path: /^\/v2\/router\/track\/([^/]+)$/,
      isStream: true,
      answer: (request, part) => payments.track(request, part),
    },
  ]
}

function router(name: string, action: string): Allowance {
  return { uri: `/routerrpc.Router/${name}`, entity: 'offchain', action }
}

class LndPayments {
  readonly #node: DevnetNode
  /** Those that were begun, by payment hash in hex. lnd knows nothing of one that it refused. */
  readonly #begun = new Map<string, Invoice>()

  constructor(node: DevnetNode) {
    this.#node = node
  }

  async send({ body, signal }: WireRequest): Promise<WireAnswer> {
    const known = ['payment_request', 'fee_limit_msat', 'timeout_seconds', 'no_inflight_updates']
    const order = readBody(body, known)
    const invoice = this.#read(String(order['payment_request'] ?? ''))
    const { paymentHash: hash } = invoice
    const maxFeeMsat = msat(readInt64(order['fee_limit_msat']))
    const before = await this.#node.lookupPayment(hash)
    if (before?.status === 'settled') throw new LndError(statuses.alreadyPaid)
    if (before?.status === 'unknown') throw new LndError(statuses.inTransition)

    const outcome = await this.#pay(invoice, maxFeeMsat, signal)
    if (outcome.status === 'failed' && outcome.reason === 'expired') {
      const until = new Date(expiresAtSeconds(invoice) * 1000).toISOString()
      throw new LndError([2, `invoice expired. Valid until ${until}`])
    }
    this.#begun.set(encodeHex(hash), invoice)
    const isDuplicate = outcome.status === 'failed' && outcome.reason === 'already-paid'
    if (isDuplicate && (await this.#node.lookupPayment(hash))?.status === 'settled') {
      throw new LndError(statuses.alreadyPaid)
    }
    return this.#follow(hash, outcome, order['no_inflight_updates'] === true, signal)
  }

  async track({ query, signal }: WireRequest, part: string): Promise<WireAnswer> {
    let hash: PaymentHash
    try {
      hash = paymentHash(decodeBase64Any(part))
    } catch {
      throw new LndError([3, 'type mismatch, parameter: payment_hash'])
    }
    const outcome = await this.#node.lookupPayment(hash)
    const isBegun = this.#begun.has(encodeHex(hash)) || outcome?.status !== 'failed'
    if (outcome === undefined || !isBegun) throw new LndError(statuses.paymentNotInitiated)
    return this.#follow(hash, outcome, query.get('no_inflight_updates') === 'true', signal)
  }

  /** @throws {LndError} for what lnd refuses before it writes anything down. */
  #read(text: string): Invoice {
    let invoice: Invoice
    try {
      invoice = decodeInvoice(text)
    } catch {
      throw new LndError([2, `invalid bech32 string length ${text.length}`])
    }
    if (invoice.network !== 'regtest') throw new LndError(statuses.otherNetwork)
    if (invoice.amountMsat === undefined) throw new LndError(statuses.noAmount)
    if (equalBytes(invoice.payee, this.#node.nodeId)) throw new LndError(statuses.selfPayment)
    return invoice
  }

  async #pay(
    invoice: Invoice,
    maxFeeMsat: ReturnType<typeof msat>,
    signal: AbortSignal,
  ): Promise<PaymentOutcome> {
    try {
      return await this.#node.pay(invoice, { maxFeeMsat, signal })
    } catch (error) {
      if (!isL402Error(error, 'NODE_UNAVAILABLE')) throw error
      throw new LndError(statuses.starting)
    }
  }

  /** How a payment stands, and how it ends. */
  #follow(
    hash: PaymentHash,
    first: PaymentOutcome,
    isEndOnly: boolean,
    signal: AbortSignal,
  ): WireAnswer {
    const node = this.#node
    const invoice = this.#begun.get(encodeHex(hash))
    const line = (outcome: PaymentOutcome): string =>
      resultLine(paymentMessage(hash, invoice, outcome))
    const lines = async function* (): AsyncGenerator<string> {
      let outcome = first
      if (!isEndOnly && outcome.status === 'unknown') yield line(outcome)
      while (outcome.status === 'unknown' && !signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
        outcome = (await node.lookupPayment(hash)) ?? outcome
      }
      if (outcome.status !== 'unknown') yield line(outcome)
    }
    return { status: 200, body: lines() }
  }
}
