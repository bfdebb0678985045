import type { Code, Details } from '../errors.ts'
import { codes } from '../errors.ts'
import { refusalHeaders } from './cross-origin.ts'
import type { HeaderList } from './paid-headers.ts'
import type { RefusalResponse } from './paywall.ts'

type Problem = {
  readonly status: number
  readonly title: string
  /** What a client or an agent does next. */
  readonly hint: string
}

const payAgain: Problem = {
  status: 402,
  title: 'Payment Required',
  hint: 'Pay the invoice and repeat the request with the new credential. Paying the old one again does not help.',
}
const notAllowed: Problem = {
  status: 403,
  title: 'Forbidden',
  hint: 'The token is authentic, but one of its caveats forbids this request. Paying does not help: ask whoever gave you the token.',
}
const badCredential: Problem = {
  status: 401,
  title: 'Credential Not Valid',
  hint: 'Do not pay again. Send the token exactly as it was given and the preimage of its own invoice, or repeat the request without a credential to get a challenge.',
}
const tryLater: Problem = {
  status: 503,
  title: 'Service Unavailable',
  hint: 'Nothing was counted: what was paid for stays good. Repeat the same request with the same credential after the time in Retry-After; do not pay again.',
}

/** The codes that a client can be told. */
export type RefusalCode =
  | 'ACCESS_PAYMENT_REQUIRED'
  | 'ACCESS_EXPIRED'
  | 'ACCESS_USED_UP'
  | 'ACCESS_OTHER_RESOURCE'
  | 'ACCESS_UNDERPAID'
  | 'ACCESS_REVOKED'
  | 'CREDENTIAL_REFUSED'
  | 'CREDENTIAL_MALFORMED'
  | 'CREDENTIAL_CONFLICT'
  | 'CAVEAT_MALFORMED'
  | 'CAVEAT_UNKNOWN'
  | 'CAVEAT_WIDENS'
  | 'CAVEAT_NOT_MET'
  | 'REQUEST_AMBIGUOUS'
  | 'REQUEST_METHOD'
  | 'REQUEST_NOT_FOUND'
  | 'REQUEST_UNPRICED'
  | 'REQUEST_RATE_LIMITED'
  | 'REQUEST_OVERLOADED'
  | 'REQUEST_HOST'
  | 'REQUEST_BLOCKED'
  | 'REQUEST_TOO_LARGE'
  | 'REQUEST_HEAD'
  | 'REQUEST_TIMEOUT'
  | 'UPSTREAM_UNAVAILABLE'
  | 'UPSTREAM_TIMEOUT'
  | 'UPSTREAM_OVERLOADED'
  | 'NODE_UNAVAILABLE'
  | 'STORE_UNAVAILABLE'

