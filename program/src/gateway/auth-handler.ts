import type { Decision, IncomingRequest } from 'satway/server'
import { watchAnswer } from './edge/index.ts'
import { createForwardAuth } from './forward-auth/index.ts'
import type { HandlerOptions } from './handler.ts'
import { isAdmitted, noteServed, openFacts, pathOf } from './handler.ts'
import { decide } from './passage.ts'
import type { Exchange } from './proxy/index.ts'

/** Answers another proxy's question about a request of one of its clients, by the same decisions. */
export function createAuthHandler(
  mode: 'nginx' | 'forward',
  options: HandlerOptions,
): (exchange: Exchange) => void {
  const { current, state, observer, failed } = options
  return (exchange) => {
    const snapshot = current()
    const answer = createForwardAuth({
      mode,
      isTrusted: snapshot.isTrusted,
      onFailure: failed,
      onAnswered: (answered) => watchAnswer(answered, snapshot.config.limits.bodyIdleMs),
      decide: (request) => decideFor(request, exchange),
    })
    answer(exchange)
  }

  async function decideFor(request: IncomingRequest, exchange: Exchange): Promise<Decision> {
    const snapshot = current()
    const { peer } = exchange
    const facts = openFacts(exchange.request, request.clientAddress ?? '', peer)
    facts.method = request.method
    facts.host = request.headerLines('host')[0] ?? ''
    const arrival = {
      snapshot,
      peer,
      host: facts.host,
      incoming: request,
      path: () => pathOf(request.target),
    }
    const verdict = await decide(arrival, facts)
    facts.durationMs = performance.now() - facts.durationMs
    if (!isAdmitted(verdict)) {
      observer.exchange(facts)
      return { status: 'refused', response: verdict.response, refusal: undefined }
    }
    const { route, decision } = verdict
    // The other proxy does not say when it is done: a place on the route would never be free again.
    route.concurrency?.leave()
    noteServed(state, decision.receipt)
    facts.status = 200
    facts.end = 'done'
    observer.exchange(facts)
    return decision
  }
}
