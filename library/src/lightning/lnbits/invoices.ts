import type { PaymentHash } from '../../invoice/index.ts'
import type { NodeLink, PayeeDriver } from '../adapter/index.ts'
import { messagesOf, readFields } from '../adapter/index.ts'
import type { InvoiceStatus, Settlement } from '../index.ts'
import { incomingOf, invoiceStatusOf, readReceived } from './lnbits-answers.ts'
import { entriesOf, kind, requireAnswer, requireSense } from './requests.ts'

type InvoicesOptions = {
  readonly link: NodeLink
  readonly key: string
  readonly timeoutMs: number
  readonly now: () => number
}

type Invoices = Pick<
  PayeeDriver,
  'amountStepMsat' | 'decidesItself' | 'pollMs' | 'create' | 'lookUp'
> & { readonly follow: NonNullable<PayeeDriver['follow']> }

/** How a wallet of LNbits is paid. */
export function createInvoices(options: InvoicesOptions): Invoices {
  const { link, now } = options

  const lookUp = async (hash: PaymentHash, signal: AbortSignal): Promise<InvoiceStatus> => {
    const entry = incomingOf(await entriesOf(link, hash, signal))
    if (entry === undefined) return { status: 'not-found' }
    // By its own clock: ours may be hours ahead, and what can still be paid would be given up.
    return requireSense(invoiceStatusOf(entry, link.serverSeconds ?? now()))
  }

  return {
    amountStepMsat: 1000n,
    // It puts its own name where a description is empty. Some nodes behind it take no expiry.
    decidesItself: new Set(['empty-description', 'expiry']),
    // By default LNbits takes 200 requests a minute from one address.
    pollMs: 5000,
    create: async ({ amountMsat, description, expirySeconds }, signal) => {
      const body = JSON.stringify({
        out: false,
        unit: 'sat',
        amount: Number(amountMsat / 1000n),
        memo: description,
        expiry: expirySeconds,
      })
      const path = '/api/v1/payments'
      // An invoice too many costs nothing.
      const reply = await link.request({ method: 'POST', path, body, repeatable: true }, signal)
      const { bolt11, payment_request: olderName } = readFields(requireAnswer(reply)) ?? {}
      const text = bolt11 ?? olderName
      return requireSense(typeof text === 'string' ? text : undefined)
    },
    lookUp,
    follow: (signal, opened) => follow(options, lookUp, signal, opened),
  }
}

/**
 * Everybody who knows the key can send a message to this socket: each tells what to look up, and nothing
 * is believed. The key stands in the path because LNbits has it so.
 */
async function* follow(
  { link, key, timeoutMs }: InvoicesOptions,
  lookUp: Invoices['lookUp'],
  signal: AbortSignal,
  opened: () => void,
): AsyncGenerator<Settlement> {
  const path = `/api/v1/ws/${encodeURIComponent(key)}`
  for await (const text of messagesOf({ kind, link, path }, signal, opened)) {
    const hash = readReceived(text)
    if (hash === undefined) continue
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const found = await lookUp(hash, limit)
    if (found.status !== 'settled') continue
    const { amountMsat, settledAtSeconds } = found
    yield { paymentHash: hash, amountMsat, settledAtSeconds }
  }
}
