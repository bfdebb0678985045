import { maxMsat } from '../../amount/index.ts'
import { decodeHex, encodeHex } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { Invoice, PaymentHash } from '../../invoice/index.ts'
import { decodeInvoice, expiresAtSeconds, paymentHash } from '../../invoice/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { PaymentOutcome, Settlement } from '../../lightning/index.ts'
import type { LookAlike, WireAnswer, WireRequest, WireRoute } from './look-alike.ts'
import { serveLookAlike } from './look-alike.ts'

export type PhoenixdLookAlikeOptions = {
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
  /** As `chain` of `getinfo` says it. Default `regtest`. */
  readonly chain?: string
  /** States of its channels. Default `['Normal']`. */
  readonly channels?: readonly string[]
}

export type PhoenixdLookAlike = LookAlike & {
  /** `http-password` and `http-password-limited-access` of its phoenix.conf. */
  readonly password: string
  readonly limitedPassword: string
}

const password = 'f'.repeat(64)
const limitedPassword = '1'.repeat(64)

type Context = Required<PhoenixdLookAlikeOptions> & {
  readonly node: DevnetNode
  /** By payment hash in hex. */
  readonly issued: Map<string, Invoice>
  /** Attempts that were written down, by payment hash in hex. */
  readonly ordered: Map<string, { readonly invoice: Invoice; readonly createdAtMs: number }>
}

/**
 * Speaks as phoenixd 0.7 and 0.8 do (https://phoenix.acinq.co/server/api), over a node of the embedded
 * network: forms in, JSON out, errors in plain text, Basic authentication. Amounts are whole satoshis,
 * fees msat, times ms. The node should charge 4 sat and 0.4 %, as phoenixd does.
 */
export async function servePhoenixd(
  node: DevnetNode,
  options: PhoenixdLookAlikeOptions = {},
): Promise<PhoenixdLookAlike> {
  const {
    now = () => Math.floor(Date.now() / 1000),
    chain = 'regtest',
    channels = ['Normal'],
  } = options
  const context = { node, now, chain, channels, issued: new Map(), ordered: new Map() }
  const lookAlike = await serveLookAlike((request) => routeOf(context, request))
  return { ...lookAlike, password, limitedPassword }
}

function routeOf(context: Context, request: WireRequest): WireRoute {
  const { method, path } = request
  const call = (
    role: WireRoute['role'],
    work: () => WireAnswer | Promise<WireAnswer>,
    needs: 'any' | 'full' = 'any',
  ): WireRoute => ({ role, carryOut: () => answer(request, needs, work) })

  const [, collection, direction, id = ''] = path.split('/')
  switch (`${method} ${collection === 'payments' ? `/payments/${direction}` : path}`) {
    case 'GET /getinfo':
      return call('other', () => getInfo(context))
    case 'POST /createinvoice':
      return call('invoice', () => createInvoice(context, new URLSearchParams(request.body)))
    case 'GET /payments/incoming':
      return call('invoice-look-up', () => getIncoming(context, id))
    case 'POST /payinvoice':
      return call('order', () => payInvoice(context, request), 'full')
    case 'GET /payments/outgoingbyhash':
      return call('look-up', () => getOutgoing(context, id))
    case 'GET /websocket':
      return call('settlements', () => events(context, request))
    default:
      return call('other', () => text(404, 'Unknown endpoint (check api doc)'))
  }
}

async function answer(
  request: WireRequest,
  needs: 'any' | 'full',
  work: () => WireAnswer | Promise<WireAnswer>,
): Promise<WireAnswer> {
  const given = passwordOf(request)
  const isEnough = given === password || (given === limitedPassword && needs === 'any')
  if (!isEnough) {
    const words =
      'Invalid authentication (use basic auth with the http password set in phoenix.conf)'
    return text(401, words)
  }
  try {
    return await work()
  } catch (error) {
    return text(500, isL402Error(error, 'NODE_UNAVAILABLE') ? 'not connected' : 'error')
  }
}

