import type { Call, Hop } from './call.ts'
import { awaitedFor, chooseBeforeBuying, chooseFirst, owedFor } from './choose-token.ts'
import type { Aim } from './ledger.ts'
import { buysTheSame } from './ledger.ts'
import { orAborted, pause } from './locks.ts'
import type { Parts } from './parts.ts'
import type { Held } from './present.ts'
import { targetOf } from './stored-token.ts'
import { storing } from './storing.ts'
import type { StoredToken } from './token-store.ts'

/** How long another process may take to use what it bought for one request, in seconds. */
const deliverySeconds = 10
const pollMs = 50

/** A token to send before the server has said what it wants, taken; `undefined`: none. */
export async function holdFirst(parts: Parts, hop: Hop): Promise<Held | undefined> {
  // What is free stays free without a store. What is not will ask for it again.
  const tokens = await parts.tokens.usable(hop.url.origin, parts.now()).catch(() => [])
  const tries = { tried: new Set<string>(), usesInFlight: parts.uses.count }
  const stored = chooseFirst(tokens, targetOf(hop), tries)
  if (stored === undefined) return undefined
  const isAwaited = await isAwaitedElsewhere(parts, stored).catch(() => false)
  return isAwaited ? undefined : hold(parts, stored)
}

/**
 * A token to try before anything is bought, taken; and the tokens that the origin has.
 *
 * @throws {L402Error} STORE_UNAVAILABLE; and the reason of the call's signal.
 * @spec client.md R-PAY-9, R-PAY-46, R-PAY-84
 */
export async function lookFor(
  parts: Parts,
  call: Call,
  origin: string,
  aim: Aim,
  tried: ReadonlySet<string>,
): Promise<{ readonly held: Held | undefined; readonly tokens: readonly StoredToken[] }> {
  const tries = { tried, usesInFlight: parts.uses.count }
  const patienceEndsMs = performance.now() + deliverySeconds * 1000
  for (;;) {
    const tokens = await storing(() => parts.tokens.usable(origin, parts.now()))
    const awaited = awaitedFor(tokens, aim, tries)
    if (awaited !== undefined) {
      await orAborted(parts.uses.idle(awaited.id), call.signal)
      continue
    }
    const stored = chooseBeforeBuying(tokens, aim, tries)
    if (stored === undefined) return { held: undefined, tokens }
    if (performance.now() > patienceEndsMs || !(await isAwaitedElsewhere(parts, stored))) {
      return { held: hold(parts, stored), tokens }
    }
    await pause(pollMs, call.signal)
  }
}

/**
 * Whether another process has just bought a token that is good for few requests, and is about to use
 * it. Without this the one would take what the other paid for.
 */
async function isAwaitedElsewhere(
  { uses, ledger, now }: Parts,
  stored: StoredToken,
): Promise<boolean> {
  const { id, standing, facts, paymentHash, boughtAtSeconds } = stored
  if (standing !== 'new' || facts?.uses === undefined || uses.count(id) > 0) return false
  if (now() - boughtAtSeconds >= deliverySeconds) return false
  const entry = await storing(() => ledger.find(paymentHash))
  return entry !== undefined && now() < entry.leaseUntilSeconds
}

function hold(parts: Parts, stored: StoredToken): Held {
  return { stored, release: parts.uses.take(stored.id) }
}

/**
 * Whether nothing was bought by another process, since it was looked for, that is to be tried first.
 * To be asked while the intent for it is written: from then on nobody else buys it.
 *
 * @spec client.md R-PAY-84
 */
export async function nobodyBought(
  { ledger, payments, tokens, uses, now }: Parts,
  origin: string,
  aim: Aim,
  tried: ReadonlySet<string>,
): Promise<boolean> {
  for (const entry of await storing(() => ledger.unfinished(origin))) {
    if (entry.state === 'settled' && buysTheSame(entry, aim)) await payments.resolve(entry)
  }
  const usable = await storing(() => tokens.usable(origin, now()))
  const tries = { tried, usesInFlight: uses.count }
  return chooseBeforeBuying(usable, aim, tries) === undefined && owedFor(usable, aim) === undefined
}
