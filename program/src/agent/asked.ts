import { AsyncLocalStorage } from 'node:async_hooks'
import { decodeInvoice, encodeHex, parseChallenges } from 'satway'
import type { ClientOptions } from 'satway/client'
import type { Watch } from './watching.ts'

/** What the server said last, as far as the client does not tell: it gives errors no response. */
export type Asked = {
  /** `undefined`: it has not answered the last request. */
  readonly status: number | undefined
  /** What its last challenge asked for, where the invoice could be read. */
  readonly price: AskedPrice | undefined
  /** What it last said to a credential that it did not accept, where that is listened for. */
  readonly refusal?: Refusal | undefined
}

/** `code`: of its problem document, one of spec/errors.md or of that form. */
export type Refusal = { readonly status: number; readonly code: string | undefined }

export type AskedPrice = { readonly amountMsat: string; readonly paymentHash: string }

type Fetch = NonNullable<ClientOptions['fetch']>

/** Whose call it is that a request belongs to: many calls share one client. */
const calls = new AsyncLocalStorage<{ asked: Asked }>()

/**
 * A `fetch` that remembers, for each call by itself, what it was asked to pay. Changes nothing.
 *
 * @param options - `refusals`: also what a server says to a credential that it does not accept.
 */
export function listening(
  fetch: Fetch,
  watch: Watch,
  { refusals = false }: { readonly refusals?: boolean } = {},
): Fetch {
  return async (url, init, route) => {
    const call = calls.getStore()
    if (call !== undefined) call.asked = { ...call.asked, status: undefined }
    const line = lineOf(url, init)
    watch({ kind: 'request', ...line })
    let status: number | undefined
    try {
      const response = await fetch(url, init, route)
      ;({ status } = response)
      const price = priceOf(response)
      if (price !== undefined) watch({ kind: 'price', ...price })
      const refusal = refusals && line.credential ? await refusalOf(response) : undefined
      if (call !== undefined) {
        const { asked } = call
        call.asked = { status, price: price ?? asked.price, refusal: refusal ?? asked.refusal }
      }
      return response
    } finally {
      watch({ kind: 'answer', status })
    }
  }
}

function lineOf(
  text: string,
  { method = 'GET', headers }: RequestInit,
): { readonly method: string; readonly url: string; readonly credential: boolean } {
  const { origin = '', pathname = '' } = URL.parse(text) ?? {}
  const authorization = new Headers(headers).get('authorization') ?? ''
  return { method, url: origin + pathname, credential: /^(?:l402|lsat)\s/i.test(authorization) }
}

/** Does the work of one call, and lets it be asked what its server said last. */
export async function listenTo<Result>(
  work: (asked: () => Asked) => Promise<Result>,
): Promise<Result> {
  const call = { asked: { status: undefined, price: undefined } as Asked }
  return await calls.run(call, () => work(() => call.asked))
}

/** Longest problem document that is read, in bytes. */
const maxProblemBytes = 16_384

async function refusalOf(response: Response): Promise<Refusal | undefined> {
  const { status, headers } = response
  if (status !== 401 && status !== 402 && status !== 403) return undefined
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json') === true
  const length = Number(headers.get('content-length') ?? Number.NaN)
  if (!isProblem || !(length <= maxProblemBytes)) return { status, code: undefined }
  try {
    const problem: unknown = await response.clone().json()
    const isNamed = typeof problem === 'object' && problem !== null && 'code' in problem
    const code = isNamed ? String(problem.code) : ''
    return { status, code: /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : undefined }
  } catch {
    return { status, code: undefined } // whoever reads the answer itself finds out what is wrong
  }
}

/** Of the first challenge whose invoice is sound. */
function priceOf(response: Response): AskedPrice | undefined {
  if (response.status !== 402) return undefined
  const line = response.headers.get('www-authenticate') ?? ''
  for (const reading of parseChallenges([line])) {
    const price = 'error' in reading ? undefined : readPrice(reading.invoice)
    if (price !== undefined) return price
  }
  return undefined
}

function readPrice(text: string): AskedPrice | undefined {
  try {
    const { amountMsat, paymentHash } = decodeInvoice(text)
    if (amountMsat === undefined) return undefined
    return { amountMsat: String(amountMsat), paymentHash: encodeHex(paymentHash) }
  } catch {
    return undefined // the client says why it is not paid
  }
}
