import type { Scope } from './caveats.ts'
import type { Control, HealthReport } from './control.ts'
import type { ProblemCode } from './problem.ts'
import { AdminProblem, everyAnswer } from './problem.ts'
import type { Query } from './query.ts'
import type { Schema, ShapeName } from './shapes.ts'

/** One operation of the API: what it takes and gives, and what it does. */
export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** As OpenAPI writes it: `/v1/services/{name}`. */
  readonly path: string
  /** `undefined`: open to everyone on this machine. */
  readonly scope: Scope | undefined
  /** What a change is called in the log. Only changes have one. */
  readonly action?: string
  readonly summary: string
  readonly parameters?: readonly Parameter[]
  readonly body?: ShapeName
  readonly answers: Readonly<Record<number, AnswerForm>>
  /** What it may refuse with, beyond what every operation may. */
  readonly problems?: readonly ProblemCode[]
  handle(call: Call): Promise<Response> | Response
}

export type Parameter = {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly about: string
  readonly schema: Schema
}

export type AnswerForm = {
  readonly about: string
  /** JSON of this shape. */
  readonly shape?: ShapeName
  /** Or text of this type. */
  readonly text?: { readonly type: string; readonly example: string }
}

/** One request that has been let in. */
export type Call = {
  readonly control: Control
  readonly nowSeconds: number
  readonly scopes: readonly Scope[]
  /** A parameter of the path. */
  path(name: string): string
  readonly query: Query
  readonly accept: string
  /** JSON; `undefined` where the operation takes none. */
  readonly body: unknown
  health(): Promise<HealthReport>
  /** Breaks an answer off that has begun, so that nobody takes what is there for the whole. */
  cut(error: unknown): void
  /** Says what somebody wants to change, for the log. What looks like a secret is taken out. */
  concerns(asked: string): void
  /** Says what that is, for the log: an id or a name that is known, and may be shown whole. */
  found(target: string): void
}

export function json(status: number, value: unknown): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', ...everyAnswer },
  })
}

/** @param type - `undefined` for an answer without a body. */
export function text(
  status: number,
  body: string | ReadableStream | null,
  type: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body as string | null, {
    status,
    headers: { ...(type !== undefined && { 'content-type': type }), ...everyAnswer, ...headers },
  })
}

/**
 * Asks the state.
 *
 * @throws {AdminProblem} ADMIN_UNAVAILABLE when the state cannot answer.
 */
export function ask<T>(question: () => T): T {
  try {
    return question()
  } catch (error) {
    if (error instanceof AdminProblem) throw error
    throw new AdminProblem('ADMIN_UNAVAILABLE', 'The state could not be read or written.')
  }
}
