import { msat } from '../../amount/index.ts'
import { decodeHex, encodeBase64 } from '../../bytes/index.ts'
import { decodeInvoice, paymentHash } from '../../invoice/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { LndBook } from './lnd-book.ts'
import type { LndCall } from './lnd-call.ts'
import { json, LndError, readBody, readInt64 } from './lnd-call.ts'
import type { Allowance } from './lnd-macaroons.ts'
import { resultLine, statuses } from './lnd-messages.ts'
import type { WireAnswer, WireRequest } from './look-alike.ts'

/** The calls about being paid. */
export function invoiceCalls(node: DevnetNode, book: LndBook): readonly LndCall[] {
  return [
    {
      ...invoices('AddInvoice', 'write'),
      role: 'invoice',
      method: 'POST',
      path: /^\/v1\/invoices$/,
      isStream: false,
      answer: ({ body }) => addInvoice(node, book, body),
    },
    {
      ...invoices('SubscribeInvoices', 'read'),
      role: 'settlements',
      method: 'GET',
      path: /^\/v1\/invoices\/subscribe$/,
      isStream: true,
      answer: (request) => subscribe(book, request),
    },
    {
      ...invoices('LookupInvoice', 'read'),
      role: 'invoice-look-up',
      method: 'GET',
      path: /^\/v1\/invoice\/([^/]+)$/,
      isStream: false,
      answer: (_, part) => lookupInvoice(node, book, part),
    },
  ]
}

function invoices(name: string, action: string): Allowance {
  return { uri: `/lnrpc.Lightning/${name}`, entity: 'invoices', action }
}

async function addInvoice(node: DevnetNode, book: LndBook, body: string): Promise<WireAnswer> {
  const order = readBody(body, ['value_msat', 'memo', 'expiry', 'private'])
  const amountMsat = readInt64(order['value_msat'])
  const expiry = Number(readInt64(order['expiry']))
  if (expiry > 31_536_000) {
    throw new LndError([
      2,
      `expiry of ${expiry} seconds greater than max expiry of 3.1536e+07 seconds`,
    ])
  }
  const made = await node.createInvoice({
    amountMsat: msat(amountMsat),
    description: String(order['memo'] ?? ''),
    expirySeconds: expiry === 0 ? 86_400 : expiry,
  })
  const invoice = decodeInvoice(made.invoice)
  return json({
    r_hash: encodeBase64(invoice.paymentHash),
    payment_request: made.invoice,
    add_index: String(book.add(invoice)),
    payment_addr: encodeBase64(invoice.paymentSecret),
  })
}

async function lookupInvoice(node: DevnetNode, book: LndBook, part: string): Promise<WireAnswer> {
  if (!/^(?:[0-9a-f]{2})*$/i.test(part)) throw new LndError(statuses.notHex)
  if (part.length !== 64) {
    const length = part.length / 2
    throw new LndError([2, `payment hash must be exactly 32 bytes, is instead ${length}`])
  }
  const hash = paymentHash(decodeHex(part))
  const { status } = await node.lookupInvoice(hash)
  if (status === 'not-found') throw new LndError(statuses.invoiceNotFound)
  return json(await book.message(hash))
}

async function subscribe(book: LndBook, { query, signal }: WireRequest): Promise<WireAnswer> {
  const from = {
    addIndex: Number(query.get('add_index') ?? 0),
    settleIndex: Number(query.get('settle_index') ?? 0),
  }
  const events = book.follow(from, signal)
  // lnd sends not even the head of its answer before something happens.
  const first = await events.next()
  const lines = async function* (): AsyncGenerator<string> {
    if (first.done === true) return
    yield resultLine(first.value)
    for await (const event of events) yield resultLine(event)
  }
  return { status: 200, body: lines() }
}
