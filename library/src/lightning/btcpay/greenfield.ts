import type { Fields, LinkReply, NodeLink } from '../adapter/index.ts'
import { readFields, readFieldsList, refused, unavailable } from '../adapter/index.ts'

/** One store of a server. */
export type Store = {
  /** Begins what errors say. */
  readonly kind: string
  readonly link: NodeLink
  /** Of its Lightning node. */
  readonly path: string
}

/** What an answer says. */
export type Answer =
  /** 200 or 202 with a JSON object. */
  | { readonly says: 'done'; readonly fields: Fields }
  /** One of BTCPay's own problems. `permission`: the one that the API key lacks. */
  | { readonly says: 'problem'; readonly code: string; readonly permission: string | undefined }
  /** 422: something in the request is not as it should be, and nothing was tried. */
  | { readonly says: 'invalid' }
  /** Anything else: of a proxy, cut, or nonsense. */
  | { readonly says: 'nonsense'; readonly status: number }

/** Problems that come before anything was tried, and what is to be done about them. */
const refusals: Readonly<Record<string, string>> = {
  unauthenticated:
    'it does not know the API key: make one under Account, Manage Account, API Keys, and name that',
  'store-not-found': 'it has no such store, or the API key is for another one',
  'lightning-not-configured':
    'no Lightning node is set up for the store: set one up in its settings',
  'unknown-cryptocode': 'it has no Lightning node for bitcoin',
}

/** Each problem has its status: another one comes from somewhere else. */
const statuses: Readonly<Record<string, number>> = {
  unauthenticated: 401,
  'missing-permission': 403,
  'store-not-found': 404,
  'lightning-not-configured': 404,
  'unknown-cryptocode': 404,
  'invoice-not-found': 404,
  'payment-not-found': 404,
  'could-not-find-route': 400,
  'generic-error': 400,
  'lightning-node-unavailable': 503,
}

/** Reads an answer of the Greenfield API. Total. */
export function readAnswer({
  status,
  text,
}: Extract<LinkReply, { readonly kind: 'answered' }>): Answer {
  if (status === 422) {
    const places = readFieldsList(text)
    const isOwn = places?.[0] !== undefined && places.every((place) => isText(place['message']))
    return isOwn ? { says: 'invalid' } : { says: 'nonsense', status }
  }
  const fields = readFields(text)
  if (fields === undefined) return { says: 'nonsense', status }
  if (status === 200 || status === 202) return { says: 'done', fields }
  const { code, message } = fields
  if (!isText(code) || !isText(message)) return { says: 'nonsense', status }
  if (!Object.hasOwn(statuses, code) || statuses[code] !== status) {
    return { says: 'nonsense', status }
  }
  return { says: 'problem', code, permission: permissionOf(fields) }
}

/** Asks one question. @throws NODE_UNAVAILABLE when there is no answer. */
export async function ask(
  { kind, link }: Pick<Store, 'kind' | 'link'>,
  request: Parameters<NodeLink['request']>[0],
  signal: AbortSignal,
): Promise<Answer> {
  const reply = await link.request(request, signal)
  if (reply.kind !== 'answered') throw unavailable(kind, reply.reason)
  return readAnswer(reply)
}

/**
 * Why an answer refuses whatever was asked, before anything was tried: credential, permission, store.
 *
 * @returns `undefined` when it does not.
 */
export function refusalOf(kind: string, answer: Answer): Error | undefined {
  if (answer.says !== 'problem') return undefined
  if (answer.code === 'missing-permission') {
    const { permission = 'a permission' } = answer
    return refused(kind, `the API key lacks ${permission}: make one that has it for this store`)
  }
  const reason = Object.hasOwn(refusals, answer.code) ? refusals[answer.code] : undefined
  return reason === undefined ? undefined : refused(kind, reason)
}

/** The error of an answer that is none to what was asked. */
export function noAnswer(kind: string, answer: Answer): Error {
  const refusal = refusalOf(kind, answer)
  if (refusal !== undefined) return refusal
  if (answer.says === 'problem') {
    const isDown = answer.code === 'lightning-node-unavailable'
    return unavailable(kind, isDown ? 'its Lightning node cannot be reached' : answer.code)
  }
  if (answer.says === 'nonsense' && answer.status !== 200) {
    return unavailable(
      kind,
      `it answered ${answer.status}, and not as BTCPay does: is the URL right?`,
    )
  }
  return unavailable(kind, 'it answered what cannot be understood')
}

function permissionOf(fields: Fields): string | undefined {
  const permission = fields['missingPermission']
  const isName = isText(permission) && /^btcpay\.[a-z.]{1,60}$/.test(permission)
  return isName ? permission : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
