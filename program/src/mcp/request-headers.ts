import { Failure } from '../cli/failure.ts'
import { shortLine } from './strangers-text.ts'

const maxHeaders = 64
const maxBytes = 8192

/** What says where a request goes, how it is framed, or who asks: not a model's to say. */
const refused: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'cookie2',
  'expect',
  'grpc-metadata-macaroon',
  'host',
  'http2-settings',
  'keep-alive',
  'macaroon',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])

/**
 * The headers that a tool was given, checked.
 *
 * @throws {Failure} naming the first that may not be sent. Never repeats a value.
 * @spec mcp.md R-MCP-14
 */
export function readHeaders(given: Readonly<Record<string, string>> = {}): Headers {
  const entries = Object.entries(given)
  if (entries.length > maxHeaders) throw new Failure(`Expected at most ${maxHeaders} headers.`)
  const headers = new Headers()
  let bytes = 0
  for (const [name, value] of entries) {
    requireHeader(name, value)
    if (headers.has(name)) throw new Failure(`The header ${name.toLowerCase()} is given twice.`)
    headers.set(name, value)
    bytes += name.length + value.length
  }
  if (bytes > maxBytes) throw new Failure(`The headers are longer than ${maxBytes} bytes in all.`)
  return headers
}

function requireHeader(name: string, value: string): void {
  const shown = shortLine(name, 64)
  if (!/^[!#$%&'*+.^_`|~\dA-Za-z-]{1,128}$/.test(name)) {
    throw new Failure(`"${shown}" is not the name of a header.`)
  }
  const lower = name.toLowerCase()
  if (refused.has(lower) || /^(proxy|sec)-/.test(lower)) {
    throw new Failure(`The header ${shown} may not be set here.`, {
      advice: 'Leave it out. What was paid for is presented without your doing.',
    })
  }
  // Printable ASCII: what else there is was made to be read differently by somebody on the way.
  if (!/^[\t\x20-\x7e]*$/.test(value)) {
    throw new Failure(`The value of the header ${shown} is not printable ASCII.`)
  }
}
