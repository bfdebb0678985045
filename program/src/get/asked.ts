import { decodeInvoice, encodeHex, parseChallenges } from 'satway'

/** What the server said last, as far as the client does not tell: it gives errors no response. */
export type Asked = {
  /** `undefined`: it has not answered the last request. */
  readonly status: number | undefined
  /** What its last challenge asked for, where the invoice could be read. */
  readonly price: AskedPrice | undefined
}

export type AskedPrice = { readonly amountMsat: string; readonly paymentHash: string }

/** A `fetch` that remembers what it was asked to pay. Changes nothing. */
export function createListener(): {
  fetch(url: string, init: RequestInit): Promise<Response>
  asked(): Asked
} {
  let asked: Asked = { status: undefined, price: undefined }
  return {
    asked: () => asked,
    fetch: async (url, init) => {
      asked = { ...asked, status: undefined }
      const response = await fetch(url, init)
      asked = { status: response.status, price: priceOf(response) ?? asked.price }
      return response
    },
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
