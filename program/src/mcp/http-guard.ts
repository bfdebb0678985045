import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { AccessToken } from './access-token.ts'

/** Why a request is not served, and with which status. */
export type Refusal = { readonly status: 400 | 401 | 403 | 404 | 413; readonly words: string }

/** Longest message, in bytes. */
export const maxBodyBytes = 1_048_576

/** Whether only this machine can reach it. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.')
  return host === '::1' || host === 'localhost'
}

/** The names under which the server may be asked, beside those of the loopback. */
export function allowedHosts(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()))
}

/**
 * Checks that a request was meant for this server, was not sent by somebody's web page, and comes
 * from somebody who may ask. A page that makes its own name lead to this machine is told by Host and
 * Origin; another program of another user, by the token.
 *
 * @returns `undefined`: it may go on.
 * @spec mcp.md R-MCP-50, R-MCP-52
 */
export function refusalOf(
  incoming: IncomingMessage,
  hosts: ReadonlySet<string>,
  token: AccessToken,
): Refusal | undefined {
  const { headersDistinct: headers, url = '' } = incoming
  const isOurs = (host: string): boolean => {
    const name = hostName(host)
    return name !== undefined && (isLoopback(name) || hosts.has(name))
  }
  if (!isOurs(only(headers['host']) ?? '')) {
    return { status: 403, words: 'The Host of the request is not this server.' }
  }
  if (headers['origin'] !== undefined) {
    const origin = only(headers['origin'])
    const name = URL.canParse(origin ?? '') ? new URL(origin!).hostname : ''
    if (!isOurs(name)) {
      return { status: 403, words: 'The request comes from a web page of another site.' }
    }
  }
  if (only(headers['sec-fetch-site']) === 'cross-site') {
    return { status: 403, words: 'The request comes from a web page of another site.' }
  }
  if (!url.startsWith('/') || url.startsWith('//')) {
    return { status: 400, words: 'The target is not an absolute path.' }
  }
  if (!token.isIn(only(headers['authorization']))) {
    return { status: 401, words: 'The request does not carry the token of this server.' }
  }
  if (url.split('?')[0] !== '/mcp') return { status: 404, words: 'The server is at /mcp.' }
  if (Number(incoming.headers['content-length'] ?? 0) > maxBodyBytes) {
    return { status: 413, words: `A message has at most ${maxBodyBytes} bytes.` }
  }
  return undefined
}

function only(values: readonly string[] | undefined): string | undefined {
  return values?.length === 1 ? values[0] : undefined
}

/** Without the port, and without the brackets of IPv6. */
function hostName(host: string): string | undefined {
  return (
    /^\[([\da-f:.]{2,45})\](?::\d{1,5})?$/i.exec(host)?.[1] ??
    /^([\w.-]{1,253})(?::\d{1,5})?$/.exec(host)?.[1]
  )?.toLowerCase()
}
