import { decodeHex } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import { paymentHash } from '../../invoice/index.ts'
import type { NodeLink } from '../adapter/index.ts'
import { readFields, unavailable } from '../adapter/index.ts'
import type { Settlement } from '../index.ts'
import { noAnswer } from './answers.ts'
import type { ChargedInvoice } from './charged-invoice.ts'
import { readInvoice } from './charged-invoice.ts'
import { EventReader } from './event-reader.ts'
import type { InvoiceList } from './invoice-list.ts'

/**
 * What is paid, as Charge tells it. Nothing of before is told: Charge does not repeat.
 *
 * @param opened - Called when everything that is paid from then on is certainly told.
 * @throws NODE_UNAVAILABLE when the stream breaks, is silent for too long, or tells what is no payment.
 */
export async function* followPayments(
  {
    kind,
    link,
    list,
    silenceMs,
  }: {
    readonly kind: string
    readonly link: NodeLink
    readonly list: InvoiceList
    readonly silenceMs: number
  },
  signal: AbortSignal,
  opened: () => void,
): AsyncGenerator<Settlement> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), silenceMs)
  timer.unref()
  try {
    const stream = await link.stream(
      {
        method: 'GET',
        path: '/payment-stream',
        headers: { accept: 'text/event-stream' },
        background: true,
      },
      AbortSignal.any([signal, silence.signal]),
    )
    if (stream.kind !== 'answered') throw noAnswer(kind, stream)
    if (stream.status !== 200) {
      const text = stream.status === 401 ? 'Unauthorized' : ''
      throw noAnswer(kind, { kind: 'answered', status: stream.status, text })
    }
    opened()
    const reader = new EventReader()
    for await (const line of stream.lines) {
      timer.refresh()
      const data = reader.push(line)
      if (data === undefined) continue
      const invoice = readPaid(data)
      if (invoice === undefined) throw unavailable(kind, 'its stream told what is no payment')
      list.keep(invoice.hash, invoice.id)
      yield settlementOf(invoice)
    }
  } catch (error) {
    if (silence.signal.aborted) throw unavailable(kind, 'its stream of payments fell silent')
    if (isL402Error(error, 'NODE_UNAVAILABLE')) throw error
    throw unavailable(kind, 'its stream of payments broke')
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

type PaidInvoice = ChargedInvoice & {
  readonly status: Extract<ChargedInvoice['status'], { readonly status: 'settled' }>
}

function readPaid(data: string): PaidInvoice | undefined {
  const fields = readFields(data)
  const invoice = fields === undefined ? undefined : readInvoice(fields)
  if (invoice === undefined) return undefined
  const { id, hash, status } = invoice
  return status.status === 'settled' ? { id, hash, status } : undefined
}

function settlementOf({ hash, status }: PaidInvoice): Settlement {
  const { amountMsat, settledAtSeconds } = status
  return { paymentHash: paymentHash(decodeHex(hash)), amountMsat, settledAtSeconds }
}