/** Of a browser that opens a WebSocket, the protocol is the password. */
function passwordOf({ path, headers }: WireRequest): string | undefined {
  const protocol = headers['sec-websocket-protocol']
  if (path === '/websocket' && typeof protocol === 'string') return protocol
  const [scheme, token] = String(headers['authorization']).split(' ')
  if (scheme !== 'Basic' || token === undefined) return undefined
  return Buffer.from(token, 'base64')
    .toString('utf8')
    .replace(/^[^:]*:/, '')
}

function getInfo({ node, chain, channels }: Context): WireAnswer {
  return json({
    nodeId: encodeHex(node.nodeId),
    channels: channels.map((state) => ({
      state,
      channelId: '9'.repeat(64),
      balanceSat: Number(node.balanceMsat() / 1000n),
      inboundLiquiditySat: 1_000_000,
      capacitySat: 3_000_000,
      fundingTxId: '8'.repeat(64),
    })),
    chain,
    blockHeight: 900_000,
    version: '0.7.1-aaaaaaa',
  })
}

async function createInvoice(
  { node, issued }: Context,
  fields: URLSearchParams,
): Promise<WireAnswer> {
  const amountSat = fields.get('amountSat')
  const expiry = fields.get('expirySeconds') ?? '3600'
  const description = fields.get('description')
  if (description !== null && description.length > 128) {
    return text(400, 'Request parameter description is too long (max 128 characters)')
  }
  if (description === null) return text(400, 'Must provide either a description or descriptionHash')
  for (const [name, value] of [
    ['amountSat', amountSat],
    ['expirySeconds', expiry],
  ] as const) {
    if (value !== null && !/^-?\d+$/.test(value)) return badParameter(name, 'integer')
  }
  const { invoice: serialized } = await node.createInvoice({
    amountMsat: (BigInt(amountSat ?? 0) * 1000n) as Settlement['amountMsat'],
    description,
    expirySeconds: Number(expiry),
  })
  const invoice = decodeInvoice(serialized)
  const hashHex = encodeHex(invoice.paymentHash)
  issued.set(hashHex, invoice)
  return json({ amountSat: Number(amountSat), paymentHash: hashHex, serialized })
}

async function getIncoming({ node, now, issued }: Context, id: string): Promise<WireAnswer> {
  const hash = readHash(id)
  if (hash === undefined) return badParameter('paymentHash', 'hex32')
  const invoice = issued.get(id)
  if (invoice === undefined) return text(404, 'Not found')
  const found = await node.lookupInvoice(hash)
  const isPaid = found.status === 'settled'
  const amountMsat = isPaid ? found.amountMsat : 0n
  return json({
    type: 'incoming_payment',
    subType: 'lightning',
    paymentHash: id,
    // It tells its own preimage, paid or not.
    preimage: '7'.repeat(64),
    description: invoice.description,
    invoice: invoice.text,
    isPaid,
    isExpired: found.status === 'closed' || now() >= expiresAtSeconds(invoice),
    requestedSat: Number((invoice.amountMsat ?? 0n) / 1000n),
    receivedSat: Number(amountMsat / 1000n),
    fees: 0,
    expiresAt: expiresAtSeconds(invoice) * 1000,
    ...(isPaid && { completedAt: found.settledAtSeconds * 1000 + 7 }),
    createdAt: invoice.timestampSeconds * 1000,
  })
}

async function payInvoice(context: Context, request: WireRequest): Promise<WireAnswer> {
  const { node, now, ordered } = context
  const invoiceText = new URLSearchParams(request.body).get('invoice')
  if (invoiceText === null) return text(400, 'Request parameter invoice is missing')
  const invoice = readInvoice(invoiceText)
  if (invoice === undefined) return badParameter('invoice', 'bolt11invoice')
  const hashHex = encodeHex(invoice.paymentHash)
  const before = await node.lookupPayment(invoice.paymentHash)
  if (before?.status === 'settled') return notPaid(hashHex, 'this invoice has already been paid')
  ordered.set(hashHex, { invoice, createdAtMs: now() * 1000 })
  // It knows no ceiling.
  const limits = { maxFeeMsat: maxMsat, signal: request.signal }
  const outcome = await ended(context, invoice, await node.pay(invoice, limits), request.signal)
  if (outcome.status === 'settled') return paid(hashHex, outcome)
  const reason = outcome.status === 'failed' ? outcome.reason : 'rejected'
  return notPaid(hashHex, await sentenceOf(context, invoice, reason))
}

