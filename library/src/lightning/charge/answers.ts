import type { LinkReply } from '../adapter/index.ts'
import { refused, unavailable } from '../adapter/index.ts'

/** The error of an answer that is none to what was asked. */
export function noAnswer(kind: string, reply: LinkReply): Error {
  if (reply.kind !== 'answered') return unavailable(kind, reply.reason)
  const { status, text } = reply
  // Charge's errors are plain text.
  if (status === 401 && text === 'Unauthorized') {
    return refused(kind, 'it does not take the token: name the one of its --api-token')
  }
  if (status === 400 && text?.startsWith('LightningError') === true) {
    return unavailable(kind, 'its Lightning node refused')
  }
  if (status >= 200 && status < 300) {
    const isLong = text === undefined
    return unavailable(kind, isLong ? 'its answer is cut or too long' : 'it answered nonsense')
  }
  return unavailable(kind, `it answered ${status}`)
}
