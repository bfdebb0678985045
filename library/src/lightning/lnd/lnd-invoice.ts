import { decodeBase64 } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import { paymentHash } from '../../invoice/index.ts'
import type { Fields } from '../adapter/index.ts'
import { readMsat } from '../adapter/index.ts'
import type { InvoiceStatus } from '../index.ts'

/** What lnd told of one invoice of its own. */
export type InvoiceTold = {
  readonly paymentHash: PaymentHash
  readonly standing: Exclude<InvoiceStatus, { readonly status: 'not-found' }>
  /** Paid without an invoice of ours: keysend, AMP. */
  readonly isSpontaneous: boolean
  /** lnd counts invoices, and settlements, each from 1. */
  readonly addIndex: bigint | undefined
  readonly settleIndex: bigint | undefined
}

/** @returns `undefined` for what is no invoice, or settled without saying how much came and when. */
export function readInvoice(fields: Fields): InvoiceTold | undefined {
  const hash = readHash(fields['r_hash'])
  const standing = readStanding(fields)
  if (hash === undefined || standing === undefined) return undefined
  return {
    paymentHash: hash,
    standing,
    isSpontaneous: isSpontaneous(fields),
    addIndex: readIndex(fields['add_index']),
    settleIndex: readIndex(fields['settle_index']),
  }
}

/** Whether it was paid without an invoice of ours. One of AMP has no payment hash, and so cannot be read. */
export function isSpontaneous(fields: Fields): boolean {
  return fields['is_keysend'] === true || fields['is_amp'] === true
}

/** Digits above zero: lnd writes `"0"` for none. */
export function readIndex(value: unknown): bigint | undefined {
  return typeof value === 'string' && /^[1-9]\d{0,18}$/.test(value) ? BigInt(value) : undefined
}

function readStanding(fields: Fields): InvoiceTold['standing'] | undefined {
  switch (fields['state']) {
    case 'OPEN':
    case 'ACCEPTED':
      return { status: 'open' }
    case 'CANCELED':
      return { status: 'closed' }
    case 'SETTLED': {
      const amountMsat = readMsat(fields['amt_paid_msat'])
      const settledAtSeconds = readTime(fields['settle_date'])
      if (amountMsat === undefined || settledAtSeconds === undefined) return undefined
      return { status: 'settled', amountMsat, settledAtSeconds }
    }
    default:
      return undefined
  }
}

/** 64-bit numbers are text in the JSON of lnd. */
function readTime(value: unknown): number | undefined {
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

function readHash(value: unknown): PaymentHash | undefined {
  try {
    return typeof value === 'string' ? paymentHash(decodeBase64(value)) : undefined
  } catch {
    return undefined
  }
}
