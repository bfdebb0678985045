import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Decision, RefusalResponse } from '../../server/index.ts'
import { clientGone } from '../../server/index.ts'

type Admitted = Extract<Decision, { status: 'admitted' }>

/** Sends the paywall's own response. */
export function sendRefusal(response: ServerResponse, refusal: RefusalResponse): void {
  const values = new Map<string, string[]>()
  for (const [name, value] of refusal.headers) {
    const known = values.get(name)
    if (known === undefined) values.set(name, [value])
    else known.push(value)
  }
  response.statusCode = refusal.status
  for (const [name, lines] of values)
    response.setHeader(name, lines.length === 1 ? lines[0]! : lines)
  if (refusal.status !== 204) response.setHeader('Content-Length', Buffer.byteLength(refusal.body))
  response.end(refusal.body)
}

/**
 * Follows an admitted response: as its head is written, the paywall's headers join it and the use is
 * settled.
 *
 * A client that leaves while the handler works has used what it paid for, whatever the handler makes
 * of that: many fail because of it, and their work would be free.
 *
 * @returns False when the client is gone before the handler ran: there is nobody to serve.
 * @spec server.md R-SRV-43
 */
export function followResponse(response: ServerResponse, decision: Admitted): boolean {
  if (hasLeft(response)) {
    void decision.finish(undefined)
    return false
  }
  let started = false
  const writeHead = response.writeHead as WriteHead
  const start: WriteHead = (status, first, second) => {
    if (started) return writeHead.call(response, status, first, second)
    started = true
    const message = typeof first === 'string' ? first : undefined
    const headers = addHeaders(response, typeof first === 'string' ? second : first, decision)
    if (decision.isCounted) void decision.finish(hasLeft(response) ? clientGone : status)
    return message === undefined
      ? writeHead.call(response, status, headers)
      : writeHead.call(response, status, message, headers)
  }
  response.writeHead = start as ServerResponse['writeHead']
  if (!decision.isCounted) return true
  response.on('close', () => {
    if (!started) void decision.finish(clientGone)
  })
  return true
}

/** Whether nobody waits for the response any more. Of pipelined ones only the first is destroyed. */
export function hasLeft(response: ServerResponse): boolean {
  return response.destroyed || response.req.socket.destroyed
}

/** A list of names and values in turn, or a record: what `writeHead` takes. */
type Headers = unknown[] | OutgoingHttpHeaders
type WriteHead = (status: number, first?: string | Headers, second?: Headers) => ServerResponse

/**
 * Adds the paywall's headers to the handler's. What is given to `writeHead` counts over what was set
 * before, as it does without us.
 *
 * @returns What is to be given to `writeHead` instead; everything else is set.
 */
function addHeaders(
  response: ServerResponse,
  given: Headers | undefined,
  decision: Admitted,
): OutgoingHttpHeaders | undefined {
  // Where nothing was set, Node writes a record as it is, which costs half of setting its members.
  if (isRecord(given) && response.getHeaderNames().length === 0) return merged(given, decision)
  setHeaders(response, given)
  const headers = decision.responseHeaders((name) => textOf(response.getHeader(name)))
  for (const [name, value] of headers) response.setHeader(name, value)
  return undefined
}

function isRecord(headers: Headers | undefined): headers is OutgoingHttpHeaders {
  return headers !== undefined && !Array.isArray(headers)
}

function merged(record: OutgoingHttpHeaders, decision: Admitted): OutgoingHttpHeaders {
  const all: OutgoingHttpHeaders = {}
  for (const name in record) {
    const value = record[name]
    if (value !== undefined) all[name.toLowerCase()] = value
  }
  const headers = decision.responseHeaders((name) => textOf(all[name.toLowerCase()]))
  for (const [name, value] of headers) all[name.toLowerCase()] = value
  return all
}

function setHeaders(response: ServerResponse, headers: Headers | undefined): void {
  if (headers === undefined) return
  if (isRecord(headers)) {
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) response.setHeader(name, value)
    }
    return
  }
  const flat: unknown[] = headers.flat()
  for (let i = 0; i < flat.length; i += 2) response.removeHeader(String(flat[i]))
  for (let i = 0; i < flat.length; i += 2) {
    response.appendHeader(String(flat[i]), String(flat[i + 1]))
  }
}

function textOf(value: OutgoingHttpHeader | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value?.toString()
}
