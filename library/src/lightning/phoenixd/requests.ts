import type { LinkReply, LinkRequest } from '../adapter/index.ts'
import { refused, unavailable } from '../adapter/index.ts'
import { says } from './phoenixd-answers.ts'

/** Begins what errors say. */
export const kind = 'phoenixd'

/** phoenixd takes forms. */
export function form(
  path: string,
  fields: Readonly<Record<string, string>>,
): LinkRequest & { readonly method: 'POST' } {
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  }
}

/** Whether phoenixd itself, and no proxy before it, says this. */
export function isSaid(reply: LinkReply, status: number, words: RegExp): boolean {
  return reply.kind === 'answered' && reply.status === status && words.test(reply.text ?? '')
}

/** The text of a 200. @throws NODE_UNAVAILABLE for everything else. */
export function requireAnswer(reply: LinkReply): string {
  if (reply.kind !== 'answered') throw unavailable(kind, reply.reason)
  const { status, text } = reply
  if (isSaid(reply, 401, says.wrongPassword)) {
    throw refused(
      kind,
      'it does not take the password: use http-password or http-password-limited-access of its phoenix.conf',
    )
  }
  if (status !== 200) throw unavailable(kind, `it answered ${status}`)
  if (text === undefined) throw unavailable(kind, 'its answer cannot be read')
  return text
}

/** What was read, or the error of an answer that means nothing. */
export function requireSense<Value>(value: Value | undefined): Value {
  if (value === undefined) throw unavailable(kind, 'its answer makes no sense')
  return value
}
