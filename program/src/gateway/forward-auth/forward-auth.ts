import type { Decision, IncomingRequest, RefusalResponse } from 'satway/server'
import { problemResponse } from 'satway/server'
import type { Exchange } from '../proxy/index.ts'
import { isClientGone } from '../proxy/index.ts'
import { factsOf } from './facts.ts'
import { forNginx } from './nginx-answer.ts'
import type { ForwardAuthMode } from './original-request.ts'
import { readOriginalRequest } from './original-request.ts'

export type { ForwardAuthMode } from './original-request.ts'

export type ForwardAuthOptions = {
  /** Decides a request of the client. Never rejects for a fault of the client's. */
  readonly decide: (request: IncomingRequest) => Promise<Decision>
  readonly mode: ForwardAuthMode
  /** Whether a peer is a proxy whose word counts; everybody else is refused. */
  readonly isTrusted: (address: string) => boolean
  /** Told when `decide` rejects: the answer is 503. */
  readonly onFailure?: (error: unknown) => void
  /** Called when an answer was ended, and is on its way. */
  readonly onAnswered?: (exchange: Exchange) => void
}

/**
 * Makes an endpoint that a proxy asks before it serves a request: nginx's `auth_request`, Caddy's
 * `forward_auth`, Traefik's `forwardAuth`. It decides by the same gate as the gateway, and answers
 * 200 with facts about the purchase, or with the refusal in the form that the proxy can pass on.
 *
 * A use is counted when it answers 200: no proxy tells what became of the request.
 *
 * @returns What a listener calls for each question, whatever its path and method. It neither throws
 *   nor rejects.
 * @spec gateway.md R-FA-1 to R-FA-14
 */
export function createForwardAuth(options: ForwardAuthOptions): (exchange: Exchange) => void {
  return (exchange) => {
    // What a proxy sends along is not looked at, and must not hold the connection up.
    exchange.request.resume()
    answer(exchange, options)
      .then((given) => {
        send(exchange, given)
        options.onAnswered?.(exchange)
      })
      // Without an answer the proxy serves nobody.
      .catch(() => exchange.response.destroy())
  }
}

async function answer(exchange: Exchange, options: ForwardAuthOptions): Promise<RefusalResponse> {
  const { decide, mode, isTrusted, onFailure } = options
  if (!isTrusted(exchange.peer.address)) return notTrusted
  const original = readOriginalRequest(exchange, mode, isTrusted)
  if (typeof original === 'string') return notSetUp(original)
  try {
    const decision = await decide(original)
    if (decision.status === 'refused') return refused(decision.response, mode)
    return await admitted(exchange, decision)
  } catch (error) {
    onFailure?.(error)
    return refused(problemResponse('REQUEST_OVERLOADED', { cors: false }), mode)
  }
}

type Admitted = Extract<Decision, { status: 'admitted' }>

/** @spec gateway.md R-FA-5, R-FA-9 */
async function admitted({ response }: Exchange, decision: Admitted): Promise<RefusalResponse> {
  // Nobody will serve what nobody waits for.
  const hasLeft = isClientGone(response)
  await decision.finish(hasLeft ? undefined : 200)
  const { path, query } = decision.target
  return {
    status: 200,
    headers: [
      ['Satway-Target', path + query],
      ...factsOf(decision.receipt),
      ...decision.responseHeaders(() => undefined),
    ],
    body: '',
  }
}

function refused(response: RefusalResponse, mode: ForwardAuthMode): RefusalResponse {
  if (mode === 'nginx') return forNginx(response)
  // A proxy takes any 2xx as leave to go on, and an answered preflight would reach the upstream.
  return response.status < 300 ? preflightRefused : response
}

/** @spec gateway.md R-FA-8 */
const preflightRefused: RefusalResponse = problemResponse('REQUEST_METHOD', {
  cors: true,
  details: { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE' },
})

/** @spec gateway.md R-FA-1 */
const notTrusted: RefusalResponse = problemResponse('REQUEST_BLOCKED', { cors: false })

/** For the operator: neither nginx nor its client understands it, and nothing is served. */
function notSetUp(header: string): RefusalResponse {
  return {
    status: 400,
    headers: [['Content-Type', 'text/plain; charset=utf-8']],
    body: `The proxy must set ${header} exactly once.\n`,
  }
}

function send({ response }: Exchange, { status, headers, body }: RefusalResponse): void {
  if (isClientGone(response)) return
  const lines = new Map<string, string[]>()
  for (const [name, value] of headers) {
    const known = lines.get(name)
    if (known === undefined) lines.set(name, [value])
    else known.push(value)
  }
  response.statusCode = status
  for (const [name, values] of lines) {
    response.setHeader(name, values.length === 1 ? values[0]! : values)
  }
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.end(body)
}
