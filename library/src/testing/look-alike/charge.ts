import { msat } from '../../amount/index.ts'
import {
  encodeBase64,
  encodeBase64Url,
  encodeHex,
  encodeUtf8,
  randomBytes,
} from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { Invoice } from '../../invoice/index.ts'
import {
  decodeInvoice,
  encodeInvoice,
  expiresAtSeconds,
  hashPreimage,
  preimage,
} from '../../invoice/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { LookAlike, WireAnswer, WireRequest, WireRoute } from './look-alike.ts'
import { serveLookAlike } from './look-alike.ts'

export type ChargeLookAlikeOptions = {
  /** Its `--api-token`. Default `tok`. */
  readonly token?: string
  /** How often its stream says that it lives, in ms. Default 25 000. */
  readonly keepAliveMs?: number
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

export type ChargeLookAlike = LookAlike & {
  readonly token: string
  /** Drops an invoice from its books, as it does with what expired long ago. */
  forget(hash: Uint8Array): void
}

/** An invoice in its books. */
type Row = {
  readonly id: string
  /** `null`: of any amount. */
  readonly msatoshi: string | null
  readonly quoted: { readonly currency: string; readonly amount: string } | undefined
  readonly description: string
  readonly metadata: unknown
  readonly invoice: Invoice
  readonly createdAt: number
  paid:
    | { readonly index: number; readonly atSeconds: number; readonly msatoshi: string }
    | undefined
}

type Context = {
  readonly node: DevnetNode
  readonly now: () => number
  readonly keepAliveMs: number
  readonly authorization: string
  /** By id, oldest first. */
  readonly rows: Map<string, Row>
}

const defaultDescription = 'Lightning Charge Invoice'
/** Of the node, where none is given. */
const defaultExpirySeconds = 604_800
const msatPerBtc = 100_000_000_000
const errorPage =
  '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n<pre>Internal Server Error</pre>\n</body>\n</html>\n'

/**
 * Speaks as Lightning Charge 0.4.26 does, over a node of the embedded network: made from the exchanges of
 * test/vectors/lightning-charge.json, with which it is compared. It has no checkout pages, and calls no
 * webhooks.
 */
export async function serveCharge(
  node: DevnetNode,
  options: ChargeLookAlikeOptions = {},
): Promise<ChargeLookAlike> {
  const { token = 'tok', keepAliveMs = 25_000 } = options
  const context: Context = {
    node,
    now: options.now ?? (() => Math.floor(Date.now() / 1000)),
    keepAliveMs,
    authorization: `Basic ${encodeBase64(encodeUtf8(`api-token:${token}`))}`,
    rows: new Map(),
  }
  const lookAlike = await serveLookAlike((request) => routeOf(context, request))
  return {
    ...lookAlike,
    token,
    forget: (hash) => {
      const row = rowOf(context, hash)
      if (row !== undefined) context.rows.delete(row.id)
    },
  }
}

function routeOf(context: Context, request: WireRequest): WireRoute {
  const { method, path } = request
  const [, what = '', id, action] = path.split('/')
  const call = (role: WireRoute['role'], work: () => Promise<WireAnswer>): WireRoute => ({
    role,
    carryOut: async () => {
      if (request.headers['authorization'] !== context.authorization) return unauthorized
      try {
        return await work()
      } catch (error) {
        // Its calls hang when the node is gone.
        if (isL402Error(error, 'NODE_UNAVAILABLE')) return never(request)
        throw error
      }
    },
  })
  switch (
    `${method} /${what}${id === undefined ? '' : '/:id'}${action === undefined ? '' : `/${action}`}`
  ) {
    case 'POST /invoice':
      return call('invoice', () => createInvoice(context, request))
    case 'GET /invoice/:id':
      return call('invoice-look-up', () =>
        withRow(context, id, async (row) => json(200, await fullInvoice(context, row))),
      )
    case 'GET /invoices':
      return call('invoice-look-up', async () => {
        const all: unknown[] = []
        for (const row of context.rows.values()) all.push(await fullInvoice(context, row))
        return json(200, all)
      })
    case 'GET /invoice/:id/wait':
      return call('other', () => withRow(context, id, (row) => waitFor(context, request, row)))
    case 'DELETE /invoice/:id':
      return call('other', () =>
        withRow(context, id, (row) => deleteInvoice(context, request, row)),
      )
    case 'POST /invoice/:id/webhook':
      return call('other', () =>
        withRow(context, id, async (row) => {
          const status = await statusOf(context, row)
          if (status === 'paid') return text(405, 'Method Not Allowed')
          return status === 'expired' ? text(410, 'Gone') : text(201, 'Created')
        }),
      )
    case 'GET /info':
      return call('other', async () => json(200, infoOf(context)))
    case 'GET /payment-stream':
      return call('settlements', async () => ({
        status: 200,
        headers: {
          'x-accel-buffering': 'no',
          'cache-control': 'no-cache',
          'content-type': 'text/event-stream; charset=utf-8',
        },
        body: paymentStream(context, request.signal),
      }))
    default:
      return call('other', async () => text(404, 'Not Found'))
  }
}

async function createInvoice(context: Context, request: WireRequest): Promise<WireAnswer> {
  const { node, now, rows } = context
  const props = propsOf(request)
  const { currency, amount, metadata = null } = props
  if (currency !== undefined && currency !== 'BTC') return page(500, errorPage)
  const quoted =
    currency === undefined ? undefined : { currency: String(currency), amount: String(amount) }
  const given =
    quoted === undefined ? props['msatoshi'] : Math.ceil(Number(quoted.amount) * msatPerBtc)
  const msatoshi = given === undefined || given === 0 || given === '' ? null : String(given)
  if (msatoshi !== null && !/^\d+$/.test(msatoshi)) {
    return page(400, 'LightningError: millisatoshis must be an integer')
  }
  const description = props['description'] ? String(props['description']) : defaultDescription
  const expirySeconds = Number(props['expiry'] ?? defaultExpirySeconds)
  const bolt11 =
    msatoshi === null
      ? anyAmount(description, expirySeconds, now())
      : (
          await node.createInvoice({
            amountMsat: msat(BigInt(msatoshi)),
            description,
            expirySeconds,
          })
        ).invoice
  const invoice = decodeInvoice(bolt11)
  const id = encodeBase64Url(randomBytes(16)).slice(0, 21)
  const createdAt = now()
  const bill = { id, msatoshi, quoted, description, metadata, invoice, createdAt }
  rows.set(id, { ...bill, paid: undefined })
  return json(201, {
    id,
    msatoshi,
    description,
    ...(quoted !== undefined && {
      quoted_currency: quoted.currency,
      quoted_amount: quoted.amount,
    }),
    rhash: encodeHex(invoice.paymentHash),
    payreq: invoice.text,
    expires_at: expiresAtSeconds(invoice),
    created_at: createdAt,
    metadata,
    status: 'unpaid',
  })
}

async function waitFor(context: Context, request: WireRequest, row: Row): Promise<WireAnswer> {
  const timeoutMs = (Number(request.query.get('timeout')) || 300) * 1000
  const until = performance.now() + timeoutMs
  for (;;) {
    const status = await statusOf(context, row)
    if (status === 'paid') return json(200, await fullInvoice(context, row))
    if (status === 'expired') return text(410, 'Gone')
    if (performance.now() >= until || request.signal.aborted) return text(402, 'Payment Required')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function deleteInvoice(
  context: Context,
  request: WireRequest,
  row: Row,
): Promise<WireAnswer> {
  const status = await statusOf(context, row)
  const wanted = String(propsOf(request)['status'])
  if (status !== wanted) {
    return page(400, `LightningError: Invoice status is ${status} not ${wanted}`)
  }
  context.rows.delete(row.id)
  return { status: 204, body: '' }
}

/** Looks at the node whether it was paid meanwhile, as Charge hears at once. */
async function statusOf(context: Context, row: Row): Promise<'unpaid' | 'paid' | 'expired'> {
  const { node, rows, now } = context
  if (row.paid === undefined && row.msatoshi !== null) {
    const found = await node.lookupInvoice(row.invoice.paymentHash)
    if (found.status === 'settled') {
      const index = 1 + [...rows.values()].filter(({ paid }) => paid !== undefined).length
      const { amountMsat, settledAtSeconds: atSeconds } = found
      row.paid ??= { index, atSeconds, msatoshi: String(amountMsat) }
    }
  }
  if (row.paid !== undefined) return 'paid'
  return expiresAtSeconds(row.invoice) > now() ? 'unpaid' : 'expired'
}

async function fullInvoice(context: Context, row: Row): Promise<Readonly<Record<string, unknown>>> {
  const status = await statusOf(context, row)
  const { id, msatoshi, quoted, description, metadata, invoice, createdAt, paid } = row
  return {
    id,
    msatoshi,
    quoted_currency: quoted?.currency ?? null,
    quoted_amount: quoted?.amount ?? null,
    rhash: encodeHex(invoice.paymentHash),
    payreq: invoice.text,
    pay_index: paid?.index ?? null,
    description,
    metadata,
    created_at: createdAt,
    expires_at: expiresAtSeconds(invoice),
    paid_at: paid?.atSeconds ?? null,
    msatoshi_received: paid?.msatoshi ?? null,
    status,
  }
}

async function* paymentStream(context: Context, signal: AbortSignal): AsyncGenerator<string> {
  const payments = context.node.settlements(signal)[Symbol.asyncIterator]()
  let next = payments.next()
  for (;;) {
    const heard = await Promise.race([next, silence(context.keepAliveMs, signal)]).catch(
      () => undefined,
    )
    if (heard === undefined || signal.aborted) return
    if (heard === 'silence') {
      yield ': keepalive\n\n'
      continue
    }
    if (heard.done === true) return
    next = payments.next()
    next.catch(() => undefined)
    const row = rowOf(context, heard.value.paymentHash)
    if (row === undefined) continue
    const invoice = await fullInvoice(context, row)
    yield `id:${invoice['pay_index']}\ndata:${JSON.stringify(invoice)}\n\n`
  }
}

function silence(ms: number, signal: AbortSignal): Promise<'silence'> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve('silence')
    }
    const timer = setTimeout(done, ms)
    timer.unref()
    signal.addEventListener('abort', done)
  })
}

