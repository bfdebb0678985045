import { msat } from '../../amount/index.ts'
import { encodeHex, encodeUtf8, randomBytes, sha256 } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { Invoice, PaymentHash } from '../../invoice/index.ts'
import { decodeInvoice, encodeInvoice } from '../../invoice/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { LookAlike, WireAnswer, WireRequest, WireRoute } from './look-alike.ts'
import { serveLookAlike } from './look-alike.ts'

export type LnurlLookAlikeOptions = {
  /** Whose preimage a hash has: the service knows what it made. See {@link recordPreimages}. */
  readonly preimageOf: (hash: PaymentHash) => Uint8Array | undefined
  /** What its verify URLs carry: the payment hash, an id of its own, or there are none. Default `hash`. */
  readonly verify?: 'hash' | 'id' | 'none' | 'null'
  /** Whether it tells the preimage of what was paid. Default true. */
  readonly tellsPreimage?: boolean
  /** Whether it tells which invoice it speaks of. Default true. */
  readonly tellsInvoice?: boolean
  /** Default 1000 and 100 000 000. */
  readonly minSendable?: number
  readonly maxSendable?: number
  /** Of its invoices, in seconds. Default 600. */
  readonly expirySeconds?: number
  /** Changes its answers before they are sent: to the first question, to the order, to the verify URL. */
  readonly change?: (
    answer: Readonly<Record<string, unknown>>,
    to: 'offer' | 'order' | 'verify',
  ) => unknown
}

export type LnurlLookAlike = LookAlike & {
  /** `alice@127.0.0.1:<port>` */
  readonly address: string
  /** The queries of the orders that it took, oldest first. */
  readonly orders: readonly string[]
}

/** Gives random bytes, and remembers them: a node of the embedded network that uses it has no secrets. */
export function recordPreimages(): {
  readonly random: (length: number) => Uint8Array
  readonly preimageOf: LnurlLookAlikeOptions['preimageOf']
} {
  const byHash = new Map<string, Uint8Array>()
  return {
    random: (length) => {
      const bytes = randomBytes(length)
      byHash.set(encodeHex(sha256(bytes)), bytes)
      return bytes
    },
    preimageOf: (hash) => byHash.get(encodeHex(hash)),
  }
}

const metadata = '[["text/plain","Pay alice"],["text/identifier","alice@example.com"]]'

type Made = { readonly invoice: Invoice; readonly id: string }

/**
 * Speaks as a service of Lightning Addresses does (LUD-06, LUD-16, LUD-21 as of 2025), over a node of the
 * embedded network. Its URLs are like those of BTCPay Server 2.3.8 (`/lnurlp/verify/{hash}`), or, with
 * `verify: 'id'`, like those of Alby. Its invoices have a plain description.
 */
export async function serveLnurl(
  node: DevnetNode,
  options: LnurlLookAlikeOptions,
): Promise<LnurlLookAlike> {
  const { verify = 'hash', minSendable = 1000, maxSendable = 100_000_000 } = options
  const { change = (answer) => answer, expirySeconds = 600 } = options
  const made = new Map<string, Made>()
  const orders: string[] = []

  const offer = async (): Promise<WireAnswer> =>
    json(
      change(
        {
          tag: 'payRequest',
          callback: `${lookAlike.url}/lnurlp/alice/callback?of=alice`,
          minSendable,
          maxSendable,
          metadata,
          commentAllowed: 255,
        },
        'offer',
      ),
    )
  const order = async ({ query }: WireRequest): Promise<WireAnswer> => {
    orders.push(query.toString())
    const amount = Number(query.get('amount'))
    if (!Number.isInteger(amount) || amount < minSendable || amount > maxSendable) {
      return failure(`Amount must be between ${minSendable} and ${maxSendable}`)
    }
    const { invoice: text } = await node.createInvoice({
      amountMsat: msat(BigInt(amount)),
      description: 'Pay alice',
      expirySeconds,
    })
    const invoice = decodeInvoice(text)
    const hash = encodeHex(invoice.paymentHash)
    const id = verify === 'id' ? encodeHex(randomBytes(12)) : hash
    made.set(id, { invoice, id })
    const url = `${lookAlike.url}/lnurlp/${verify === 'id' ? 'alice/' : ''}verify/${id}`
    const answer = {
      status: 'OK',
      pr: text,
      routes: [],
      successAction: { tag: 'message', message: 'Thanks' },
      ...(verify === 'null' && { verify: null }),
      ...((verify === 'hash' || verify === 'id') && { verify: url }),
    }
    return json(change(answer, 'order'))
  }
  const tell = async (id: string): Promise<WireAnswer> => {
    const found = made.get(id)
    if (found === undefined) return failure('Not found', 404)
    const { paymentHash, text } = found.invoice
    const isSettled = (await node.lookupInvoice(paymentHash)).status === 'settled'
    const preimage = options.preimageOf(paymentHash)
    const isTold = isSettled && options.tellsPreimage !== false && preimage !== undefined
    const answer = {
      status: 'OK',
      settled: isSettled,
      preimage: isTold ? encodeHex(preimage) : null,
      ...(options.tellsInvoice !== false && { pr: text }),
    }
    return json(change(answer, 'verify'))
  }

  const route = (request: WireRequest): WireRoute => {
    const call = (role: WireRoute['role'], work: () => Promise<WireAnswer>): WireRoute => ({
      role,
      carryOut: () => work().catch(unlessAway),
    })
    const id = /^\/lnurlp\/(?:alice\/)?verify\/(\w+)$/.exec(request.path)?.[1]
    if (id !== undefined) return call('invoice-look-up', () => tell(id))
    if (request.path === '/lnurlp/alice/callback') return call('invoice', () => order(request))
    if (request.path === '/.well-known/lnurlp/alice') return call('other', offer)
    return call('other', async () => failure('Unable to find valid user wallet.', 404))
  }
  const lookAlike = await serveLookAlike(route)
  return { ...lookAlike, address: `alice@${lookAlike.url.replace('http://', '')}`, orders }
}

/**
 * An invoice whose description is a hash, as most services make them. The embedded network makes none and
 * pays none.
 */
export function invoiceOfHash(described: string, amountMsat: bigint): string {
  const request = {
    network: 'regtest',
    amountMsat: msat(amountMsat),
    timestampSeconds: Math.floor(Date.now() / 1000),
    paymentHash: sha256(randomBytes(32)) as PaymentHash,
    paymentSecret: randomBytes(32),
    descriptionHash: sha256(encodeUtf8(described)),
  } as const
  return encodeInvoice(request, new Uint8Array(32).fill(1))
}

/** What such an invoice has to be described as. */
export const lnurlMetadata: string = metadata

function unlessAway(error: unknown): WireAnswer {
  if (!isL402Error(error, 'NODE_UNAVAILABLE')) throw error
  return failure('Recipient wallet error')
}

function failure(reason: string, status = 200): WireAnswer {
  return json({ status: 'ERROR', reason }, status)
}

function json(body: unknown, status = 200): WireAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