const problems: Readonly<Record<RefusalCode, Problem>> = {
  ACCESS_PAYMENT_REQUIRED: {
    status: 402,
    title: 'Payment Required',
    hint: 'Pay the invoice, then repeat the request with `Authorization: L402 <token>:<preimage in hex>`.',
  },
  ACCESS_EXPIRED: payAgain,
  ACCESS_USED_UP: payAgain,
  ACCESS_OTHER_RESOURCE: payAgain,
  ACCESS_UNDERPAID: payAgain,
  ACCESS_REVOKED: payAgain,
  CREDENTIAL_REFUSED: badCredential,
  CREDENTIAL_MALFORMED: badCredential,
  CREDENTIAL_CONFLICT: {
    ...badCredential,
    hint: 'Send one credential. Two that differ are refused, whichever of them is good.',
  },
  CAVEAT_MALFORMED: notAllowed,
  CAVEAT_UNKNOWN: notAllowed,
  CAVEAT_WIDENS: notAllowed,
  CAVEAT_NOT_MET: notAllowed,
  REQUEST_AMBIGUOUS: {
    status: 400,
    title: 'Bad Request',
    hint: 'Write the request in its plain form: an absolute path without dot segments, empty segments or encoded delimiters, one Host, no parameter or header twice.',
  },
  REQUEST_METHOD: {
    status: 405,
    title: 'Method Not Allowed',
    hint: 'Use one of the methods in the Allow header.',
  },
  REQUEST_NOT_FOUND: {
    status: 404,
    title: 'Not Found',
    hint: 'Check the path: spelling, upper and lower case, and a slash at its end.',
  },
  REQUEST_RATE_LIMITED: {
    status: 429,
    title: 'Too Many Requests',
    hint: 'Nothing was counted. Ask again after the time in Retry-After; a challenge that you have can be paid meanwhile.',
  },
  REQUEST_HOST: {
    status: 421,
    title: 'Misdirected Request',
    hint: 'Check the host name (the Host header, or the one in the URL): nothing is served under this one.',
  },
  REQUEST_BLOCKED: {
    status: 403,
    title: 'Forbidden',
    hint: 'Paying does not help. Ask the operator why your address is blocked.',
  },
  REQUEST_TOO_LARGE: {
    status: 413,
    title: 'Content Too Large',
    hint: 'Send less in one request. Nothing was charged.',
  },
  REQUEST_HEAD: {
    status: 431,
    title: 'Request Header Fields Too Large',
    hint: 'Send fewer or shorter headers.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    title: 'Request Timeout',
    hint: 'Send the request without long pauses. Nothing was charged.',
  },
  UPSTREAM_UNAVAILABLE: { ...tryLater, status: 502, title: 'Bad Gateway' },
  UPSTREAM_TIMEOUT: { ...tryLater, status: 504, title: 'Gateway Timeout' },
  UPSTREAM_OVERLOADED: tryLater,
  REQUEST_OVERLOADED: tryLater,
  REQUEST_UNPRICED: tryLater,
  NODE_UNAVAILABLE: tryLater,
  STORE_UNAVAILABLE: tryLater,
}

export function isRefusalCode(code: Code): code is RefusalCode {
  return code in problems
}

/** The HTTP status of a refusal, unless the paywall is told to answer 402 instead of 401. */
export function statusOf(code: RefusalCode): number {
  return problems[code].status
}

/** When a client should come back to a dependency that is down. */
const retryAfterSeconds = 5

/** What a response has beyond its code. */
export type ProblemOptions = {
  /** Lets every page read it. */
  readonly cors: boolean
  /** `allow` for 405, `retryAfterSeconds` for what passes. Nothing else of them is told. */
  readonly details?: Details
  /** Status, title and hint of a 402, whatever the code's own are. */
  readonly payAgain?: boolean
  readonly headers?: HeaderList
  /** Further members of the body. */
  readonly members?: Readonly<Record<string, unknown>>
}

/**
 * The response to a refused request: problem details (RFC 9457) with a stable `code` and a `hint`.
 * Nothing of the request is repeated in it.
 *
 * @spec server.md R-SRV-5 to R-SRV-9
 */
export function problemResponse(code: RefusalCode, extra: ProblemOptions): RefusalResponse {
  const { status, title, hint } = extra.payAgain === true ? payAgain : problems[code]
  const body = {
    type: `urn:satway:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title,
    status,
    detail: codes[code],
    code,
    hint,
    ...extra.members,
  }
  return {
    status,
    headers: [
      ...(extra.headers ?? headersOf(status, extra.details ?? {})),
      ['Content-Type', 'application/problem+json'],
      ['Cache-Control', 'no-store'],
      ['Vary', 'Authorization'],
      ...(extra.cors ? refusalHeaders : []),
    ],
    body: JSON.stringify(body),
  }
}

function headersOf(status: number, details: Details): HeaderList {
  switch (status) {
    case 401:
      return [['WWW-Authenticate', 'L402']]
    case 405:
      return [['Allow', String(details['allow'])]]
    case 429:
    case 502:
    case 503:
    case 504:
      return [['Retry-After', String(details['retryAfterSeconds'] ?? retryAfterSeconds)]]
    default:
      return []
  }
}
