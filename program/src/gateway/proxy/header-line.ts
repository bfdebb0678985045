import type { IncomingHttpHeaders } from 'node:http'

/** All lines of a header as one. */
export function lineOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name.toLowerCase()]
  return Array.isArray(value) ? value.join(', ') : value
}
