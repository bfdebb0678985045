import { encodeHex } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { NodeLink, PayeeDriver } from '../adapter/index.ts'
import { messagesOf, readFields } from '../adapter/index.ts'
import type { InvoiceStatus, Settlement } from '../index.ts'
import { readIncoming, readReceived, says } from './phoenixd-answers.ts'
import { form, isSaid, kind, requireAnswer, requireSense } from './requests.ts'

/** phoenixd counts characters; counted in bytes, none is cut. */
const maxDescriptionBytes = 128

type Invoices = Pick<
  PayeeDriver,
  'amountStepMsat' | 'maxDescriptionBytes' | 'create' | 'lookUp'
> & { readonly follow: NonNullable<PayeeDriver['follow']> }

/** How phoenixd is paid. */
export function createInvoices(link: NodeLink, timeoutMs: number): Invoices {
  const lookUp = async (hash: PaymentHash, signal: AbortSignal): Promise<InvoiceStatus> => {
    const path = `/payments/incoming/${encodeHex(hash)}`
    const reply = await link.request({ method: 'GET', path }, signal)
    if (isSaid(reply, 404, says.notFound)) return { status: 'not-found' }
    return requireSense(readIncoming(requireAnswer(reply), hash))
  }

  return {
    amountStepMsat: 1000n,
    maxDescriptionBytes,
    create: async ({ amountMsat, description, expirySeconds }, signal) => {
      const request = form('/createinvoice', {
        amountSat: String(amountMsat / 1000n),
        description,
        expirySeconds: String(expirySeconds),
      })
      // An invoice too many costs nothing.
      const reply = await link.request({ ...request, repeatable: true }, signal)
      const serialized = readFields(requireAnswer(reply))?.['serialized']
      return requireSense(typeof serialized === 'string' ? serialized : undefined)
    },
    lookUp,
    follow: (signal, opened) => follow(link, { lookUp, timeoutMs }, signal, opened),
  }
}

/**
 * An event says less than a look-up, and in whole satoshis: it tells what to look up. Whoever could
 * forge one would win nothing.
 */
async function* follow(
  link: NodeLink,
  { lookUp, timeoutMs }: Pick<Invoices, 'lookUp'> & { readonly timeoutMs: number },
  signal: AbortSignal,
  opened: () => void,
): AsyncGenerator<Settlement> {
  for await (const text of messagesOf({ kind, link, path: '/websocket' }, signal, opened)) {
    const hash = readReceived(text)
    if (hash === undefined) continue
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const found = await lookUp(hash, limit)
    if (found.status !== 'settled') continue
    const { amountMsat, settledAtSeconds } = found
    yield { paymentHash: hash, amountMsat, settledAtSeconds }
  }
}
