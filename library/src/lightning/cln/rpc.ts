import type { Msat } from '../../amount/index.ts'
import type { Fields } from '../adapter/index.ts'
import { readMsat, refused, unavailable } from '../adapter/index.ts'

/** As in its URI. Begins what errors say. */
export const kind = 'cln'

/** What became of one call. The same over clnrest and over the Unix socket. */
export type Reply =
  | { readonly kind: 'answered'; readonly result: Fields }
  /** The node, or clnrest before it, said no in its own form: the call is over. */
  | { readonly kind: 'refused'; readonly code: number }
  /** No byte of the call can have reached the node. */
  | { readonly kind: 'not-sent'; readonly reason: string }
  /** The call may have been read; what was answered, if anything, is no answer of a node. */
  | { readonly kind: 'lost'; readonly reason: string }

/** `order`: once, on a connection of its own. `listen`: does not keep the process running. */
export type Manner = 'order' | 'ask' | 'listen'

/** A way to call the commands of one node. */
export type Rpc = {
  /** Resolves always, by the time the signal aborts. */
  call(method: string, params: Fields, signal: AbortSignal, manner?: Manner): Promise<Reply>
  /** The node's time, where the last answer told it: in seconds since 1970. */
  nowSeconds(): number | undefined
  close(): void
}

/** Codes of Core Lightning (`common/jsonrpc_errors.h`) that this adapter tells apart. */
export const codes = {
  methodUnknown: -32601,
  badParams: -32602,
  waitTimedOut: 904,
  runeNotAuthorized: 1501,
  runeNotPermitted: 1502,
  runeBlacklisted: 1503,
} as const

/** Long enough for every answer that is asked for here; an answer beyond it counts as none. */
export const maxAnswerBytes: number = 1024 * 1024

/** @returns `undefined` unless it is `{code, message}`, as Core Lightning writes it. */
export function readErrorCode(error: Fields | undefined): number | undefined {
  if (typeof error?.['message'] !== 'string') return undefined
  const code = error['code']
  return Number.isSafeInteger(code) ? (code as number) : undefined
}

/**
 * An amount as Core Lightning writes it: a number, or, before v23.05, text that ends in `msat`.
 *
 * @returns `undefined` for anything else, and for a number that JSON cannot hold exactly.
 */
export function readClnMsat(value: unknown): Msat | undefined {
  return readMsat(typeof value === 'string' ? value.replace(/msat$/, '') : value)
}

/** As a number where that is exact, so that a rune can compare it; as text otherwise. */
export function writeMsat(amountMsat: Msat): number | string {
  const isExact = amountMsat <= BigInt(Number.MAX_SAFE_INTEGER)
  return isExact ? Number(amountMsat) : `${amountMsat}msat`
}

/** @throws {L402Error} NODE_UNAVAILABLE for whatever is no answer, with what to mend. */
export function requireAnswer(method: string, reply: Reply): Fields {
  if (reply.kind === 'answered') return reply.result
  throw reply.kind === 'refused'
    ? refusal(method, reply.code)
    : unavailable(kind, `${method}: ${reply.reason}`)
}

/** The error of a call that the node itself refused. */
export function refusal(method: string, code: number): Error {
  switch (code) {
    case codes.runeNotAuthorized:
      return refused(
        kind,
        'the rune is not one of this node: make one there, with lightning-cli createrune',
      )
    case codes.runeBlacklisted:
      return refused(kind, 'the rune was revoked: make another, with lightning-cli createrune')
    case codes.runeNotPermitted:
      return unavailable(
        kind,
        `the rune does not allow ${method}, or not any more, or not that often: make one that does`,
      )
    case codes.methodUnknown:
      return unavailable(
        kind,
        `it has no command ${method}: it is too old, or the plugin of that command does not run`,
      )
    default:
      return unavailable(kind, `it refused ${method} with code ${code}`)
  }
}
