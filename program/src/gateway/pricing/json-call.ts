import { isL402Error } from 'satway'
import type { Dispatcher } from 'undici'
import { unpriced } from './unpriced.ts'

/** A call to a service of the operator that answers JSON. */
export type JsonCall = {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  /** JSON. */
  readonly body: string | undefined
  /** For all of it: connecting, sending, and the last byte of the answer. */
  readonly timeoutMs: number
  /** Of the answer's body. */
  readonly maxBytes: number
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/**
 * Reads the address of a service that prices depend on.
 *
 * @throws {RangeError} unless it is `https:`, or `http:` on loopback, without credentials in it: who
 *   can change a price on its way sets it.
 * @spec gateway.md R-PRC-6
 */
export function readServiceUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null) throw new RangeError('expected a URL')
  if (url.username !== '' || url.password !== '') {
    throw new RangeError('expected a URL without a user name or password')
  }
  if (url.protocol === 'https:') return url
  if (url.protocol === 'http:' && loopback.test(url.hostname)) return url
  throw new RangeError('expected https:, or http: on 127.0.0.1, [::1] or localhost')
}

/**
 * Makes one call. Redirects are not followed: any status but 200 is a failure.
 *
 * @returns The answer, where numbers are the text that they were written as, so that no digit is lost.
 * @throws {L402Error} REQUEST_UNPRICED when it fails, takes too long, or the answer is too long or no JSON. The message
 *   repeats nothing of the answer.
 */
export async function callJson(dispatcher: Dispatcher, call: JsonCall): Promise<unknown> {
  const signal = AbortSignal.timeout(call.timeoutMs)
  try {
    return await callOnce(dispatcher, call, signal).catch((error: unknown) => {
      // The other side closed a kept connection just as it was used. Asking is safe to repeat.
      if (!isBrokenConnection(error) || signal.aborted) throw error
      return callOnce(dispatcher, call, signal)
    })
  } catch (error) {
    if (isL402Error(error)) throw error
    throw unpriced(signal.aborted ? 'no answer in time' : 'the call failed', error)
  }
}

async function callOnce(
  dispatcher: Dispatcher,
  { url, method, body, maxBytes }: JsonCall,
  signal: AbortSignal,
): Promise<unknown> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (body !== undefined) headers['content-type'] = 'application/json'
  const response = await dispatcher.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method,
    headers,
    body: body ?? null,
    signal,
  })
  if (response.statusCode !== 200) {
    // Destroying it is an error of its own there, which would otherwise end the process.
    response.body.on('error', () => undefined).destroy()
    throw unpriced(`the answer has status ${response.statusCode}`)
  }
  return parseJson(await readBody(response.body, maxBytes))
}

async function readBody(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    // Leaving the loop destroys the body, and its connection with it.
    if (length > maxBytes) throw unpriced(`the answer is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
}

type SourceContext = { readonly source?: string }

/** @throws {L402Error} REQUEST_UNPRICED for what is not JSON. */
export function parseJson(text: string): unknown {
  const keepDigits = (_: string, value: unknown, context?: SourceContext): unknown =>
    typeof value === 'number' ? new JsonNumber(context?.source ?? String(value)) : value
  try {
    return JSON.parse(text, keepDigits)
  } catch {
    throw unpriced('the answer is not JSON')
  }
}

/** A number in JSON, by its text. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

function isBrokenConnection(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}
