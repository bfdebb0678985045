import type { NodeLink, PayeeDriver } from '../adapter/index.ts'
import { readFields } from '../adapter/index.ts'
import { noAnswer } from './answers.ts'
import { isOf, readInvoice } from './charged-invoice.ts'
import type { InvoiceList } from './invoice-list.ts'

/** How a driver makes invoices and looks them up. */
export function createInvoices({
  kind,
  link,
  list,
}: {
  readonly kind: string
  readonly link: NodeLink
  readonly list: InvoiceList
}): Pick<PayeeDriver, 'create' | 'lookUp'> {
  const create: PayeeDriver['create'] = async (order, signal) => {
    const { amountMsat, description, expirySeconds } = order
    if (description === '') {
      throw new RangeError(
        'description: Lightning Charge puts a text of its own in the place of none',
      )
    }
    const body = JSON.stringify({
      msatoshi: String(amountMsat),
      description,
      // Left out it would be the node's own: a week.
      expiry: expirySeconds,
    })
    const reply = await link.request({ method: 'POST', path: '/invoice', body }, signal)
    const isMade = reply.kind === 'answered' && reply.status === 201
    const fields = isMade ? readFields(reply.text) : undefined
    const invoice = fields === undefined ? undefined : readInvoice(fields)
    const text = fields?.['payreq']
    if (invoice === undefined || typeof text !== 'string') throw noAnswer(kind, reply)
    list.keep(invoice.hash, invoice.id)
    return text
  }

  const lookUp: PayeeDriver['lookUp'] = async (hash, signal) => {
    const id = list.idOf(hash)
    if (id !== undefined) {
      const reply = await link.request({ method: 'GET', path: `/invoice/${id}` }, signal)
      const isFound = reply.kind === 'answered' && reply.status === 200
      const fields = isFound ? readFields(reply.text) : undefined
      const invoice = fields === undefined ? undefined : readInvoice(fields)
      if (invoice !== undefined && isOf(invoice, hash)) return invoice.status
      // A proxy says 404 as well: only the list tells what is not there.
      const isGone = reply.kind === 'answered' && reply.status === 404
      if (!isGone) throw noAnswer(kind, reply)
    }
    const invoice = await list.find(hash)
    if (invoice !== undefined) return invoice.status
    // Charge drops what expired unpaid, in time.
    return { status: id === undefined ? 'not-found' : 'closed' }
  }
  return { create, lookUp }
}
