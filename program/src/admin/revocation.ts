import type { State, Transaction } from '../gateway/state/index.ts'
import { AdminProblem, quoted } from './problem.ts'
import { ask } from './route.ts'

/** What a body asks to revoke. */
export type RevocationOrder = {
  readonly id: string
  readonly kind: 'token' | 'delegation'
  /** The token need not have been seen. */
  readonly unseen: boolean
  readonly reason: string
}

const maxReasonLength = 200

/** @throws {AdminProblem} ADMIN_INVALID with every mistake. */
export function readRevocationOrder(body: unknown): RevocationOrder {
  const {
    id,
    kind = 'token',
    unseen = false,
    reason = '',
    ...rest
  } = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {}
  const mistakes: string[] = []
  const isId = typeof id === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(id)
  if (!isId) mistakes.push('id: expected a payment hash, a token id or a delegation id')
  const isKind = kind === 'token' || kind === 'delegation'
  if (!isKind) mistakes.push('kind: expected token or delegation')
  const isUnseen = typeof unseen === 'boolean'
  if (!isUnseen) mistakes.push('unseen: expected true or false')
  if (unseen === true && kind === 'delegation') {
    mistakes.push('unseen: is for tokens; a delegation is revoked without having been seen')
  }
  const isReason =
    typeof reason === 'string' &&
    reason.length <= maxReasonLength &&
    reason.isWellFormed() &&
    !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(reason)
  if (!isReason) mistakes.push(`reason: expected one line of at most ${maxReasonLength} characters`)
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) mistakes.push(`${quoted(unknown)}: not known here`)
  if (!isId || !isKind || !isUnseen || !isReason || mistakes.length > 0) {
    throw new AdminProblem('ADMIN_INVALID', 'This cannot be revoked.', { mistakes })
  }
  return { id: canonicalId(id), kind, unseen, reason }
}

/** What is to be denied, and what was sold as that, if it was seen. */
export type RevocationTarget = { readonly id: string; readonly sale: Transaction | undefined }

/**
 * Finds the token that an order means. One that nobody has seen is a mistyped one, unless the order
 * says otherwise: whoever believes a leaked token to be revoked does not look again.
 *
 * @throws {AdminProblem} ADMIN_NOT_FOUND; ADMIN_CONFLICT where several begin like this; ADMIN_INVALID
 *   for an unseen one that is not given whole.
 * @spec gateway.md R-ADM-17
 */
export function findTarget(state: State, { id, kind, unseen }: RevocationOrder): RevocationTarget {
  if (kind === 'delegation') return { id, sale: undefined }
  const sale = findSale(state, id)
  if (sale !== undefined) {
    const { tokenId, paymentHash } = sale
    const isTokenId = tokenId?.startsWith(id.toLowerCase()) === true
    return { id: isTokenId ? tokenId : paymentHash, sale }
  }
  if (ask(() => state.denials().some((denial) => denial.id === id))) return { id, sale }
  if (unseen && isHash(id)) return { id, sale }
  if (unseen) {
    throw new AdminProblem('ADMIN_INVALID', 'This cannot be revoked.', {
      mistakes: ['id: expected all 64 hex digits: nothing was seen that they could be taken from'],
    })
  }
  throw new AdminProblem('ADMIN_NOT_FOUND', `No such token was seen: ${abridged(id)}`, {
    hint: 'Nothing was revoked. For a delegation id add `"kind": "delegation"`; to deny a token before it was ever used, its whole id and `"unseen": true`.',
  })
}

/**
 * One sale by its token id, its payment hash, or the first 8 or more digits of one.
 *
 * @returns `undefined` when there is none.
 * @throws {AdminProblem} ADMIN_CONFLICT where several begin like this.
 */
export function findSale(state: State, id: string): Transaction | undefined {
  const digits = id.toLowerCase()
  if (!/^[0-9a-f]{8,64}$/.test(digits)) return undefined
  const [found, another] = isHash(digits)
    ? [ask(() => state.transaction(digits))]
    : ask(() => state.transactions({ id: digits, limit: 2 }).items)
  if (another !== undefined) {
    throw new AdminProblem('ADMIN_CONFLICT', 'Several tokens begin with this: give more digits.')
  }
  return found
}

/** All names that a token is denied by. */
export function namesOf({ id, sale }: RevocationTarget): readonly string[] {
  const { tokenId = id, paymentHash = id } = sale ?? {}
  return [...new Set([id, tokenId, paymentHash])]
}

/** Hashes have one spelling; delegation ids are taken letter by letter. */
export function canonicalId(id: string): string {
  return /^[0-9A-Fa-f]{64}$/.test(id) ? id.toLowerCase() : id
}

/** What nobody knows may be a secret in the wrong place: so much of it as tells which it was. */
export function abridged(id: string): string {
  return id.length > 12 ? `${quoted(id.slice(0, 8))}…` : quoted(id)
}

export function isHash(id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id)
}
