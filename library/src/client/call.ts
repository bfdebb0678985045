import type { Body } from './body.ts'
import { createBody } from './body.ts'
import type { CallLimitOptions, CallLimits } from './call-limits.ts'
import { readCallLimits } from './call-limits.ts'

/** What `fetch` takes, and what this call may cost. */
export type FetchInit = RequestInit & { readonly l402?: CallLimitOptions }

/** One request on the way from the caller to an answer: the first, or one after a redirect. */
export type Hop = {
  readonly url: URL
  /** Whether a stranger chose the URL: then it must not lead into a private network. */
  readonly isForeign: boolean
  readonly method: string
  /** The caller's, copied. Never carries a credential of ours. */
  readonly headers: Headers
  readonly body: Body | undefined
}

/** What the caller asked for, read once and held apart from the caller's own objects. */
export type Call = {
  readonly first: Hop
  readonly limits: CallLimits
  readonly redirect: 'follow' | 'error' | 'manual'
  readonly signal: AbortSignal | undefined
  /** Everything else that `fetch` takes, as it is. */
  readonly rest: RequestInit
}

/**
 * Reads the arguments of `fetch` by the rules of `fetch`. Takes the body of a `Request`; changes
 * nothing else that belongs to the caller.
 *
 * @throws {TypeError} for what `fetch` refuses as well: a URL that is none or carries a password, a
 *   method that is none, a body with GET, a body that was used; and for a misspelt limit.
 * @spec client.md R-PAY-1, R-PAY-2
 */
export function readCall(input: string | URL | Request, init: FetchInit = {}): Call {
  const { l402, body, method, headers, redirect, signal, ...rest } = init
  const limits = readCallLimits(l402)
  const base = input instanceof Request ? input : undefined
  // Checks and normalises what it is given; without the body, so that it takes none.
  const head = new Request(base?.url ?? String(input), {
    method: method ?? base?.method ?? 'GET',
    headers: headers ?? base?.headers ?? {},
    redirect: redirect ?? base?.redirect ?? 'follow',
  })
  const source = body === undefined ? bodyOf(base) : body
  if (source !== null && (head.method === 'GET' || head.method === 'HEAD')) {
    throw new TypeError(`a request with method ${head.method} cannot have a body`)
  }

  const url = new URL(head.url)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new TypeError('expected an http or https URL')
  }
  return {
    first: {
      url,
      isForeign: limits.untrustedUrl,
      method: head.method,
      headers: new Headers(headers ?? base?.headers ?? {}),
      body: source === null ? undefined : createBody(source),
    },
    limits,
    redirect: head.redirect as Call['redirect'],
    signal: (signal === undefined ? base?.signal : signal) ?? undefined,
    rest: { ...(base === undefined ? {} : settingsOf(base)), ...rest },
  }
}

function bodyOf(request: Request | undefined): ReadableStream | null {
  if (request === undefined) return null
  if (request.bodyUsed) throw new TypeError('the body of the request was used')
  return request.body
}

function settingsOf(request: Request): RequestInit {
  const { cache, credentials, integrity, keepalive, mode, referrer, referrerPolicy } = request
  return { cache, credentials, integrity, keepalive, mode, referrer, referrerPolicy }
}
