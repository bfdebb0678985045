import type { ServerResponse } from 'node:http'
import { constants } from 'node:http2'
import type { Exchange } from './exchange.ts'

/** The client's side of an exchange. HTTP/2's is used by what it has in common with HTTP/1.1's. */
export type ClientResponse = Exchange['response']

/**
 * Writes the head of a response, without sending it yet.
 *
 * @param headers - Flat: name, value, … Duplicates stay. On HTTP/2 names become lower case.
 * @throws {TypeError} for a value that must not be sent. The response can still be used.
 */
export function writeHead(
  response: ClientResponse,
  status: number,
  headers: readonly string[],
): void {
  const { writeHead: write } = response as ServerResponse
  try {
    write.call(response, status, headers as string[])
  } catch (error) {
    // Node has noted the reason phrase already, and would send it with another status.
    if (!isHttp2Response(response)) response.statusMessage = ''
    throw error
  }
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
  return isHttp2Response(response) ? response.stream.destroyed : response.destroyed
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
