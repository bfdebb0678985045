import { createHash, randomBytes } from 'node:crypto'
import { isL402Error } from 'satway'
import type { Macaroon, VerifiedCaveats } from 'satway/macaroon'
import { decodeToken, encodeToken, mint, verify } from 'satway/macaroon'
import type { Allowance, Scope } from './caveats.ts'
import { CaveatMistake, contains, fullAllowance, narrow } from './caveats.ts'
import { AdminProblem } from './problem.ts'

/** Who asks, and what that macaroon is good for. */
export type Permit = {
  /** Of the macaroon and all its copies: 32 hex digits. Public. */
  readonly id: string
  /** Tells one narrowed copy from another: {@link fingerprintOf}. */
  readonly copy: string
  readonly scopes: readonly Scope[]
}

/** Where a request comes from, and when. */
export type Asker = { readonly address: string; readonly nowSeconds: number }

/** First byte of an identifier. The 16 bytes after it are random. */
const identifierVersion = 0
const identifierBytes = 17
/** How long the copy works that `satway admin` sends: a leaked header is worth no more. */
export const requestSeconds = 60

/**
 * Makes a macaroon that may do everything.
 *
 * @returns base64 of its V2 form.
 */
export function mintFull(rootKey: Uint8Array): string {
  const identifier = Uint8Array.from([identifierVersion, ...randomBytes(identifierBytes - 1)])
  return encodeToken(mint({ rootKey, identifier, location: 'satway admin' }))
}

/**
 * Decides whether a request may go on.
 *
 * @param authorization - The header, if there is exactly one.
 * @throws {AdminProblem} ADMIN_UNAUTHENTICATED for no macaroon, a forged or a damaged one;
 *   ADMIN_CAVEAT for an authentic one with a caveat that is unknown, malformed, widening or not met.
 * @spec gateway.md R-ADM-5 to R-ADM-9
 */
export function admit(
  authorization: string | undefined,
  rootKey: Uint8Array,
  asker: Asker,
): Permit {
  if (authorization === undefined) throw unauthenticated('The request has no macaroon.')
  const text = /^Macaroon +([\w+/=-]+)$/i.exec(authorization)?.[1]
  if (text === undefined) throw unauthenticated('The Authorization header carries no macaroon.')

  const { macaroon, caveats } = authenticate(text, rootKey)
  const allowance = read(caveats)
  const { expiresAtSeconds, from } = allowance
  if (expiresAtSeconds !== undefined && asker.nowSeconds >= expiresAtSeconds) {
    throw refusedBy('it expired')
  }
  if (from !== undefined && !contains(from, asker.address)) {
    throw refusedBy('it is for another address')
  }
  return {
    id: macaroonId(macaroon),
    copy: fingerprintOf(macaroon, asker.nowSeconds),
    scopes: allowance.scopes,
  }
}

/** @throws {AdminProblem} ADMIN_SCOPE unless the permit has the scope. */
export function requireScope(permit: Permit, scope: Scope): void {
  if (permit.scopes.includes(scope)) return
  throw new AdminProblem('ADMIN_SCOPE', `This needs a macaroon with the scope "${scope}".`)
}

/** Whether a macaroon was minted with this key. Its caveats are not asked. */
export function isMintedWith(text: string, rootKey: Uint8Array): boolean {
  try {
    authenticate(text, rootKey)
    return true
  } catch (error) {
    // Only an authentic one gets as far as its caveats.
    if (error instanceof AdminProblem) return error.code === 'ADMIN_CAVEAT'
    throw error
  }
}

/** 32 hex digits. */
export function macaroonId(macaroon: Macaroon): string {
  return Buffer.from(macaroon.identifier.subarray(1)).toString('hex')
}

/**
 * Names a copy by what it may do, without giving it away. A last `expires` within the minute is not
 * counted: `satway admin` adds one to each request, and that makes it no other copy.
 *
 * @returns 8 hex digits.
 */
export function fingerprintOf(macaroon: Macaroon, nowSeconds: number): string {
  const decoder = new TextDecoder()
  const caveats = macaroon.unverifiedCaveats.map(({ identifier }) => decoder.decode(identifier))
  const [, expires] = /^expires=(\d{1,16})$/.exec(caveats.at(-1) ?? '') ?? []
  const isBrief = expires !== undefined && Number(expires) <= nowSeconds + requestSeconds
  const kept = isBrief ? caveats.slice(0, -1) : caveats
  const text = JSON.stringify([macaroonId(macaroon), ...kept])
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

function authenticate(
  text: string,
  rootKey: Uint8Array,
): { readonly macaroon: Macaroon; readonly caveats: VerifiedCaveats } {
  try {
    const macaroon = decodeToken(text)
    const caveats = verify(macaroon, rootKey)
    const { identifier } = macaroon
    if (identifier.length !== identifierBytes || identifier[0] !== identifierVersion) {
      throw unauthenticated('The macaroon is not valid here.')
    }
    return { macaroon, caveats }
  } catch (error) {
    if (!isL402Error(error)) throw error
    if (error.code === 'CAVEAT_MALFORMED' || error.code === 'MACAROON_DISCHARGE') {
      throw refusedBy('a caveat cannot be read')
    }
    throw unauthenticated('The macaroon is not valid here.')
  }
}

function read(caveats: VerifiedCaveats): Allowance {
  try {
    return caveats.reduce((allowance, { text }) => narrow(allowance, text), fullAllowance)
  } catch (error) {
    if (!(error instanceof CaveatMistake)) throw error
    throw refusedBy(error.message)
  }
}

function unauthenticated(detail: string): AdminProblem {
  return new AdminProblem('ADMIN_UNAUTHENTICATED', detail)
}

function refusedBy(reason: string): AdminProblem {
  return new AdminProblem('ADMIN_CAVEAT', `The macaroon refuses this request: ${reason}.`)
}
