import { concatBytes, decodeUtf8 } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import { untilAborted } from '../adapter/index.ts'
import { maxAnswerBytes } from './wallet-answer.ts'

/** What became of one request to a wallet. */
export type Reply =
  /** `text`: `undefined` when the body cannot be read: too long, broken off, not UTF-8. */
  | { readonly kind: 'answered'; readonly status: number; readonly text: string | undefined }
  /** No byte of the request can have reached the wallet. */
  | { readonly kind: 'not-sent'; readonly reason: string }
  /** The request may have been read. */
  | { readonly kind: 'lost' }

/** How a wallet is asked. */
export type Ask = (url: string, init: RequestInit, signal: AbortSignal) => Promise<Reply>

type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Errors of TLS, before the request is sent. */
const tlsCodes: ReadonlySet<unknown> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/**
 * Sends one request, once, and reads a bounded answer. Resolves always, by the time the signal aborts.
 * Redirects are not followed: the headers are secret, and the order is for one wallet.
 */
export async function askWallet(
  fetch: Fetch,
  url: string,
  init: RequestInit,
  signal: AbortSignal,
): Promise<Reply> {
  if (signal.aborted) return { kind: 'not-sent', reason: 'aborted' }
  try {
    const asked = fetch(url, { ...init, redirect: 'manual', signal })
    const response = await untilAborted(asked, signal)
    return { kind: 'answered', status: response.status, text: await readText(response, signal) }
  } catch (error) {
    const reason = whyNotSent(error)
    return reason === undefined ? { kind: 'lost' } : { kind: 'not-sent', reason }
  }
}

async function readText(response: Response, signal: AbortSignal): Promise<string | undefined> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for (;;) {
      const { done, value } = await untilAborted(reader.read(), signal)
      if (done) return decodeUtf8(concatBytes(...chunks))
      length += value.length
      if (length > maxAnswerBytes) return undefined
      chunks.push(value)
    }
  } catch {
    return undefined
  } finally {
    // Not awaited: a wallet that keeps the connection busy must not keep us.
    reader.cancel().catch(() => undefined)
  }
}

/** Why the request certainly did not leave; `undefined`: it may have. */
function whyNotSent(error: unknown): string | undefined {
  if (isL402Error(error, 'POLICY_REFUSED')) return 'the address of the wallet is refused'
  if (!(error instanceof TypeError)) return undefined
  const { cause } = error
  // One error for each address that was tried.
  const tried: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause]
  const reasons = tried.map(whyNotConnected)
  return reasons.includes(undefined) ? undefined : reasons[0]
}

function whyNotConnected(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined
  const { code, syscall } = cause as { readonly code?: unknown; readonly syscall?: unknown }
  if (tlsCodes.has(code)) return `its certificate is not accepted: ${code}`
  const isConnecting =
    syscall === 'connect' || syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT'
  return isConnecting ? `it cannot be reached: ${code}` : undefined
}
