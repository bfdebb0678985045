import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { IncomingRequest } from '../../server/index.ts'
import { isWithheld } from '../../server/index.ts'

export type NodeOptions = {
  /**
   * Who the client is. Default: the address of the socket. Behind a proxy, read the header that this
   * proxy sets, and only if nobody else can reach the server.
   */
  readonly clientAddress?: (request: IncomingMessage) => string | undefined
  /** Lets the handler see the credential in `request.headers`. Default false. */
  readonly keepCredential?: boolean
}

/** The options, by their types. */
export const nodeOptionKinds: Readonly<Record<keyof NodeOptions, 'function' | 'boolean'>> = {
  clientAddress: 'function',
  keepCredential: 'boolean',
}

const none: readonly string[] = []

/**
 * What the paywall needs of a request of `node:http`. Header lines are taken from `rawHeaders`:
 * `headers` keeps the first `Authorization` and drops the second.
 *
 * @param target - Where a framework has changed `request.url`: the target as it was received.
 */
export function readNodeRequest(
  request: IncomingMessage,
  options: NodeOptions = {},
  target: string = request.url ?? '',
): IncomingRequest {
  const { rawHeaders } = request
  return {
    method: request.method ?? '',
    target,
    clientAddress:
      options.clientAddress === undefined
        ? request.socket.remoteAddress
        : options.clientAddress(request),
    headerLines: (name) => linesOf(rawHeaders, name),
  }
}

/**
 * Takes out of a request what its handler must not see: credentials and names that speak for the
 * paywall. Call it once the request is admitted.
 *
 * They are gone from `headers`. In `rawHeaders` they lose their values and keep their places, because
 * Node counts on the number of lines.
 *
 * @spec server.md R-SRV-48, R-SRV-49
 */
export function withhold(request: IncomingMessage): void {
  const { rawHeaders } = request
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!isWithheld(rawHeaders[i]!, rawHeaders[i + 1]!)) continue
    const name = rawHeaders[i]!.toLowerCase()
    rawHeaders[i + 1] = ''
    const other = linesOf(rawHeaders, name).find((value) => value !== '')
    if (other === undefined) request.headers = without(request.headers, name)
    else request.headers[name] = other
  }
}

/** A copy: deleting a member would make every later look at the headers slow. */
function without(headers: IncomingHttpHeaders, unwanted: string): IncomingHttpHeaders {
  const kept: IncomingHttpHeaders = {}
  for (const name in headers) {
    if (name !== unwanted) kept[name] = headers[name]
  }
  return kept
}

function linesOf(rawHeaders: readonly string[], name: string): readonly string[] {
  let lines: string[] | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const candidate = rawHeaders[i]!
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue
    lines ??= []
    lines.push(rawHeaders[i + 1]!)
  }
  return lines ?? none
}
