import { isBlockedPort } from './blocked-ports.ts'
import { fetchFailed, problem } from './failure.ts'
import type { RequestBody } from './request-body.ts'

/** Where a request goes and what it says before its body. */
export type RequestHead = {
  readonly url: URL
  readonly method: string
  /** Names in lower case. `host` and what frames the body are ours, whatever the caller set. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether the caller said `Connection: close`: it goes over a connection of its own. */
  readonly alone: boolean
}

const methodToken = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const forbiddenMethods: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])
/** Headers that belong to one connection. */
const connectionHeaders: readonly string[] = [
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
/** A server counts on a length with these, also where it is zero. */
const methodsWithBody: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/**
 * Reads everything of a request but its body, by the rules of `fetch`.
 *
 * @throws {TypeError} for a URL that is none, is not http, carries a user name or password, or names
 *   a port that `fetch` never connects to; a method or header that is none or is forbidden; an option
 *   that would be lost.
 */
export function readHead(text: string, init: RequestInit, acceptEncoding: string): RequestHead {
  const url = URL.parse(text)
  if (url === null) throw new TypeError('fetch: expected an absolute URL')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw fetchFailed(problem('expected an http or https URL'))
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('fetch: a URL with a user name or password is not sent; use a header')
  }
  if (isBlockedPort(url)) throw fetchFailed(problem('bad port'))
  for (const option of ['dispatcher', 'integrity'] as const) {
    const value: unknown = Reflect.get(init, option)
    if (value !== undefined && value !== '') {
      throw new TypeError(`fetch: this transport knows no ${option}; leave it out`)
    }
  }
  const method = readMethod(init.method)
  const headers = readHeaders(init)
  const alone = headers.get('connection')?.toLowerCase() === 'close'
  for (const name of connectionHeaders) headers.delete(name)
  addDefaults(headers, init, acceptEncoding)
  return { url, method, headers: { ...Object.fromEntries(headers), host: url.host }, alone }
}

/** The headers that say how long the body is, and of what type when the caller did not. */
export function framing(
  { method, headers }: RequestHead,
  body: RequestBody | undefined,
): Readonly<Record<string, string>> {
  if (body === undefined) return methodsWithBody.has(method) ? { 'content-length': '0' } : {}
  const type = headers['content-type'] ?? body.type
  return {
    ...(type !== undefined && { 'content-type': type }),
    ...(body.length === undefined
      ? { 'transfer-encoding': 'chunked' }
      : { 'content-length': String(body.length) }),
  }
}

function readMethod(given = 'GET'): string {
  const method = String(given)
  const upper = method.toUpperCase()
  if (!methodToken.test(method) || forbiddenMethods.has(upper)) {
    throw new TypeError('fetch: expected a method, and none of CONNECT, TRACE and TRACK')
  }
  return upper
}

function readHeaders(init: RequestInit): Headers {
  let headers: Headers
  try {
    headers = new Headers(init.headers)
  } catch {
    // The platform's message would repeat the value.
    throw new TypeError('fetch: a header has a name or a value that cannot be sent')
  }
  for (const [name, value] of [...headers]) {
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) {
      throw new TypeError('fetch: a header has a control character in its value')
    }
    if (name.startsWith('proxy-')) headers.delete(name)
  }
  return headers
}

function addDefaults(headers: Headers, init: RequestInit, acceptEncoding: string): void {
  const add = (name: string, value: string): void => {
    if (!headers.has(name)) headers.set(name, value)
  }
  if (init.cache === 'no-store' || init.cache === 'reload') {
    add('pragma', 'no-cache')
    add('cache-control', 'no-cache')
  }
  if (init.cache === 'no-cache') add('cache-control', 'max-age=0')
  add('accept', '*/*')
  add('user-agent', 'satway')
  // A range of coded bytes could not be decoded by itself.
  add('accept-encoding', headers.has('range') ? 'identity' : acceptEncoding)
}
