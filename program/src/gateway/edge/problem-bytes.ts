import { STATUS_CODES } from 'node:http'
import type { RefusalCode, RefusalResponse } from 'satway/server'
import { problemResponse } from 'satway/server'
import type { RequestFault } from '../proxy/index.ts'

const served = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** The answer to a request that must not be served. */
export function faultResponse(fault: RequestFault): RefusalResponse {
  return problemResponse(fault.code, { cors: true, details: { allow: served } })
}

/**
 * A problem as bytes, for a connection without a request: what could not be parsed, or was not waited
 * for. It ends the connection.
 */
export function problemBytes(code: RefusalCode, detail: string): Buffer {
  const extra = { cors: true, details: { allow: served }, members: { detail } }
  const response = problemResponse(code, extra)
  const lines = [
    `HTTP/1.1 ${response.status} ${STATUS_CODES[response.status]}`,
    ...response.headers.map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(response.body)}`,
    'Connection: close',
    '',
    response.body,
  ]
  return Buffer.from(lines.join('\r\n'), 'utf8')
}
