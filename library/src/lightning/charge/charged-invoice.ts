import { encodeHex } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { Fields } from '../adapter/index.ts'
import { readMsat, readSeconds } from '../adapter/index.ts'
import type { InvoiceStatus } from '../index.ts'

/** An invoice as Charge tells of it. */
export type ChargedInvoice = {
  /** Of Charge's own. */
  readonly id: string
  /** In hex. */
  readonly hash: string
  readonly status: Exclude<InvoiceStatus, { readonly status: 'not-found' }>
}

/**
 * Reads one invoice. Amounts are texts of msat, times are in seconds.
 *
 * @returns `undefined` for what is none, and for one that is paid and does not say how much.
 */
export function readInvoice(fields: Fields): ChargedInvoice | undefined {
  const { id, rhash: hash } = fields
  if (typeof id !== 'string' || !/^[\w-]{1,64}$/.test(id)) return undefined
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) return undefined
  const status = readStatus(fields)
  return status === undefined ? undefined : { id, hash, status }
}

/** Whether it is the invoice of this hash. */
export function isOf(invoice: ChargedInvoice, hash: PaymentHash): boolean {
  return invoice.hash === encodeHex(hash)
}

function readStatus(fields: Fields): ChargedInvoice['status'] | undefined {
  switch (fields['status']) {
    case 'unpaid':
      return { status: 'open' }
    case 'expired':
      return { status: 'closed' }
    case 'paid': {
      const amountMsat = readMsat(fields['msatoshi_received']) ?? readMsat(fields['msatoshi'])
      const settledAtSeconds = readSeconds(fields['paid_at'])
      if (amountMsat === undefined || settledAtSeconds === undefined) return undefined
      return { status: 'settled', amountMsat, settledAtSeconds }
    }
    default:
      return undefined
  }
}
