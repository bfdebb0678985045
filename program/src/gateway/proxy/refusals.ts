import type { ForwardEnd } from './forward.ts'

/** What a client is told when no head of a response came. */
export type Refusal = Pick<Extract<ForwardEnd, { kind: 'refused' }>, 'status' | 'code'>

export const unavailable: Refusal = { status: 502, code: 'UPSTREAM_UNAVAILABLE' }
export const timedOut: Refusal = { status: 504, code: 'UPSTREAM_TIMEOUT' }
export const tooLarge: Refusal = { status: 413, code: 'REQUEST_TOO_LARGE' }
export const tooSlow: Refusal = { status: 408, code: 'REQUEST_TIMEOUT' }
