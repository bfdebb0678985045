import type { Fields, LinkReply } from '../adapter/index.ts'
import { asFields, NodeLink, readFields } from '../adapter/index.ts'
import type { Reply, Rpc } from './rpc.ts'
import { maxAnswerBytes, readErrorCode } from './rpc.ts'

/**
 * The REST interface of a node, clnrest: `POST /v1/<method>`, the rune in a header.
 *
 * @throws {RangeError} for text that is no certificate.
 */
export function connectClnrest(options: {
  readonly url: string
  readonly rune: string
  readonly certificate: string | undefined
}): Rpc {
  const { url, rune, certificate } = options
  const headers = { Rune: rune }
  const link = new NodeLink({ baseUrl: url, headers, certificate, maxAnswerBytes })
  return {
    call: async (method, params, signal, manner = 'ask') => {
      const reply = await link.request(
        {
          method: 'POST',
          path: `/v1/${method}`,
          body: JSON.stringify(params),
          ...(manner === 'order' ? { alone: true } : { repeatable: true }),
          ...(manner === 'listen' && { background: true }),
        },
        signal,
      )
      return readReply(reply)
    },
    nowSeconds: () => link.serverSeconds,
    close: () => link.close(),
  }
}

function readReply(reply: LinkReply): Reply {
  if (reply.kind !== 'answered') return reply
  const { status, text } = reply
  const answer = readFields(text)
  // It answers 201. What another status carries is no result, whoever says it.
  const isDone = status === 201 || status === 200
  if (isDone && answer !== undefined) return { kind: 'answered', result: answer }
  const code = isDone ? undefined : readErrorCode(errorOf(answer))
  if (code !== undefined) return { kind: 'refused', code }
  const what = text === undefined ? 'what cannot be read' : `${status} in a form of another`
  return { kind: 'lost', reason: `it answered ${what}: is it clnrest?` }
}

/** Before v24.11 what went wrong was wrapped in `error`. */
function errorOf(answer: Fields | undefined): Fields | undefined {
  const inner = answer?.['error']
  return inner === undefined ? answer : asFields(inner)
}
