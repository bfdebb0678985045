import type { ServerResponse } from 'node:http'
import type { WireAnswer } from './look-alike.ts'

/** What goes wrong with one request, between the wallet and whoever asked. */
export type WireFault = {
  /** Whether the wallet carries the request out. */
  readonly executed: boolean
  readonly how: /** The connection dies without a byte of an answer. */
    | { readonly kind: 'reset' }
    /** No answer, until the client goes away. */
    | { readonly kind: 'hang' }
    /** The right answer, late. Only of what was carried out. */
    | { readonly kind: 'late'; readonly ms: number }
    /** The right answer, broken off in its middle. Only of what was carried out. */
    | { readonly kind: 'cut' }
    /** The right answer, a byte at a time. Only of what was carried out. */
    | { readonly kind: 'drip' }
    /** The right answer, twice in one body. Only of what was carried out. */
    | { readonly kind: 'twice' }
    /** Another answer, as of a proxy before the wallet. */
    | { readonly kind: 'answer'; readonly status: number; readonly body: string }
    /** Elsewhere. */
    | { readonly kind: 'redirect'; readonly location: string }
    /** More than anybody reads. */
    | { readonly kind: 'flood' }
}

const floodBytes = 4 * 1024 * 1024

/** @param answer - Of the wallet; `undefined` when it was not asked. */
export async function spoilAnswer(
  response: ServerResponse,
  { how }: WireFault,
  answer: WireAnswer | undefined,
): Promise<void> {
  switch (how.kind) {
    case 'reset':
      response.socket?.resetAndDestroy()
      return
    case 'hang':
      return
    case 'answer':
      response.writeHead(how.status, { 'content-type': 'application/json' }).end(how.body)
      return
    case 'redirect':
      response.writeHead(307, { location: how.location }).end()
      return
    case 'flood':
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(`{"x":"${'x'.repeat(floodBytes)}"}`)
      return
    default:
      await spoilRight(response, how, answer)
  }
}

type SpoiltRight = Extract<WireFault['how'], { readonly kind: 'late' | 'cut' | 'drip' | 'twice' }>

async function spoilRight(
  response: ServerResponse,
  how: SpoiltRight,
  answer: WireAnswer | undefined,
): Promise<void> {
  if (answer === undefined) throw new RangeError(`${how.kind}: only of what was carried out`)
  const text = await wholeText(answer.body)
  const head = { 'content-type': 'application/json', ...answer.headers }
  if (how.kind === 'late') await new Promise((resolve) => setTimeout(resolve, how.ms))
  if (response.destroyed) return
  const length = String(Buffer.byteLength(text))
  if (how.kind === 'cut') {
    response.writeHead(answer.status, { ...head, 'content-length': length })
    response.write(text.slice(0, Math.floor(text.length / 2)), () => response.destroy())
    return
  }
  response.writeHead(answer.status, head)
  if (how.kind === 'drip') {
    for (const character of text) {
      if (response.destroyed) return
      response.write(character)
      await new Promise((resolve) => setImmediate(resolve))
    }
    response.end()
    return
  }
  response.end(how.kind === 'twice' ? text + text : text)
}

async function wholeText(body: WireAnswer['body']): Promise<string> {
  if (typeof body === 'string') return body
  let text = ''
  for await (const part of body) text += part
  return text
}
