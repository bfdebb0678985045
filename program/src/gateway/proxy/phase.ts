import type { Forward } from './forward.ts'

/** Whom an exchange waits for. */
export type Phase =
  /** For a connection, which has a limit of its own. */
  | 'connection'
  /** For the rest of the body from the client, or for the upstream to take it. */
  | 'body'
  /** For the head of the response. */
  | 'head'
  /** For the caller, who says when it starts. */
  | 'start'
  /** For the next part of the response. */
  | 'response'
  /** For the client to take what it was sent. */
  | 'client'

/** How long nothing may move in a phase, in milliseconds. In `body` it is the shorter of two. */
export function limitMs(phase: Phase, forward: Forward): number {
  const { headMs, idleMs, bodyIdleMs = idleMs } = forward
  if (phase === 'connection' || phase === 'start') return Number.POSITIVE_INFINITY
  if (phase === 'head') return headMs
  return phase === 'body' ? Math.min(bodyIdleMs, idleMs) : idleMs
}
