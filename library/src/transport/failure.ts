import { isL402Error } from '../errors.ts'

/** What Node says about an error of a connection. */
type SystemFacts = { readonly code?: unknown; readonly syscall?: unknown }

/** An error whose text is ours: what went wrong on the way to a server or back. */
export function problem(message: string, facts: SystemFacts = {}): Error {
  return Object.assign(new Error(message), facts)
}

/** Something took too long. */
export function tooLate(message: string, facts: SystemFacts = {}): Error {
  return problem(message, { code: 'ETIMEDOUT', ...facts })
}

/** Why the rest of a request is not sent: the server did not wait for it. */
export function answered(): Error {
  return problem('the server has answered')
}

/** What a call rejects with that got no answer: as the platform's `fetch`, but for our own rules. */
export function fetchFailed(cause: unknown): Error {
  if (isL402Error(cause)) return cause
  return new TypeError('fetch failed', { cause: presentable(cause) })
}

/** What the body of an answer breaks off with: as the platform's. */
export function terminated(cause: unknown): Error {
  return new TypeError('terminated', { cause: presentable(cause) })
}

/**
 * The same error without what must not reach a log: Node's parser keeps the packet that it stumbled
 * over, and TLS the whole certificate, in its words as well.
 */
function presentable(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  // Both families refused: one error for each address.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const { code, syscall } = (first ?? error) as SystemFacts
  if (code === undefined) return error
  const { message } = first instanceof Error ? first : error
  const words = wordsOf(message, code, syscall)
  return problem(words, syscall === undefined ? { code } : { code, syscall })
}

/** A name in them may be a stranger's sentence: of a host that a redirect led to, or a certificate. */
function wordsOf(message: string, code: unknown, syscall: unknown): string {
  if (syscall === 'getaddrinfo') return `${syscall} ${code}`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'the certificate is for another name'
  // OpenSSL's own words, and after them advice about Node.
  if (/^(?:CERT|CRL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)_/.test(String(code))) {
    return message.split(';', 1)[0] ?? message
  }
  // The words of a system call are Node's own. Elsewhere a peer's may follow; Node's come first.
  return syscall === undefined ? cut(message) : message
}

function cut(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '').slice(0, 64)
}