/** phoenixd answers when the payment has ended, or never. */
async function ended(
  { node }: Context,
  invoice: Invoice,
  first: PaymentOutcome,
  signal: AbortSignal,
): Promise<PaymentOutcome> {
  let outcome = first
  while (outcome.status === 'unknown' && !signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    outcome = (await node.lookupPayment(invoice.paymentHash)) ?? outcome
  }
  return outcome
}

/** As lightning-kmp explains a failure. */
async function sentenceOf(
  { node }: Context,
  { paymentHash: hash }: Invoice,
  reason: string,
): Promise<string> {
  switch (reason) {
    case 'already-paid': {
      const isOurs = (await node.lookupPayment(hash))?.status === 'settled'
      if (isOurs) return 'this invoice has already been paid'
      return 'recipient node rejected the payment'
    }
    case 'no-route':
      return 'recipient node is offline or unreachable'
    case 'insufficient-balance':
      return 'not enough funds in wallet to afford payment'
    default:
      return 'recipient node rejected the payment'
  }
}

async function getOutgoing({ node, ordered }: Context, id: string): Promise<WireAnswer> {
  const hash = readHash(id)
  if (hash === undefined) return badParameter('paymentHash', 'hex32')
  const order = ordered.get(id)
  const outcome = await node.lookupPayment(hash)
  if (outcome === undefined || order === undefined) return text(404, 'Not found')
  const { invoice, createdAtMs } = order
  const isPaid = outcome.status === 'settled'
  const feeMsat = isPaid ? outcome.feeMsat : 0n
  return json({
    type: 'outgoing_payment',
    subType: 'lightning',
    paymentId: 'fd9f9a9c-0b4d-4f4d-8f64-41e0a6e0a4d5',
    paymentHash: id,
    ...(isPaid && { preimage: encodeHex(outcome.preimage) }),
    isPaid,
    sent: Number(((invoice.amountMsat ?? 0n) + feeMsat) / 1000n),
    fees: Number(feeMsat),
    invoice: invoice.text,
    ...(outcome.status !== 'unknown' && { completedAt: createdAtMs + 900 }),
    createdAt: createdAtMs,
  })
}

function events({ node }: Context, { headers, signal }: WireRequest): WireAnswer {
  if (headers['upgrade'] !== 'websocket') return text(400, 'expected a WebSocket')
  return { status: 101, body: eventsOf(node.settlements(signal)) }
}

async function* eventsOf(settlements: AsyncIterable<Settlement>): AsyncGenerator<string> {
  for await (const { paymentHash: hash, amountMsat, settledAtSeconds } of settlements) {
    const event = {
      type: 'payment_received',
      timestamp: settledAtSeconds * 1000,
      amountSat: Number(amountMsat / 1000n),
      paymentHash: encodeHex(hash),
    }
    yield JSON.stringify(event, undefined, 4)
  }
}

function paid(
  hashHex: string,
  { amountMsat, feeMsat, preimage }: Extract<PaymentOutcome, { readonly status: 'settled' }>,
): WireAnswer {
  return json({
    recipientAmountSat: Number(amountMsat / 1000n),
    routingFeeSat: Number(feeMsat / 1000n),
    paymentId: 'fd9f9a9c-0b4d-4f4d-8f64-41e0a6e0a4d5',
    paymentHash: hashHex,
    paymentPreimage: encodeHex(preimage),
  })
}

function notPaid(hashHex: string, reason: string): WireAnswer {
  return json({ paymentHash: hashHex, reason })
}

function badParameter(name: string, type: string): WireAnswer {
  return text(400, `Request parameter ${name} couldn't be parsed/converted to ${type}`)
}

function json(value: Readonly<Record<string, unknown>>): WireAnswer {
  return { status: 200, body: JSON.stringify(value, undefined, 4) }
}

function text(status: number, body: string): WireAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=UTF-8' }, body }
}

function readHash(id: string): PaymentHash | undefined {
  return /^[0-9a-f]{64}$/.test(id) ? paymentHash(decodeHex(id)) : undefined
}

function readInvoice(invoice: string): Invoice | undefined {
  try {
    return decodeInvoice(invoice)
  } catch {
    return undefined
  }
}
