import { msat } from '../../amount/index.ts'
import { decodeHex, encodeHex } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { Invoice, PaymentHash } from '../../invoice/index.ts'
import { decodeInvoice, expiresAtSeconds, paymentHash } from '../../invoice/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { PaymentOutcome } from '../../lightning/index.ts'

type Members = Readonly<Record<string, unknown>>

/** What a method gives: the members of an answer. */
export type MethodAnswer =
  | { readonly result: Members }
  | { readonly error: { readonly code: string; readonly message: string } }

/** What the wallet behind a connection is. */
export type NwcBackend = {
  readonly node: DevnetNode
  readonly methods: readonly string[]
  readonly notifications: readonly string[]
  /** What the connection may spend in all, fees included. `undefined`: without limit. */
  readonly budgetMsat: bigint | undefined
  readonly now: () => number
  /** Aborts when the wallet is switched off. */
  readonly signal: AbortSignal
}

/** An order that was taken down, as Alby Hub does before it tries to pay. */
type Row = { readonly invoice: Invoice; readonly createdAt: number; spentMsat: bigint }

/** The methods of NIP-47 over a node, and what they remember. */
export class NwcMethods {
  readonly #backend: NwcBackend
  readonly #orders = new Map<string, Row>()
  readonly #invoices = new Map<string, { readonly invoice: Invoice; readonly createdAt: number }>()

  constructor(backend: NwcBackend) {
    this.#backend = backend
  }

  /** Whether a hash is that of an invoice of this wallet. */
  isInvoice(params: Members): boolean {
    return this.#invoices.has(String(params['payment_hash']))
  }

