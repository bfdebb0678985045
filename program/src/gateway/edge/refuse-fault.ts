import type { EdgeLimits } from '../config/index.ts'
import type { Exchange, Handler, RequestFault } from '../proxy/index.ts'
import { watchAnswer } from './answer-watch.ts'
import { faultResponse } from './problem-bytes.ts'

/** Answers a request that must not be served, in the handler's words or in our own. */
export function refuseFault(
  handler: Handler,
  exchange: Exchange,
  fault: RequestFault,
  { bodyIdleMs }: Pick<EdgeLimits, 'bodyIdleMs'>,
): void {
  if (handler.refuse !== undefined) {
    handler.refuse(exchange, fault)
    return
  }
  const { status, headers, body } = faultResponse(fault)
  const { response } = exchange
  response.statusCode = status
  for (const [name, value] of headers) response.setHeader(name, value)
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.end(body)
  watchAnswer(exchange, bodyIdleMs)
}
