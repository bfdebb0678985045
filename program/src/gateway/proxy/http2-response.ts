import type { ServerHttp2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { ClientResponse } from './client-response.ts'
import {
  cutResponse,
  forgetHeaders,
  singleLines,
  writeHead,
  writeTrailers,
} from './client-response.ts'
import type { Exchange } from './exchange.ts'

/** Reasons for a reset that mean the same to the client. Others are the gateway's failure to it. */
const passedOn: readonly number[] = [constants.NGHTTP2_CANCEL, constants.NGHTTP2_ENHANCE_YOUR_CALM]

/** How often it is asked whether the end of a response is on its way. Milliseconds. */
const endCheckMs = 20

/**
 * Writes a head that is all of a response. On HTTP/2 it is one frame, as a gRPC status without a
 * message has to be. {@link endResponse} sends it.
 *
 * @param headers - Flat: name, value, …
 * @throws {TypeError} for a value that must not be sent.
 */
export function writeHeadOnly(
  response: ClientResponse,
  status: number,
  headers: readonly string[],
): void {
  if (!('stream' in response)) {
    writeHead(response, status, headers)
    return
  }
  try {
    const lines = singleLines(headers)
    for (let i = 0; i < lines.length; i += 2) response.appendHeader(lines[i]!, lines[i + 1]!)
  } catch (error) {
    forgetHeaders(response)
    throw error
  }
  response.statusCode = status
}

/**
 * Ends a response. HTTP/1.1 has trailers for those who ask for them.
 *
 * @param isUploadOpen - The client may still be sending its request: that ends too.
 * @throws {TypeError} for a trailer that must not be sent.
 */
export function endResponse(
  { request, response }: Exchange,
  trailers: [string, string][],
  isUploadOpen: boolean,
): void {
  const isHttp2 = 'stream' in response
  const isAskedFor = isHttp2 || /\btrailers\b/i.test(String(request.headers.te ?? ''))
  if (trailers.length > 0 && isAskedFor) writeTrailers(response, trailers)
  response.end()
  if (isHttp2 && isUploadOpen) endInbound(response.stream)
}

/** Breaks a response off, on HTTP/2 with the upstream's reason where it is the client's affair. */
export function cutWith({ request, response }: Exchange, code: number): void {
  if ('stream' in response && passedOn.includes(code)) response.stream.close(code)
  else cutResponse(response, request.httpVersion === '1.0')
}

/** Hands a part to the client. Whether it is ready for more. */
export function writePart(response: ClientResponse, part: Buffer): boolean {
  return 'stream' in response ? response.write(part) : response.write(part)
}

/** Not before the end of the response has left: a reset overtakes what waits. */
function endInbound(stream: ServerHttp2Stream): void {
  const check = (): void => {
    if (stream.destroyed || stream.closed) return
    if (stream.state.localClose === 1) stream.close(constants.NGHTTP2_NO_ERROR)
    else setTimeout(check, endCheckMs)
  }
  setImmediate(check)
}