function withRow(
  { rows }: Context,
  id: string | undefined,
  work: (row: Row) => Promise<WireAnswer>,
): Promise<WireAnswer> {
  const row = rows.get(id ?? '')
  return row === undefined ? Promise.resolve(text(404, 'Not Found')) : work(row)
}

function rowOf({ rows }: Context, hash: Uint8Array): Row | undefined {
  const hashHex = encodeHex(hash)
  return [...rows.values()].find(({ invoice }) => encodeHex(invoice.paymentHash) === hashHex)
}

/** `getinfo` of the node. */
function infoOf({ node }: Context): Readonly<Record<string, unknown>> {
  return {
    id: encodeHex(node.nodeId),
    alias: node.name,
    color: '02abab',
    num_peers: 1,
    num_pending_channels: 0,
    num_active_channels: 1,
    num_inactive_channels: 0,
    address: [],
    binding: [{ type: 'ipv4', address: '127.0.0.1', port: 9735 }],
    version: 'v24.02',
    blockheight: 120,
    network: node.network,
    fees_collected_msat: 0,
    'lightning-dir': `/x/${node.network}`,
  }
}

/** The embedded network pays none of these. */
function anyAmount(description: string, expirySeconds: number, timestampSeconds: number): string {
  return encodeInvoice(
    {
      network: 'regtest',
      amountMsat: undefined,
      timestampSeconds: Math.floor(timestampSeconds),
      paymentHash: hashPreimage(preimage(randomBytes(32))),
      paymentSecret: randomBytes(32),
      description,
      expirySeconds,
    },
    new Uint8Array(32).fill(1),
  )
}

/** JSON, or a form with `metadata[name]=value` in it. */
function propsOf({ headers, body }: WireRequest): Readonly<Record<string, unknown>> {
  if (body === '') return {}
  if (headers['content-type'] !== 'application/x-www-form-urlencoded') {
    return JSON.parse(body) as Readonly<Record<string, unknown>>
  }
  const props: Record<string, unknown> = {}
  const metadata: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(body)) {
    const inner = /^metadata\[(.+)\]$/.exec(name)?.[1]
    if (inner === undefined) props[name] = value
    else metadata[inner] = value
  }
  return Object.keys(metadata).length === 0 ? props : { ...props, metadata }
}

const unauthorized: WireAnswer = {
  status: 401,
  headers: {
    'content-type': 'text/plain; charset=utf-8',
    'www-authenticate': 'Basic realm="Lightning Charge"',
  },
  body: 'Unauthorized',
}

function never({ signal }: WireRequest): Promise<WireAnswer> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(text(500, '')), { once: true })
  })
}

function json(status: number, body: unknown): WireAnswer {
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  return { status, headers, body: JSON.stringify(body) }
}

function text(status: number, body: string): WireAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
}

function page(status: number, body: string): WireAnswer {
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body }
}
