import type { Call, Hop } from './call.ts'
import { discard } from './challenge-hints.ts'
import { isForeignRedirect, refusesPlace } from './may-pay.ts'
import type { Parts } from './parts.ts'
import { carriesBodyAway, followRedirect, isRedirect } from './redirect.ts'

/** What happened on the way of one call, over all its hops, as far as redirects go. */
export type Path = {
  /** The request that is being answered. */
  at: Hop
  /** Whether a credential was sent on the way. */
  readonly presented: boolean
  /** Whether a redirect led from https to http. */
  downgraded: boolean
}

/**
 * Gets the answer to a call, following redirects by hand, so that every hop is judged by itself.
 *
 * A redirect that would take a body to another origin after a credential was sent, or a body that
 * cannot be sent again, is not followed: the caller gets it as it is.
 *
 * @param answer - Gets the answer to one hop.
 * @returns The answer that is no redirect, and the hop that it answers.
 * @throws {TypeError} for a redirect under `redirect: 'error'`, and after as many as the call follows.
 * @throws {L402Error} POLICY_REFUSED `private-address`.
 * @spec client.md R-PAY-50 to R-PAY-54
 */
export async function follow(
  parts: Pick<Parts, 'policy'>,
  call: Call,
  path: Path,
  answer: (hop: Hop) => Promise<Response>,
): Promise<{ readonly response: Response; readonly hop: Hop }> {
  let hop = call.first
  const refusal = refusesPlace(parts, hop)
  if (refusal !== undefined) throw refusal
  let response = await answer(hop)
  for (let redirects = 0; isRedirect(response); redirects++) {
    if (call.redirect === 'manual') break
    let next: Hop
    try {
      if (redirects === call.limits.maxRedirects) throw new TypeError('redirected too often')
      next = nextHop(parts, call, path, hop, response)
    } catch (error) {
      await discard(response)
      throw error
    }
    if (path.presented && carriesBodyAway(hop, next)) break
    if ((await next.body?.isReplayable()) === false) break
    await discard(response)
    if (hop.url.protocol === 'https:' && next.url.protocol === 'http:') path.downgraded = true
    hop = next
    path.at = next
    response = await answer(hop)
    Object.defineProperty(response, 'redirected', { value: true })
  }
  return { response, hop }
}

/** The request that a redirect leads to. @throws as {@link follow}. */
function nextHop(
  parts: Pick<Parts, 'policy'>,
  call: Call,
  path: Path,
  hop: Hop,
  response: Response,
): Hop {
  if (call.redirect === 'error') throw new TypeError('redirected, and redirect is "error"')
  const target = followRedirect(hop, response)
  const next = { ...target, isForeign: isForeignRedirect(call.first, hop, target.url) }
  const refusal = refusesPlace(parts, next)
  if (refusal === undefined) return next
  path.at = next
  throw refusal
}
