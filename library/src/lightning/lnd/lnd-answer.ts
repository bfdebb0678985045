import type { L402Error } from '../../errors.ts'
import type { Fields } from '../adapter/index.ts'
import { readFields, refused, unavailable } from '../adapter/index.ts'

/** Begins what errors say. */
export const kind = 'lnd'

/** What lnd answers instead of a result: a status of gRPC, in JSON. */
export type Status = { readonly code: number; readonly message: string }

/** `NOT_FOUND` of gRPC. */
export const codes = { notFound: 5 } as const

/** What was read of one answer, or of one line of a stream. `undefined`: it is not lnd that speaks. */
export type Said =
  | { readonly says: 'result'; readonly result: Fields }
  | { readonly says: 'status'; readonly status: Status }
  | undefined

/** Reads an answer that comes in one piece. */
export function readAnswer(text: string | undefined): Said {
  const fields = readFields(text)
  if (fields === undefined) return undefined
  const status = statusIn(fields)
  return status === undefined ? { says: 'result', result: fields } : { says: 'status', status }
}

/** Reads a line of a stream: `{"result": …}` or `{"error": …}`. */
export function readLine(line: string): Said {
  const fields = readFields(line)
  const result = fieldsIn(fields?.['result'])
  if (result !== undefined) return { says: 'result', result }
  const error = fieldsIn(fields?.['error'])
  const status = error && statusIn(error)
  return status && { says: 'status', status }
}

function fieldsIn(value: unknown): Fields | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Fields) : undefined
}

function statusIn(fields: Fields): Status | undefined {
  const { code, message } = fields
  if (!Number.isSafeInteger(code) || typeof message !== 'string') return undefined
  return { code: code as number, message }
}

/** What to mend where something answers that is not lnd, or hangs up at once. */
export const whereItIs = 'name the address of its REST interface, as a rule port 8080'

/** Why lnd takes no request at this moment, or none of ours: decided before it looks at the request. */
type Barrier = { readonly pattern: RegExp; readonly reason: string; readonly isRefusal: boolean }

const barriers: readonly Barrier[] = [
  {
    pattern: /^permission denied$/,
    reason: 'its macaroon does not allow this: bake one that does',
    isRefusal: true,
  },
  {
    pattern: /macaroon has expired/,
    reason: 'its macaroon has expired: bake another',
    isRefusal: true,
  },
  {
    pattern: /^caveat .* not satisfied/,
    reason: 'a condition in the macaroon is not met: bake one without it',
    isRefusal: true,
  },
  {
    pattern: /^verification failed/,
    reason: 'it does not know the macaroon: use one that this node made',
    isRefusal: true,
  },
  {
    pattern: /^cannot (?:retrieve|get) macaroon/,
    reason: 'the macaroon was revoked: bake another',
    isRefusal: true,
  },
  {
    pattern: /macaroon/,
    reason: 'it does not accept the macaroon: use one that this node made',
    isRefusal: true,
  },
  {
    pattern: /^wallet locked/,
    reason: 'its wallet is locked: unlock it with lncli unlock',
    isRefusal: false,
  },
  {
    pattern: /^wallet not created/,
    reason: 'it has no wallet: make one with lncli create',
    isRefusal: false,
  },
  {
    pattern: /^waiting to start|in the process of starting/,
    reason: 'it is still starting',
    isRefusal: false,
  },
]

/** The error of a request that lnd turned away unread. `undefined`: this is another status. */
export function barrierOf({ message }: Status): L402Error | undefined {
  const barrier = barriers.find(({ pattern }) => pattern.test(message))
  if (barrier === undefined) return undefined
  return (barrier.isRefusal ? refused : unavailable)(kind, barrier.reason)
}

/** The error of an answer that is none to what was asked. Repeats nothing of it. */
export function uselessAnswer(said: Said, httpStatus: number): L402Error {
  if (said?.says === 'status') {
    const { status } = said
    const unread = barrierOf(status)
    if (unread !== undefined) return unread
    if (status.message === 'Not Found') {
      return refused(kind, 'it does not know this call: lnd 0.15 or later is needed')
    }
    return unavailable(kind, `it answered with an error of its own (code ${status.code})`)
  }
  return unavailable(kind, `something else than lnd answered (${httpStatus}): ${whereItIs}`)
}
