import type { Allowance } from './lnd-macaroons.ts'
import type { GrpcStatus } from './lnd-messages.ts'
import { statuses } from './lnd-messages.ts'
import type { WireAnswer, WireRequest, WireRole } from './look-alike.ts'

/** One call of the interface of lnd. */
export type LndCall = Allowance & {
  readonly role: WireRole
  readonly method: 'GET' | 'POST'
  readonly path: RegExp
  /** Whether it answers with a stream: its errors are written otherwise. */
  readonly isStream: boolean
  /** @param part - What the group of the path holds. */
  readonly answer: (request: WireRequest, part: string) => Promise<WireAnswer>
}

/** An answer of lnd that is an error. */
export class LndError extends Error {
  readonly status: GrpcStatus

  constructor(status: GrpcStatus) {
    super(status[1])
    this.status = status
  }
}

export function json(value: unknown): WireAnswer {
  return { status: 200, body: JSON.stringify(value) }
}

/**
 * Reads the body of a request as lnd does: a member that it does not know is refused.
 *
 * @throws {LndError}
 */
export function readBody(
  text: string,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new LndError(statuses.badJson)
  }
  if (typeof value !== 'object' || value === null) throw new LndError(statuses.badJson)
  const strange = Object.keys(value).find((name) => !known.includes(name))
  if (strange !== undefined) {
    throw new LndError([3, `proto: (line 1:2): unknown field "${strange}"`])
  }
  return value as Readonly<Record<string, unknown>>
}

/** 64-bit numbers are text or numbers to lnd. @throws {LndError} */
export function readInt64(value: unknown): bigint {
  if (value === undefined) return 0n
  if (Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value))) {
    return BigInt(value as string | number)
  }
  throw new LndError([3, 'proto: (line 1:2): invalid value for int64 type'])
}
