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
  // The words of a system call are Node's own. Elsewhere a peer's may follow; Node's come first.
  const words = syscall === undefined ? cut(message) : message
  return problem(words, syscall === undefined ? { code } : { code, syscall })
}

function cut(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '').slice(0, 64)
}
