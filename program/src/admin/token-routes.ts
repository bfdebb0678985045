import type { Transaction } from '../gateway/state/index.ts'
import { AdminProblem, quoted } from './problem.ts'
import type { Call, Parameter, Route } from './route.ts'
import { ask, json, text } from './route.ts'
import { revocationId } from './shapes.ts'
import { pageParameters, readPage, saleParameters } from './transaction-filter.ts'
import { revocationView, tokenView } from './views.ts'

const idParameter: Parameter = {
  name: 'id',
  in: 'path',
  about: 'Payment hash or token id, or its first 8 or more digits.',
  schema: { type: 'string', pattern: '^[0-9A-Fa-f]{8,64}$' },
}
const maxReasonLength = 200

/** @spec gateway.md R-ADM-15 to R-ADM-17 */
export const tokenRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/tokens',
    scope: 'read',
    summary: 'List sold tokens, the newest first.',
    parameters: [...saleParameters, ...pageParameters],
    answers: { 200: { about: 'One page.', shape: 'TokenList' } },
    handle: (call) => {
      const { items, next } = readPage(call)
      return json(200, { items: items.map((item) => tokenView(item, call.nowSeconds)), next })
    },
  },
  {
    method: 'GET',
    path: '/v1/tokens/{id}',
    scope: 'read',
    summary: 'Show one token.',
    parameters: [idParameter],
    answers: { 200: { about: 'The token.', shape: 'Token' } },
    problems: ['ADMIN_NOT_FOUND', 'ADMIN_CONFLICT'],
    handle: (call) => json(200, tokenView(findToken(call), call.nowSeconds)),
  },
  {
    method: 'GET',
    path: '/v1/revocations',
    scope: 'read',
    summary: 'List what was revoked.',
    answers: { 200: { about: 'All of it.', shape: 'RevocationList' } },
    handle: ({ control }) =>
      json(200, { items: ask(() => control.state.denials()).map(revocationView) }),
  },
  {
    method: 'POST',
    path: '/v1/revocations',
    scope: 'revoke',
    action: 'revoke',
    summary: 'Revoke a token or a delegation. In force everywhere within 5 seconds.',
    body: 'RevocationRequest',
    answers: {
      200: { about: 'It was revoked before; nothing has changed.', shape: 'Revocation' },
      201: { about: 'Revoked.', shape: 'Revocation' },
    },
    problems: ['ADMIN_INVALID'],
    handle: (call) => {
      const { id, reason } = readRevocation(call.body)
      call.concerns(id)
      const { state } = call.control
      const earlier = ask(() => state.denials().find((denial) => denial.id === id))
      if (earlier === undefined) ask(() => state.deny(id, reason))
      const denial = earlier ?? { id, reason, deniedAtSeconds: call.nowSeconds }
      const known = isHash(id) && ask(() => state.transaction(id)) !== undefined
      return json(earlier === undefined ? 201 : 200, { ...revocationView(denial), known })
    },
  },
  {
    method: 'DELETE',
    path: '/v1/revocations/{id}',
    scope: 'revoke',
    action: 'unrevoke',
    summary: 'Take a revocation back.',
    parameters: [{ name: 'id', in: 'path', about: 'As it was revoked.', schema: revocationId }],
    answers: { 204: { about: 'It is no longer revoked.' } },
    problems: ['ADMIN_NOT_FOUND'],
    handle: (call) => {
      const id = canonicalId(call.path('id'))
      call.concerns(id)
      if (!ask(() => call.control.state.allow(id))) {
        throw new AdminProblem('ADMIN_NOT_FOUND', `"${quoted(id)}" is not revoked.`)
      }
      return text(204, null, undefined)
    },
  },
]

function findToken(call: Call): Transaction {
  const id = call.path('id').toLowerCase()
  if (!/^[0-9a-f]{8,64}$/.test(id)) {
    throw new AdminProblem('ADMIN_NOT_FOUND', 'A token is named by 8 to 64 hex digits.')
  }
  const { state } = call.control
  const [found, another] = isHash(id)
    ? [ask(() => state.transaction(id))]
    : ask(() => state.transactions({ id, limit: 2 }).items)
  if (found === undefined) throw new AdminProblem('ADMIN_NOT_FOUND', 'There is no such token.')
  if (another !== undefined) {
    throw new AdminProblem('ADMIN_CONFLICT', 'Several tokens begin with this: give more digits.')
  }
  return found
}

function readRevocation(body: unknown): { readonly id: string; readonly reason: string } {
  const {
    id,
    reason = '',
    ...rest
  } = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {}
  const mistakes: string[] = []
  const isId = typeof id === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(id)
  if (!isId) mistakes.push('id: expected a payment hash, a token id or a delegation id')
  const isReason =
    typeof reason === 'string' &&
    reason.length <= maxReasonLength &&
    reason.isWellFormed() &&
    !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(reason)
  if (!isReason) mistakes.push(`reason: expected one line of at most ${maxReasonLength} characters`)
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) mistakes.push(`${quoted(unknown)}: not known here`)
  if (!isId || !isReason || mistakes.length > 0) {
    throw new AdminProblem('ADMIN_INVALID', 'The body is no revocation.', { mistakes })
  }
  return { id: canonicalId(id), reason }
}

/** Hashes have one spelling; delegation ids are taken letter by letter. */
function canonicalId(id: string): string {
  return /^[0-9A-Fa-f]{64}$/.test(id) ? id.toLowerCase() : id
}

function isHash(id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id)
}