  /** Carries a request out. */
  async call(method: string, params: Members): Promise<MethodAnswer> {
    const isAllowed = this.#backend.methods.includes(method)
    const isAlwaysAllowed = method === 'get_info'
    if (!known.has(method)) return failure('NOT_IMPLEMENTED', `Unknown method: ${method}`)
    if (!isAllowed && !isAlwaysAllowed) return failure('RESTRICTED', `no ${method} scope`)
    switch (method) {
      case 'get_info':
        return this.#getInfo()
      case 'get_balance':
        return { result: { balance: Number(this.#backend.node.balanceMsat()) } }
      case 'make_invoice':
        return await this.#makeInvoice(params)
      case 'lookup_invoice':
        return await this.#lookupInvoice(params)
      default:
        return await this.#payInvoice(params)
    }
  }

  /** What a notification of a payment that came in says. */
  received(hash: PaymentHash, amountMsat: bigint, settledAt: number): Members | undefined {
    const made = this.#invoices.get(encodeHex(hash))
    if (made === undefined) return undefined
    return { ...this.#describe(made, 'incoming', 'settled', amountMsat), settled_at: settledAt }
  }

  #getInfo(): MethodAnswer {
    const { node, methods, notifications } = this.#backend
    return {
      result: {
        alias: node.name,
        color: '#3399ff',
        pubkey: encodeHex(node.nodeId),
        network: node.network === 'bitcoin' ? 'mainnet' : node.network,
        block_height: 1,
        block_hash: '00'.repeat(32),
        methods,
        notifications,
        lud16: null,
      },
    }
  }

  async #makeInvoice(params: Members): Promise<MethodAnswer> {
    const { amount, description, expiry } = params
    const { node, now } = this.#backend
    try {
      const { invoice: text } = await node.createInvoice({
        amountMsat: msat(BigInt(Number(amount))),
        description: String(description ?? ''),
        expirySeconds: expiry === undefined ? 86_400 : Number(expiry),
      })
      const invoice = decodeInvoice(text)
      const made = { invoice, createdAt: now() }
      this.#invoices.set(encodeHex(invoice.paymentHash), made)
      return { result: this.#describe(made, 'incoming', 'pending', BigInt(Number(amount))) }
    } catch {
      return failure('INTERNAL', 'failed to make invoice')
    }
  }

  async #lookupInvoice(params: Members): Promise<MethodAnswer> {
    const hashHex = String(params['payment_hash'])
    if (!/^[0-9a-f]{64}$/.test(hashHex)) return failure('BAD_REQUEST', 'no payment hash')
    const hash = paymentHash(decodeHex(hashHex))
    const { node } = this.#backend
    const order = this.#orders.get(hashHex)
    if (order !== undefined) return this.#outgoing(order, await node.lookupPayment(hash))
    const made = this.#invoices.get(hashHex)
    if (made === undefined) return failure('NOT_FOUND', 'The transaction requested was not found')
    const found = await node.lookupInvoice(hash)
    const amount = made.invoice.amountMsat ?? 0n
    if (found.status === 'settled') {
      const result = this.#describe(made, 'incoming', 'settled', found.amountMsat)
      return { result: { ...result, settled_at: found.settledAtSeconds } }
    }
    const state = found.status === 'open' ? 'pending' : 'expired'
    return { result: this.#describe(made, 'incoming', state, amount) }
  }

  #outgoing(order: Row, outcome: PaymentOutcome | undefined): MethodAnswer {
    const amount = order.invoice.amountMsat ?? 0n
    if (outcome?.status === 'settled') {
      return {
        result: {
          ...this.#describe(order, 'outgoing', 'settled', amount),
          preimage: encodeHex(outcome.preimage),
          fees_paid: Number(outcome.feeMsat),
          settled_at: this.#backend.now(),
        },
      }
    }
    // Alby Hub says so of everything that has not settled by then, also of what is on its way.
    const isExpired = this.#backend.now() > expiresAtSeconds(order.invoice)
    const state = isExpired ? 'expired' : outcome?.status === 'unknown' ? 'pending' : 'failed'
    return { result: this.#describe(order, 'outgoing', state, amount) }
  }

  async #payInvoice(params: Members): Promise<MethodAnswer> {
    const { node, budgetMsat, now, signal } = this.#backend
    let invoice: Invoice
    try {
      invoice = decodeInvoice(String(params['invoice']).toLowerCase())
    } catch {
      return failure('BAD_REQUEST', 'Failed to decode bolt11 invoice')
    }
    const hashHex = encodeHex(invoice.paymentHash)
    const before = await node.lookupPayment(invoice.paymentHash)
    if (this.#orders.has(hashHex) && before?.status === 'settled') {
      return failure('INTERNAL', 'this invoice has already been paid')
    }
    if (this.#orders.has(hashHex) && before?.status === 'unknown') {
      return failure('INTERNAL', 'there is already a payment pending for this invoice')
    }
    const amountMsat = invoice.amountMsat ?? 0n
    const reserveMsat = feeReserve(amountMsat)
    const spentMsat = [...this.#orders.values()].reduce((sum, row) => sum + row.spentMsat, 0n)
    if (budgetMsat !== undefined && spentMsat + amountMsat + reserveMsat > budgetMsat) {
      return failure('QUOTA_EXCEEDED', 'not enough budget remaining to make this payment')
    }
    if (amountMsat + reserveMsat > node.balanceMsat()) {
      return failure('INSUFFICIENT_BALANCE', 'Insufficient balance remaining')
    }
    const row: Row = { invoice, createdAt: now(), spentMsat: amountMsat + reserveMsat }
    this.#orders.set(hashHex, row)
    try {
      const outcome = await node.pay(invoice, { maxFeeMsat: msat(reserveMsat), signal })
      if (outcome.status === 'failed') row.spentMsat = 0n
      if (outcome.status === 'settled') row.spentMsat = amountMsat + outcome.feeMsat
      return answerOf(outcome)
    } catch (error) {
      if (!isL402Error(error, 'NODE_UNAVAILABLE')) throw error
      this.#orders.delete(hashHex)
      return failure('INTERNAL', 'node not running')
    }
  }

  #describe(
    { invoice, createdAt }: { readonly invoice: Invoice; readonly createdAt: number },
    type: 'incoming' | 'outgoing',
    state: string,
    amountMsat: bigint,
  ): Members {
    return {
      type,
      state,
      invoice: invoice.text,
      description: invoice.description ?? '',
      description_hash: '',
      preimage: '',
      payment_hash: encodeHex(invoice.paymentHash),
      amount: Number(amountMsat),
      fees_paid: 0,
      created_at: createdAt,
      expires_at: expiresAtSeconds(invoice),
      settled_at: null,
      metadata: {},
    }
  }
}

const known: ReadonlySet<string> = new Set([
  'get_info',
  'get_balance',
  'make_invoice',
  'lookup_invoice',
  'pay_invoice',
])

/** What Alby Hub lets a payment cost at most: one per cent, and at least 10 sat. */
function feeReserve(amountMsat: bigint): bigint {
  const percent = (amountMsat + 99n) / 100n
  return percent > 10_000n ? percent : 10_000n
}

function answerOf(outcome: PaymentOutcome): MethodAnswer {
  if (outcome.status === 'settled') {
    const { preimage, feeMsat } = outcome
    return { result: { preimage: encodeHex(preimage), fees_paid: Number(feeMsat) } }
  }
  // NIP-47 has one word for a payment that failed and for one that takes too long.
  if (outcome.status === 'unknown') return failure('PAYMENT_FAILED', 'timed out')
  switch (outcome.reason) {
    case 'insufficient-balance':
      return failure('INSUFFICIENT_BALANCE', 'Insufficient balance remaining')
    case 'already-paid':
      return failure('INTERNAL', 'this invoice has already been paid')
    case 'wrong-network':
      return failure('OTHER', 'the invoice is for another network')
    default:
      return failure('PAYMENT_FAILED', outcome.reason)
  }
}

function failure(code: string, message: string): MethodAnswer {
  return { error: { code, message } }
}
