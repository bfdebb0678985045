import type { Msat } from '../../amount/index.ts'
import { msat } from '../../amount/index.ts'
import { encodeHex } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { Invoice } from '../../invoice/index.ts'
import { decodeInvoice } from '../../invoice/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { PaymentOutcome, Settlement } from '../../lightning/index.ts'
import type { LnbitsFees, Row } from './lnbits-books.ts'
import {
  asPayment,
  feeReserve,
  newRow,
  note,
  receive,
  recheck,
  serviceFee,
  walletId,
} from './lnbits-books.ts'
import type { LookAlike, WireAnswer, WireRequest, WireRoute } from './look-alike.ts'
import { serveLookAlike } from './look-alike.ts'

export type LnbitsLookAlikeOptions = Partial<LnbitsFees> & {
  /** `lnbits_funding_source_pay_invoice_wait_seconds`, in ms. Default 5000. */
  readonly payWaitMs?: number
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

export type LnbitsLookAlike = LookAlike & {
  /** Of its one wallet. */
  readonly invoiceKey: string
  readonly adminKey: string
}

const invoiceKey = '0123456789abcdef'.repeat(2)
const adminKey = 'fedcba9876543210'.repeat(2)
type Context = Required<LnbitsLookAlikeOptions> & {
  readonly node: DevnetNode
  readonly rows: Row[]
}

/**
 * Speaks as LNbits 1.3 does (its FastAPI application, `/api/v1`), with one wallet, over a node of the
 * embedded network that stands where its funding source stands and answers a duplicate as Core Lightning
 * does: like the first time. Amounts are whole satoshis in, msat out, below zero for what goes; times ISO
 * 8601.
 */
export async function serveLnbits(
  node: DevnetNode,
  options: LnbitsLookAlikeOptions = {},
): Promise<LnbitsLookAlike> {
  const context: Context = {
    reserveMinMsat: 2000,
    reservePercent: 1,
    servicePercent: 0,
    payWaitMs: 5000,
    now: () => Math.floor(Date.now() / 1000),
    ...options,
    node,
    rows: [],
  }
  const lookAlike = await serveLookAlike((request) => routeOf(context, request))
  return { ...lookAlike, invoiceKey, adminKey }
}

function routeOf(context: Context, request: WireRequest): WireRoute {
  const { method, path, query } = request
  const call = (
    role: WireRoute['role'],
    work: () => WireAnswer | Promise<WireAnswer>,
  ): WireRoute => ({
    role,
    carryOut: () => answer(context, work),
  })
  const withKey = (work: () => WireAnswer | Promise<WireAnswer>) => () =>
    refusalOf(request) ?? work()

  if (path.startsWith('/api/v1/ws/')) {
    return call('settlements', () => messages(context, request))
  }
  switch (`${method} ${path}`) {
    case 'GET /api/v1/wallet':
      return call(
        'other',
        withKey(() => getWallet(context, request)),
      )
    case 'POST /api/v1/payments': {
      const order = parse(request.body)
      if (order['out'] === false) {
        return call(
          'invoice',
          withKey(() => createInvoice(context, order)),
        )
      }
      return call(
        'order',
        withKey(() => payInvoice(context, request, order)),
      )
    }
    case 'GET /api/v1/payments/fee-reserve':
      return call('other', () => getFeeReserve(context, query))
    case 'GET /api/v1/payments/paginated': {
      // One path for both; what it is for, the books tell.
      const isOurs = context.rows.some(
        ({ invoice, amountMsat }) =>
          amountMsat > 0 && encodeHex(invoice.paymentHash) === query.get('payment_hash'),
      )
      return call(
        isOurs ? 'invoice-look-up' : 'look-up',
        withKey(() => listPayments(context, query)),
      )
    }
    default:
      return call('other', () => failure(404, 'Not Found'))
  }
}

async function answer(
  { now }: Context,
  work: () => WireAnswer | Promise<WireAnswer>,
): Promise<WireAnswer> {
  const date = new Date(now() * 1000).toUTCString()
  try {
    const done = await work()
    return { ...done, headers: { date, server: 'uvicorn', ...done.headers } }
  } catch (error) {
    return failure(500, isL402Error(error, 'NODE_UNAVAILABLE') ? 'Unable to connect.' : 'error')
  }
}

function refusalOf(request: WireRequest): WireAnswer | undefined {
  const key = keyOf(request)
  if (key === undefined) return failure(401, 'No Api Key provided.')
  if (key !== invoiceKey && key !== adminKey) return failure(404, 'Wallet not found.')
  return undefined
}

function keyOf({ headers }: WireRequest): string | undefined {
  const key = headers['x-api-key']
  return typeof key === 'string' ? key : undefined
}

function getWallet({ node }: Context, request: WireRequest): WireAnswer {
  return json(200, {
    name: 'LNbits wallet',
    balance: Number(node.balanceMsat()),
    ...(keyOf(request) === adminKey && { id: walletId }),
  })
}

async function createInvoice(context: Context, order: Members): Promise<WireAnswer> {
  const { node, rows, now } = context
  const { amount, memo, expiry, unit } = order
  if (unit !== 'sat') return failure(400, 'The provided unit is not supported')
  if (typeof amount !== 'number' || amount <= 0) {
    return failure(520, 'Amountless invoices not supported.', 'failed')
  }
  const { invoice: bolt11 } = await node.createInvoice({
    amountMsat: msat(BigInt(Math.trunc(amount)) * 1000n),
    description: String(memo === undefined || memo === '' ? 'LNbits' : memo),
    expirySeconds: typeof expiry === 'number' ? expiry : 3600,
  })
  const invoice = decodeInvoice(bolt11)
  const row = newRow(now, { invoice, amountMsat: Math.trunc(amount) * 1000 })
  rows.push(row)
  return json(201, asPayment(row))
}

async function payInvoice(
  context: Context,
  request: WireRequest,
  order: Members,
): Promise<WireAnswer> {
  if (keyOf(request) !== adminKey) return failure(403, 'Invoice (or Admin) key required.')
  const { bolt11 } = order
  if (typeof bolt11 !== 'string') return failure(400, 'Missing BOLT11 invoice')
  const invoice = readInvoice(bolt11)
  if (invoice === undefined) return failure(520, 'Bolt11 decoding failed.', 'failed')
  if (invoice.amountMsat === undefined) {
    return failure(520, 'Amountless invoices not supported.', 'failed')
  }
  const incoming = rowsOf(context, invoice).find(({ amountMsat }) => amountMsat > 0)
  if (incoming?.status === 'success') {
    return failure(520, 'Internal invoice already paid.', 'failed')
  }
  if (incoming !== undefined) return payInternally(context, invoice, incoming)
  return payExternally(context, invoice, invoice.amountMsat)
}

/** Two entries in one book. LNbits hands the preimage over where its node told it; here it did not. */
function payInternally(context: Context, invoice: Invoice, incoming: Row): WireAnswer {
  const row = newRow(context.now, {
    checkingId: `internal_${encodeHex(invoice.paymentHash)}`,
    invoice,
    amountMsat: -incoming.amountMsat,
    feeMsat: serviceFee(context, incoming.amountMsat),
    status: 'success',
    preimage: incoming.preimage,
  })
  context.rows.push(row)
  receive(incoming, context.now())
  return json(201, asPayment(row))
}

async function payExternally(
  context: Context,
  invoice: Invoice,
  amountMsat: Msat,
): Promise<WireAnswer> {
  const { node, rows, now, payWaitMs } = context
  const total = feeReserve(context, Number(amountMsat))
  const balance = Number(node.balanceMsat())
  if (balance < Number(amountMsat)) return failure(520, 'Insufficient balance.', 'failed')
  if (balance < Number(amountMsat) + total) {
    const sat = Math.round(total / 1000)
    const words = `You must reserve at least (${sat}  sat) to cover potential routing fees.`
    return failure(520, words, 'failed')
  }
  const old = rowsOf(context, invoice)[0]
  if (old !== undefined) return verifyOld(context, old)

  const row = newRow(now, { invoice, amountMsat: -Number(amountMsat), feeMsat: -total })
  rows.push(row)
  const maxFeeMsat = msat(BigInt(total - serviceFee(context, Number(amountMsat))))
  const paying = askNode(context, invoice, maxFeeMsat)
  const outcome = await Promise.race([paying, pause(payWaitMs)])
  if (outcome === undefined || outcome.status === 'unknown') return json(201, asPayment(row))
  note(context, row, outcome)
  if (outcome.status === 'settled') return json(201, asPayment(row))
  return failure(520, `Payment failed: ${sentences[outcome.reason] ?? outcome.reason}`, 'failed')
}

/** Waits for the end, as a node does that is told to pay. */
async function askNode(
  { node, payWaitMs }: Context,
  invoice: Invoice,
  maxFeeMsat: Msat,
): Promise<PaymentOutcome> {
  const until = performance.now() + payWaitMs
  let outcome = await node.pay(invoice, { maxFeeMsat })
  const found = await node.lookupPayment(invoice.paymentHash)
  // What was paid before is paid, and told like the first time.
  if (outcome.status === 'failed' && found?.status === 'settled') outcome = found
  while (outcome.status === 'unknown' && performance.now() < until) {
    await pause(10)
    outcome = (await node.lookupPayment(invoice.paymentHash)) ?? outcome
  }
  return outcome
}

/** What failed is never sent again. */
async function verifyOld(context: Context, old: Row): Promise<WireAnswer> {
  if (old.status === 'pending') return failure(520, 'Payment is still pending.', 'pending')
  if (old.status === 'success') return failure(520, 'Payment already paid.', 'success')
  const outcome = await context.node.lookupPayment(old.invoice.paymentHash)
  if (outcome?.status === 'failed') {
    return failure(520, 'Payment is failed node, retrying is not possible.', 'failed')
  }
  if (outcome?.status !== 'settled') return json(201, asPayment(old))
  note(context, old, outcome)
  return failure(520, 'Failed payment was already paid on the fundingsource.', 'success')
}

async function listPayments(context: Context, query: URLSearchParams): Promise<WireAnswer> {
  const hashHex = query.get('payment_hash')
  const found = context.rows.filter(
    ({ invoice }) => hashHex === null || encodeHex(invoice.paymentHash) === hashHex,
  )
  if (query.get('recheck_pending') === 'true') {
    for (const row of found) await recheck(context, row)
  }
  return json(200, { data: found.map(asPayment), total: found.length })
}

function getFeeReserve(context: Context, query: URLSearchParams): WireAnswer {
  const invoice = readInvoice(query.get('invoice') ?? '')
  if (invoice === undefined) return failure(400, 'Bech32 string is not valid.')
  if (invoice.amountMsat === undefined) return failure(400, 'Invoice has no amount.')
  return json(200, { fee_reserve: feeReserve(context, Number(invoice.amountMsat)) })
}

function messages(context: Context, { path, headers, signal }: WireRequest): WireAnswer {
  if (headers['upgrade'] !== 'websocket') return failure(404, 'Not Found')
  // Whoever names no key hears nothing.
  const isKey = path.endsWith(`/${invoiceKey}`) || path.endsWith(`/${adminKey}`)
  const settlements = context.node.settlements(signal)
  return { status: 101, body: messagesOf(context, settlements, isKey) }
}

async function* messagesOf(
  context: Context,
  settlements: AsyncIterable<Settlement>,
  isKey: boolean,
): AsyncGenerator<string> {
  for await (const { paymentHash, settledAtSeconds } of settlements) {
    const row = context.rows.find(
      ({ invoice, amountMsat }) =>
        amountMsat > 0 && encodeHex(invoice.paymentHash) === encodeHex(paymentHash),
    )
    if (row === undefined || !isKey) continue
    receive(row, settledAtSeconds)
    const balance = Number(context.node.balanceMsat() / 1000n)
    yield JSON.stringify({ wallet_balance: balance, payment: asPayment(row) })
  }
}

function rowsOf({ rows }: Context, { paymentHash }: Invoice): readonly Row[] {
  return rows.filter(({ invoice }) => encodeHex(invoice.paymentHash) === encodeHex(paymentHash))
}

const sentences: Readonly<Record<string, string>> = {
  'no-route': 'Could not find a route',
  'already-paid': 'WIRE_INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS',
  rejected: 'WIRE_INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS',
}

type Members = Readonly<Record<string, unknown>>

function parse(body: string): Members {
  try {
    return Object(JSON.parse(body))
  } catch {
    return {}
  }
}

function json(status: number, value: Members): WireAnswer {
  return { status, body: JSON.stringify(value) }
}

function failure(status: number, detail: string, state?: string): WireAnswer {
  return json(status, { detail, ...(state !== undefined && { status: state }) })
}

function readInvoice(text: string): Invoice | undefined {
  try {
    return decodeInvoice(text)
  } catch {
    return undefined
  }
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, ms, undefined))
}
