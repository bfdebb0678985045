import type { EdgeLimits } from '../config/index.ts'
import type { Exchange, RequestFault } from '../proxy/index.ts'

type Request = Exchange['request']
type HeadLimits = Pick<EdgeLimits, 'headBytes' | 'headerCount'>

const unlimited: HeadLimits = {
  headBytes: Number.POSITIVE_INFINITY,
  headerCount: Number.POSITIVE_INFINITY,
}

/**
 * Finds what makes a request readable in two ways, or too much: what a proxy and a server behind it
 * might understand differently. An absolute target for the request's own host is accepted, and
 * `request.url` becomes its path and query.
 *
 * @param limits - Of the head. Default: none.
 * @returns `undefined` for a request that is as it should be.
 */
export function checkRequest(
  request: Request,
  limits: HeadLimits = unlimited,
): RequestFault | undefined {
  const method = request.method ?? ''
  if (method === 'TRACE' || method === 'TRACK' || method === 'CONNECT') return notServed
  const head = readHead(request.rawHeaders)
  if (head.lines > limits.headerCount) return tooMany
  // Only what came over HTTP/2 has a stream: a line of HTTP/1.1 can claim any version.
  const isHttp2 = 'stream' in request
  // A client that does not confirm our settings is not held to their bound by anybody else.
  if (isHttp2 && bytesOf(request.rawHeaders) > limits.headBytes) return tooLong
  if (head.fault !== undefined) return ambiguous(head.fault)
  const reason = isHttp2 ? http2Fault(request, head) : http1Fault(request, head)
  return reason === undefined ? undefined : ambiguous(reason)
}

const notServed: RequestFault = {
  status: 405,
  code: 'REQUEST_METHOD',
  reason: 'a method that is not served',
}
const tooMany: RequestFault = {
  status: 431,
  code: 'REQUEST_HEAD',
  reason: 'too many header lines',
}

const tooLong: RequestFault = {
  status: 431,
  code: 'REQUEST_HEAD',
  reason: 'a head that is too long',
}

function ambiguous(reason: string): RequestFault {
  return { status: 400, code: 'REQUEST_AMBIGUOUS', reason }
}

type Head = {
  /** Header lines, without the pseudo-headers of HTTP/2. */
  lines: number
  hosts: number
  host: string
  contentLengths: number
  transferEncodings: number
  transferEncoding: string
  fault: string | undefined
}

/** One pass over all lines: it is done for every request. */
function readHead(rawHeaders: readonly string[]): Head {
  const head: Head = {
    lines: 0,
    hosts: 0,
    host: '',
    contentLengths: 0,
    transferEncodings: 0,
    transferEncoding: '',
    fault: undefined,
  }
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.charCodeAt(0) === 0x3a) continue
    head.lines++
    if (name.includes('_') && speaksForUs(name)) head.fault = 'a header name with _ for -'
    switch (name.length) {
      case 4:
        if (name.toLowerCase() !== 'host') break
        head.hosts++
        head.host = rawHeaders[i + 1]!
        break
      case 14:
        if (name.toLowerCase() === 'content-length') head.contentLengths++
        break
      case 17:
        if (name.toLowerCase() !== 'transfer-encoding') break
        head.transferEncodings++
        head.transferEncoding = rawHeaders[i + 1]!
    }
  }
  return head
}

function bytesOf(rawHeaders: readonly string[]): number {
  return rawHeaders.reduce((bytes, text) => bytes + text.length, 0)
}

/** Many frameworks read `_` as `-`: such a line would stand beside, or instead of, the real one. */
function speaksForUs(name: string): boolean {
  const plain = name.toLowerCase().replaceAll('_', '-')
  return (
    plain.startsWith('x-forwarded-') || plain === 'content-length' || plain === 'transfer-encoding'
  )
}

function http1Fault(request: Request, head: Head): string | undefined {
  if (request.httpVersion !== '1.1' && request.httpVersion !== '1.0') return 'the HTTP version'
  return (
    hostFault(head) ?? bodyFault(head, request.httpVersion === '1.0') ?? targetFault(request, head)
  )
}

function hostFault({ hosts, host }: Head): string | undefined {
  if (hosts === 0) return 'no Host line'
  if (hosts > 1) return 'two Host lines'
  if (host === '') return 'an empty Host line'
  return isHost(host) ? undefined : 'a Host line that is none'
}

/** A name or an address, and perhaps a port. */
function isHost(text: string): boolean {
  return /^(?:(?!\.|[^:]*\.\.)[\w.~-]{1,255}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{0,5})?$/.test(text)
}

/** The parser refuses most of it; what it lets through has been read in two ways by others. */
function bodyFault(head: Head, isHttp10: boolean): string | undefined {
  if (head.contentLengths > 1) return 'two Content-Length lines'
  if (head.transferEncodings === 0) return undefined
  if (head.transferEncodings > 1) return 'two Transfer-Encoding lines'
  if (head.contentLengths > 0) return 'Content-Length and Transfer-Encoding'
  if (isHttp10) return 'Transfer-Encoding in HTTP/1.0'
  if (head.transferEncoding.toLowerCase() !== 'chunked') return 'a Transfer-Encoding but chunked'
  return undefined
}

function targetFault(request: Request, { host }: Head): string | undefined {
  const target = request.url ?? ''
  if (!/^[\x21-\x22\x24-\x7e]+$/.test(target)) return 'a byte in the target that has no place there'
  if (target.charCodeAt(0) === 0x2f) return undefined
  if (target === '*' && request.method === 'OPTIONS') return undefined
  const [whole, authority] = /^https?:\/\/([^/?]*)/i.exec(target) ?? []
  if (whole === undefined || authority === undefined) return 'the form of the target'
  if (authority.toLowerCase() !== host.toLowerCase()) return 'a target for another host'
  const rest = target.slice(whole.length)
  request.url = rest.startsWith('/') ? rest : `/${rest}`
  return undefined
}

function http2Fault(request: Request, head: Head): string | undefined {
  const { ':authority': authority, ':scheme': scheme } = request.headers
  if (scheme !== 'http' && scheme !== 'https') return 'the :scheme'
  if (head.hosts > 1) return 'two host lines'
  if (head.contentLengths > 1) return 'two content-length lines'
  if (head.transferEncodings > 0) return 'transfer-encoding in HTTP/2'
  const name = typeof authority === 'string' ? authority : head.host
  if (name === '') return 'no :authority'
  if (!isHost(name)) return 'an :authority that is none'
  if (head.hosts === 1 && head.host.toLowerCase() !== name.toLowerCase()) {
    return ':authority and host that differ'
  }
  const target = request.url ?? ''
  const isPath = target.startsWith('/') || (target === '*' && request.method === 'OPTIONS')
  return isPath ? targetFault(request, head) : 'the form of the target'
}
