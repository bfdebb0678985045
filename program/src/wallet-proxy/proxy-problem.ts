type Meaning = {
  readonly status: number
  readonly title: string
  /** What whoever asked does next. */
  readonly hint: string
}

/** What the wallet proxy refuses with by itself, before it asks whether to pay. */
export type ProxyCode =
  | 'PROXY_HOST'
  | 'PROXY_ORIGIN'
  | 'PROXY_UNAUTHENTICATED'
  | 'PROXY_NOT_FOUND'
  | 'PROXY_OTHER_USE'
  | 'PROXY_METHOD'
  | 'PROXY_MALFORMED'
  | 'PROXY_MEDIA_TYPE'
  | 'PROXY_TOO_LARGE'
  | 'PROXY_BUSY'
  | 'PROXY_CLOSING'
  | 'PROXY_FAULT'

/** The registry of these codes: docs/wallet-proxy.md is compared with it. */
export const proxyCodes: Readonly<Record<ProxyCode, Meaning>> = {
  PROXY_HOST: {
    status: 421,
    title: 'Misdirected Request',
    hint: 'Ask for 127.0.0.1 or localhost: other names are refused, so that no web page can reach this by a name of its own.',
  },
  PROXY_ORIGIN: {
    status: 403,
    title: 'Forbidden',
    hint: 'Web pages may not use this wallet. Ask from a program that sends no Origin.',
  },
  PROXY_UNAUTHENTICATED: {
    status: 401,
    title: 'Unauthenticated',
    hint: 'Send `Authorization: Bearer <token>` with the text of the token file that was named when the proxy started.',
  },
  PROXY_NOT_FOUND: {
    status: 404,
    title: 'Not Found',
    hint: 'There are POST /payinvoice, GET /payments/{hash} and GET /healthz.',
  },
  PROXY_OTHER_USE: {
    status: 403,
    title: 'Forbidden',
    hint: 'Only payments that were ordered here are told here. The others: `satway receipts list`.',
  },
  PROXY_METHOD: {
    status: 405,
    title: 'Method Not Allowed',
    hint: 'Use the method in the Allow header.',
  },
  PROXY_MALFORMED: {
    status: 400,
    title: 'Bad Request',
    hint: 'Send one JSON object: {"invoice": "lnbc…"}, and if you like "max_cost" and "max_fee" as amounts with a unit.',
  },
  PROXY_MEDIA_TYPE: {
    status: 415,
    title: 'Unsupported Media Type',
    hint: 'Send `Content-Type: application/json`, uncompressed.',
  },
  PROXY_TOO_LARGE: {
    status: 413,
    title: 'Content Too Large',
    hint: 'Send the invoice and nothing else: at most 16 KiB.',
  },
  PROXY_BUSY: {
    status: 503,
    title: 'Service Unavailable',
    hint: 'Ask again after the time in Retry-After. An invoice is never paid twice here.',
  },
  PROXY_CLOSING: {
    status: 503,
    title: 'Service Unavailable',
    hint: 'The proxy is ending. Ask again when it runs; an invoice is never paid twice here.',
  },
  PROXY_FAULT: {
    status: 500,
    title: 'Internal Server Error',
    hint: 'This is a fault of satway, please report it. Ask again: an invoice is never paid twice here.',
  },
}

/** Why a request is refused before anything was asked of the wallet. */
export class ProxyProblem extends Error {
  override readonly name = 'ProxyProblem'
  readonly code: ProxyCode
  readonly headers: Readonly<Record<string, string>>

  /** @param detail - One sentence. Carries no secret. */
  constructor(code: ProxyCode, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail)
    this.code = code
    this.headers = headers
  }
}
