import type { Call, Hop } from './call.ts'
import { crashPoint } from './crash-point.ts'
import { credentialFor } from './credential.ts'
import { coverageSoldBy } from './demand.ts'
import { routeOfTarget } from './ledger.ts'
import { publicOnly } from './may-pay.ts'
import type { Parts } from './parts.ts'
import { routeOf, targetOf } from './stored-token.ts'
import { quietly } from './storing.ts'
import type { StoredToken } from './token-store.ts'
import { provesToken } from './token-store.ts'

/**
 * What an answer says about the token that the request carried. `open`: nothing; the service is
 * busy or broken, or refuses for a reason of its own.
 */
export type Verdict = 'accepted' | 'refused' | 'open'

/** What came of a request with a token. */
export type Answer = {
  readonly response: Response
  readonly verdict: Verdict
  /** Whether this is the first answer that accepted the token for what costs money. */
  readonly madeGood: boolean
}

/** A token that was chosen for one request, and counted as on its way until it is handed back. */
export type Held = { readonly stored: StoredToken; readonly release: () => void }

/** Sends one request without a credential. */
export async function sendBare(parts: Parts, call: Call, hop: Hop): Promise<Response> {
  return send(parts, call, hop, undefined)
}

/**
 * Sends one request with a token, and remembers what the answer says about it.
 *
 * @param asked - Whether the server had asked for payment for this before, in the same call.
 * @spec client.md R-PAY-43, R-PAY-48, R-PAY-60
 */
export async function present(
  parts: Parts,
  call: Call,
  hop: Hop,
  { stored, release }: Held,
  asked: boolean,
): Promise<Answer> {
  try {
    const authorization = credentialFor(stored, hop, parts.clocks.now(hop.url.origin))
    crashPoint('before-deliver')
    const response = await send(parts, call, hop, authorization).catch(async (error: unknown) => {
      await noteUndelivered(parts, stored, hop)
      throw error
    })
    crashPoint('after-deliver')
    const verdict = verdictOf(response.status, opened(stored, routeOf(hop)))
    const isProof = provesToken(stored, { target: targetOf(hop), asked })
    await remember(parts, stored, hop, verdict, response, asked)
    crashPoint('after-mark')
    const isFirst = stored.standing === 'new' || stored.standing === 'owed'
    return { response, verdict, madeGood: verdict === 'accepted' && isProof && isFirst }
  } finally {
    release()
  }
}

async function send(
  parts: Parts,
  call: Call,
  hop: Hop,
  authorization: string | undefined,
): Promise<Response> {
  const headers = new Headers(hop.headers)
  if (authorization !== undefined) headers.set('authorization', authorization)
  const init: RequestInit = {
    ...call.rest,
    method: hop.method,
    headers,
    // Followed by hand: a credential must not travel further than its origin.
    redirect: 'manual',
  }
  if (call.signal !== undefined) init.signal = call.signal
  if (hop.body?.isStream === true) init.duplex = 'half'
  if (hop.body !== undefined) init.body = hop.body.take()
  const { fetch } = parts
  const response = await fetch(hop.url.href, init, { publicOnly: publicOnly(parts, hop) })
  parts.clocks.learn(hop.url.origin, response)
  return response
}

/**
 * 401 and 402 are about the credential. 403 is too, where the token has not opened anything yet:
 * there the request may do better without it.
 */
function verdictOf(status: number, openedBefore: boolean): Verdict {
  if (status === 401 || status === 402) return 'refused'
  if (status === 403) return openedBefore ? 'open' : 'refused'
  if (status >= 500 || [407, 408, 421, 425, 429].includes(status)) return 'open'
  return 'accepted'
}

function opened(stored: StoredToken, route: string): boolean {
  return routeOfTarget(stored.target) === route || stored.servedRoutes.includes(route)
}

/** What is learned is a hint: a store that cannot keep it costs one try at the next call. */
async function remember(
  { tokens }: Parts,
  stored: StoredToken,
  hop: Hop,
  verdict: Verdict,
  response: Response,
  asked: boolean,
): Promise<void> {
  const target = targetOf(hop)
  if (verdict === 'open') return noteUndelivered({ tokens }, stored, hop)
  if (verdict === 'refused') {
    const sells = coverageSoldBy(response)
    return quietly(tokens.mark(stored.id, { kind: 'refused', target, sells }))
  }
  const counts = stored.facts?.uses !== undefined
  const used = response.status < 400
  const mark = { kind: 'served', target, used, asked } as const
  const isProof = stored.standing !== 'good' && provesToken(stored, mark)
  if (!isProof && !counts && stored.servedRoutes.includes(routeOf(hop))) return
  await quietly(tokens.mark(stored.id, mark))
}

/** R-PAY-44: what was asked for with the token that bought it, and did not come, is owed. */
async function noteUndelivered(
  { tokens }: Pick<Parts, 'tokens'>,
  stored: StoredToken,
  hop: Hop,
): Promise<void> {
  if (stored.standing !== 'new' || stored.target !== targetOf(hop)) return
  await quietly(tokens.mark(stored.id, { kind: 'undelivered', accepted: false }))
}
