/**
 * What browsers are told: any page may call with a credential of its own and read the challenge.
 * A credential is sent by hand, never by the browser, so there is nothing that `*` would give away.
 *
 * @spec server.md R-SRV-10, R-SRV-11
 */
export const allowOrigin: readonly [string, string] = ['Access-Control-Allow-Origin', '*']

/** Response headers that a page may read, beside those it may read anyway. */
export const exposedHeaders: readonly string[] = [
  'WWW-Authenticate',
  'Payment-Receipt',
  'Retry-After',
]

/** Every refusal carries these, so that a page sees why. */
export const refusalHeaders: readonly (readonly [string, string])[] = [
  allowOrigin,
  ['Access-Control-Expose-Headers', exposedHeaders.join(', ')],
]

/** The answer to a preflight. It is never charged, and it says nothing about the path. */
export const preflightHeaders: readonly (readonly [string, string])[] = [
  allowOrigin,
  ['Access-Control-Allow-Methods', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'],
  // `*` would not cover Authorization.
  [
    'Access-Control-Allow-Headers',
    'Authorization, Content-Type, Accept, Grpc-Metadata-Macaroon, Macaroon, Accept-Payment, ' +
      'Payment-Signature, Idempotency-Key',
  ],
  ['Access-Control-Max-Age', '7200'],
]

/** Whether a request is a CORS preflight (Fetch standard), and nothing that a handler should see. */
export function isPreflight(request: {
  readonly method: string
  headerLines(name: string): readonly string[]
}): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.headerLines('origin').length > 0 &&
    request.headerLines('access-control-request-method').length > 0
  )
}
