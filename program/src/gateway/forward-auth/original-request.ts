import type { IncomingRequest } from 'satway/server'
import type { Exchange } from '../proxy/index.ts'

/** Whose headers say what was asked: nginx's own, or those that Caddy and Traefik set. */
export type ForwardAuthMode = 'nginx' | 'forward'

type Names = {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly client: string
}

/**
 * What the proxy tells, each in exactly one line. The names differ on purpose: what one proxy sets,
 * the other one lets through from its client.
 */
const namesOf: Readonly<Record<ForwardAuthMode, Names>> = {
  nginx: {
    method: 'x-original-method',
    target: 'x-original-uri',
    host: 'x-original-host',
    client: 'x-original-client',
  },
  forward: {
    method: 'x-forwarded-method',
    target: 'x-forwarded-uri',
    host: 'x-forwarded-host',
    client: 'x-forwarded-for',
  },
}

const none: readonly string[] = []

/**
 * The request that a proxy asks about: what the client sent to it, with the client's headers.
 *
 * @returns The name of the first header that is missing or there twice, if one is: then the proxy
 *   is not set up as it must be, and nothing is decided.
 * @spec gateway.md R-FA-2, R-FA-3, R-FA-4
 */
export function readOriginalRequest(
  { request }: Exchange,
  mode: ForwardAuthMode,
  isTrusted: (address: string) => boolean,
): IncomingRequest | string {
  const { rawHeaders } = request
  const names = namesOf[mode]
  const one = (name: string): string | undefined => {
    const lines = linesOf(rawHeaders, name)
    return lines.length === 1 ? lines[0] : undefined
  }
  const method = one(names.method)
  if (method === undefined) return names.method
  const target = one(names.target)
  if (target === undefined) return names.target
  const host = one(names.host)
  if (host === undefined) return names.host
  const clients = one(names.client)
  if (clients === undefined) return names.client
  const hostLines = [host]
  return {
    method,
    target,
    clientAddress: clientAmong(clients, isTrusted),
    // Every other header is the client's own: the proxy passes them as they came.
    headerLines: (name) => (name === 'host' ? hostLines : linesOf(rawHeaders, name)),
  }
}

/**
 * The last address of a list that is not a trusted proxy's: what stands before it was written by
 * whoever sits there.
 */
function clientAmong(list: string, isTrusted: (address: string) => boolean): string {
  const addresses = list.split(',').map((address) => address.trim())
  return addresses.findLast((address) => !isTrusted(address)) ?? addresses[0]!
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
