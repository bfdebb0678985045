import { msat } from '../../amount/index.ts'
import { decodeHex, encodeHex } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { Invoice, PaymentHash } from '../../invoice/index.ts'
import { decodeInvoice, expiresAtSeconds, paymentHash } from '../../invoice/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { PaymentOutcome } from '../../lightning/index.ts'
import type { LookAlike, WireAnswer, WireRequest, WireRoute } from './look-alike.ts'
import { serveLookAlike } from './look-alike.ts'

export type BtcpayLookAlikeOptions = {
  /** API keys, and what each may do. Default: one that may do what paying and being paid takes. */
  readonly keys?: Readonly<Record<string, readonly string[]>>
  /** What is behind: it decides how an expired invoice is told. Default `lnd`. */
  readonly backend?: 'lnd' | 'cln'
  /** The node belongs to the whole server, and the users of the keys are not its administrators. */
  readonly internalNode?: boolean
  /** The store has no node. */
  readonly withoutNode?: boolean
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

export type BtcpayLookAlike = LookAlike & {
  readonly storeId: string
  readonly key: string
  /** The bodies of the orders that reached it, oldest first. */
  readonly orders: readonly Members[]
}

const storeId = '9CiNzKoANXxmk5ayZngSXrHTiVvvgCrwrpFQd4m2K776'
const lightning = `/api/v1/stores/${storeId}/lightning/`
/** As of `POST …/invoices/pay`. */
const defaultSendTimeout = 30
const noRoute: ReadonlySet<string> = new Set(['no-route', 'insufficient-balance', 'fee-limit'])

type Members = Readonly<Record<string, unknown>>
type Context = BtcpayLookAlikeOptions & {
  readonly node: DevnetNode
  readonly now: () => number
  /** By payment hash in hex. */
  readonly issued: Map<string, Invoice>
  readonly orders: Members[]
  readonly ordered: Map<string, { readonly text: string; readonly createdAt: number }>
}

/**
 * Speaks as the Lightning endpoints of one store of BTCPay Server 2 do (Greenfield API v1, as of 2.3),
 * over a node of the embedded network. Amounts are texts of msat, the fee ceiling is a text of sat, times
 * are seconds, hashes and preimages hex.
 */
export async function serveBtcpay(
  node: DevnetNode,
  options: BtcpayLookAlikeOptions = {},
): Promise<BtcpayLookAlike> {
  const {
    keys = { 'a-key': [`btcpay.store.canuselightningnode:${storeId}`] },
    now = () => Math.floor(Date.now() / 1000),
  } = options
  const orders: Members[] = []
  const context: Context = {
    ...options,
    keys,
    node,
    now,
    orders,
    issued: new Map(),
    ordered: new Map(),
  }
  const lookAlike = await serveLookAlike((request) => routeOf(context, request))
  return { ...lookAlike, storeId, key: Object.keys(keys)[0] ?? '', orders }
}

function routeOf(context: Context, request: WireRequest): WireRoute {
  const { method, path } = request
  const permissions = permissionsOf(context, request)
  const call = (
    role: WireRoute['role'],
    permission: string | undefined,
    work: () => Promise<WireAnswer>,
  ): WireRoute => ({
    role,
    carryOut: async () => {
      const answer = await answerTo(context, permissions, permission, work)
      const date = new Date(context.now() * 1000).toUTCString()
      return { ...answer, headers: { date, ...answer.headers } }
    },
  })
  if (path === '/api/v1/api-keys/current') {
    return call('other', undefined, async () =>
      json(200, { apiKey: keyOf(request), label: 'satway', permissions }),
    )
  }
  const [code, what, id] = path.startsWith(lightning) ? path.slice(lightning.length).split('/') : []
  if (code !== 'BTC') return call('other', undefined, async () => ({ status: 404, body: '' }))
  const where = `${method} ${what}${id === undefined ? '' : id === 'pay' ? '/pay' : '/id'}`
  switch (where) {
    case 'POST invoices':
      return call('invoice', 'cancreatelightninginvoice', () => createInvoice(context, request))
    case 'GET invoices/id':
      return call('invoice-look-up', 'canviewlightninginvoice', () => getInvoice(context, id ?? ''))
    case 'POST invoices/pay':
      return call('order', 'canuselightningnode', () => payInvoice(context, request))
    case 'GET payments/id':
      return call('look-up', 'canuselightningnode', () => getPayment(context, id ?? ''))
    case 'GET info':
      return call('other', 'canuselightningnode', () => getInfo(context))
    default:
      return call('other', undefined, async () => ({ status: 404, body: '' }))
  }
}

async function answerTo(
  { withoutNode, internalNode, node }: Context,
  permissions: readonly string[] | undefined,
  permission: string | undefined,
  work: () => Promise<WireAnswer>,
): Promise<WireAnswer> {
  if (permissions === undefined) {
    const message = 'Authentication is required for accessing this endpoint'
    return json(401, { code: 'unauthenticated', message })
  }
  if (permission === undefined) return work()
  const policy = `btcpay.store.${permission}`
  if (!allows(permissions, policy)) return lacks(policy)
  if (withoutNode === true) {
    return problem(404, 'lightning-not-configured', 'The lightning node is not set up')
  }
  if (internalNode === true && permission === 'canuselightningnode') {
    return lacks('btcpay.server.canuseinternallightningnode')
  }
  try {
    return await work()
  } catch (error) {
    if (!isL402Error(error, 'NODE_UNAVAILABLE')) throw error
    return nodeUnavailable(`HttpRequestException: Connection refused (${node.name})`)
  }
}

async function createInvoice(context: Context, { body }: WireRequest): Promise<WireAnswer> {
  const { amount, description, expiry } = membersOf(body)
  if (typeof expiry !== 'number' || expiry <= 0) {
    return json(422, [{ path: 'Expiry', message: 'Expiry should be more than 0' }])
  }
  try {
    const { invoice } = await context.node.createInvoice({
      amountMsat: msat(BigInt(String(amount))),
      description: typeof description === 'string' ? description : '',
      expirySeconds: Math.round(expiry),
    })
    const read = decodeInvoice(invoice)
    context.issued.set(encodeHex(read.paymentHash), read)
    return json(200, invoiceData(read, 'Unpaid', null, null))
  } catch (error) {
    if (isL402Error(error, 'NODE_UNAVAILABLE')) throw error
    return problem(400, 'generic-error', 'rpc error: code = Unknown desc = invoice refused')
  }
}

async function getInvoice(context: Context, id: string): Promise<WireAnswer> {
  const notFound = problem(
    404,
    'invoice-not-found',
    'Impossible to find a lightning invoice with this id',
  )
  const hash = hashOf(id)
  if (hash === undefined) return notFound
  const found = await context.node.lookupInvoice(hash)
  const issued = context.issued.get(id)
  if (found.status === 'not-found' || issued === undefined) return notFound
  if (found.status === 'settled') {
    const { amountMsat, settledAtSeconds } = found
    return json(200, invoiceData(issued, 'Paid', String(amountMsat), settledAtSeconds))
  }
  if (found.status === 'open') return json(200, invoiceData(issued, 'Unpaid', null, null))
  // lnd cancels what has expired, and BTCPay does not show what was cancelled.
  if (context.backend !== 'cln') return notFound
  return json(200, invoiceData(issued, 'Expired', null, null))
}

async function payInvoice(context: Context, { body, signal }: WireRequest): Promise<WireAnswer> {
  const { node, ordered, now } = context
  const request = membersOf(body)
  context.orders.push(request)
  const { BOLT11, maxFeeFlat, sendTimeout = defaultSendTimeout } = request
  const invoice = invoiceOf(BOLT11)
  if (invoice === undefined || invoice.network !== node.network) {
    return json(422, [{ path: 'BOLT11', message: 'The BOLT11 invoice was invalid.' }])
  }
  const hashHex = encodeHex(invoice.paymentHash)
  // A ceiling of nothing is taken for none.
  const maxFeeSat = BigInt(String(maxFeeFlat ?? '0'))
  const maxFeeMsat = msat(maxFeeSat > 0n ? maxFeeSat * 1000n : (invoice.amountMsat ?? 0n))
  const limit = AbortSignal.timeout(Number(sendTimeout) * 1000)
  const paying = node.pay(invoice, { maxFeeMsat, signal: AbortSignal.any([signal, limit]) })
  const before = ordered.get(hashHex)
  ordered.set(hashHex, { text: invoice.text, createdAt: now() })
  const outcome = await paying.catch((error: unknown) => {
    if (before === undefined) ordered.delete(hashHex)
    else ordered.set(hashHex, before)
    throw error
  })
  if (outcome.status === 'failed' && noRoute.has(outcome.reason)) {
    return problem(400, 'could-not-find-route', 'FAILURE_REASON_NO_ROUTE')
  }
  const standing = await node.lookupPayment(invoice.paymentHash)
  const isPaidByOther = outcome.status === 'failed' && standing?.status !== 'settled'
  if (isPaidByOther) {
    return problem(400, 'generic-error', 'FAILURE_REASON_INCORRECT_PAYMENT_DETAILS')
  }
  if (standing === undefined)
    return nodeUnavailable('NullReferenceException: Object reference not set')
  const isOk = outcome.status !== 'unknown'
  return json(isOk ? 200 : 202, paymentData(context, hashHex, standing))
}

async function getPayment(context: Context, id: string): Promise<WireAnswer> {
  const hash = hashOf(id)
  const found = hash === undefined ? undefined : await context.node.lookupPayment(hash)
  if (found !== undefined) return json(200, paymentData(context, id, found))
  return problem(
    404,
    'payment-not-found',
    'Impossible to find a lightning payment with this payment hash',
  )
}

async function getInfo({ node, backend }: Context): Promise<WireAnswer> {
  // Rejects when the node is deaf.
  await node.lookupInvoice(paymentHash(new Uint8Array(32)))
  return json(200, {
    nodeURIs: [`${encodeHex(node.nodeId)}@127.0.0.1:9735`],
    blockHeight: 120,
    alias: node.name,
    color: '#3399ff',
    version: backend === 'cln' ? 'v25.02' : '0.18.5-beta commit=v0.18.5-beta',
    peersCount: 1,
    activeChannelsCount: 1,
    inactiveChannelsCount: 0,
    pendingChannelsCount: 0,
  })
}

function invoiceData(
  invoice: Invoice,
  status: 'Unpaid' | 'Paid' | 'Expired',
  amountReceived: string | null,
  paidAt: number | null,
): Members {
  return {
    id: encodeHex(invoice.paymentHash),
    status,
    BOLT11: invoice.text,
    paymentHash: encodeHex(invoice.paymentHash),
    paidAt,
    expiresAt: expiresAtSeconds(invoice),
    amount: String(invoice.amountMsat),
    amountReceived,
  }
}

function paymentData(context: Context, hashHex: string, outcome: PaymentOutcome): Members {
  const order = context.ordered.get(hashHex)
  const isSettled = outcome.status === 'settled'
  return {
    id: null,
    paymentHash: hashHex,
    status: isSettled ? 'Complete' : outcome.status === 'failed' ? 'Failed' : 'Pending',
    BOLT11: order?.text ?? null,
    preimage: isSettled ? encodeHex(outcome.preimage) : null,
    createdAt: order?.createdAt ?? null,
    totalAmount: isSettled ? String(outcome.amountMsat + outcome.feeMsat) : null,
    feeAmount: isSettled ? String(outcome.feeMsat) : null,
  }
}

function permissionsOf(context: Context, request: WireRequest): readonly string[] | undefined {
  const key = keyOf(request)
  const { keys = {} } = context
  return key !== undefined && Object.hasOwn(keys, key) ? keys[key] : undefined
}

function keyOf({ headers }: WireRequest): string | undefined {
  return /^token (.+)$/.exec(String(headers['authorization'] ?? ''))?.[1]
}

function allows(permissions: readonly string[], policy: string): boolean {
  const brings = [policy, 'unrestricted', 'btcpay.store.canmodifystoresettings']
  if (policy !== 'btcpay.store.canuselightningnode') brings.push('btcpay.store.canuselightningnode')
  return permissions.some((permission) => {
    const [name = '', scope = storeId] = permission.split(':')
    return brings.includes(name) && scope === storeId
  })
}

function lacks(missingPermission: string): WireAnswer {
  const message = `Insufficient API Permissions. Please use an API key with permission "${missingPermission}".`
  return json(403, { missingPermission, code: 'missing-permission', message })
}

function nodeUnavailable(why: string): WireAnswer {
  const message = `The lightning node is unavailable (${why})`
  return problem(503, 'lightning-node-unavailable', message)
}

function problem(status: number, code: string, message: string): WireAnswer {
  return json(status, { code, message })
}

function json(status: number, body: unknown): WireAnswer {
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  return { status, headers, body: JSON.stringify(body) }
}

function membersOf(body: string): Members {
  return JSON.parse(body) as Members
}

function invoiceOf(text: unknown): Invoice | undefined {
  try {
    return decodeInvoice(String(text))
  } catch {
    return undefined
  }
}

function hashOf(id: string): PaymentHash | undefined {
  return /^[0-9a-f]{64}$/.test(id) ? paymentHash(decodeHex(id)) : undefined
}
