import type { ServerResponse } from 'node:http'
import { constants } from 'node:http2'
import type { Exchange } from './exchange.ts'

/** The client's side of an exchange. HTTP/2's is used by what it has in common with HTTP/1.1's. */
export type ClientResponse = Exchange['response']

/**
 * Writes the head of a response, without sending it yet.
 *
 * @param headers - Flat: name, value, … Duplicates stay. On HTTP/2 names become lower case, and of
 *   lines that may stand once only the first stays.
 * @throws {TypeError} for a value that must not be sent. The response can still be used.
 */
export function writeHead(
  response: ClientResponse,
  status: number,
  headers: readonly string[],
): void {
  const { writeHead: write } = response as ServerResponse
  const isHttp2 = isHttp2Response(response)
  try {
    write.call(response, status, (isHttp2 ? singleLines(headers) : headers) as string[])
  } catch (error) {
    // Node has noted the reason phrase already, and would send it with another status.
    if (!isHttp2) response.statusMessage = ''
    else forgetHeaders(response)
    throw error
  }
}

/** Lines that Node sends once or not at all. Many applications set them in two places. */
const single: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'tk',
  'upgrade-insecure-requests',
  'user-agent',
  'x-content-type-options',
])

/** The headers for HTTP/2: of lines that may stand once, the first. */
export function singleLines(headers: readonly string[]): readonly string[] {
  let seen: string[] | undefined
  let kept: string[] | undefined
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase()
    const isSingle = single.has(name)
    if (isSingle && seen?.includes(name) === true) {
      kept ??= headers.slice(0, i)
      continue
    }
    if (isSingle) {
      seen ??= []
      seen.push(name)
    }
    kept?.push(headers[i]!, headers[i + 1]!)
  }
  return kept ?? headers
}

/** Makes room for another answer: what could not be sent would be sent with it, or stop it too. */
export function forgetHeaders(response: ClientResponse): void {
  if (response.headersSent) return
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  if (!response.hasHeader('date')) return
  // Of this one Node keeps the value.
  response.setHeader('date', new Date().toUTCString())
}

/** Sends the head now. HTTP/2 did so when it was written. */
export function flushHead(response: ClientResponse): void {
  if (!isHttp2Response(response)) response.flushHeaders()
}

/** Puts trailers at the end of a response. One whose length was announced has no place for them. */
export function writeTrailers(response: ClientResponse, trailers: [string, string][]): void {
  if (!isHttp2Response(response)) {
    response.addTrailers(trailers)
    return
  }
  for (const [name, value] of trailers) response.addTrailers({ [name]: value })
}

/**
 * Breaks a response off so that the client can tell that something is missing: never a clean end.
 *
 * @param isBare - Only the end of the connection ends this response: then it is reset, not closed.
 */
export function cutResponse(response: ClientResponse, isBare: boolean): void {
  if (isHttp2Response(response)) {
    response.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    return
  }
  if (isBare && response.socket !== null && !('encrypted' in response.socket)) {
    response.socket.resetAndDestroy()
    return
  }
  response.destroy()
}

/** Whether nobody is there any more to send a response to. */
export function isClientGone(response: ClientResponse): boolean {
  if (!isHttp2Response(response)) return response.destroyed
  // One that was reset may still be read; there is nothing to be written any more.
  return response.stream.destroyed || response.stream.closed
}

/**
 * Calls back when the client's side of an exchange is over, however it ended. Of a HEAD that was
 * reset, the response of HTTP/2 says nothing itself.
 */
export function onceOver(response: ClientResponse, listener: () => void): void {
  if (isHttp2Response(response)) response.stream.once('close', listener)
  else response.once('close', listener)
}

/** Takes back {@link onceOver}. */
export function offOver(response: ClientResponse, listener: () => void): void {
  if (isHttp2Response(response)) response.stream.off('close', listener)
  else response.off('close', listener)
}

/** Whether all of a response was handed to the system. Ask once it is closed. */
export function isAllSent(response: ClientResponse): boolean {
  return isHttp2Response(response)
    ? response.stream.writableFinished && response.stream.rstCode === constants.NGHTTP2_NO_ERROR
    : response.writableFinished
}

function isHttp2Response(
  response: ClientResponse,
): response is Exclude<ClientResponse, ServerResponse> {
  return 'stream' in response
}
