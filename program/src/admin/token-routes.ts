import type { Transaction } from '../gateway/state/index.ts'
import { AdminProblem } from './problem.ts'
import type { RevocationTarget } from './revocation.ts'
import {
  abridged,
  canonicalId,
  findSale,
  findTarget,
  isHash,
  namesOf,
  readRevocationOrder,
} from './revocation.ts'
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

/** @spec gateway.md R-ADM-15 to R-ADM-17 */
export const tokenRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/tokens',
    scope: 'read',
    summary: 'List sold tokens, the newest first.',
    parameters: [...saleParameters, ...pageParameters],
    answers: { 200: { about: 'One page.', shape: 'TokenList' } },
    problems: ['ADMIN_NOT_FOUND'],
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
    problems: ['ADMIN_INVALID', 'ADMIN_NOT_FOUND', 'ADMIN_CONFLICT'],
    handle: (call) => {
      const order = readRevocationOrder(call.body)
      const { state } = call.control
      call.concerns(abridged(order.id))
      const target = findTarget(state, order)
      const names = namesOf(target)
      const earlier = ask(() => state.denials().find((denial) => names.includes(denial.id)))
      if (earlier === undefined) ask(() => state.deny(target.id, order.reason))
      const denial = earlier ?? {
        id: target.id,
        reason: order.reason,
        deniedAtSeconds: call.nowSeconds,
      }
      call.found(denial.id)
      return json(earlier === undefined ? 201 : 200, {
        ...revocationView(denial),
        kind: order.kind,
        known: target.sale !== undefined,
        token: soldAs(call, target),
      })
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
      const { state } = call.control
      call.concerns(abridged(id))
      const sale = isHash(id) ? findSale(state, id) : undefined
      const taken = namesOf({ id, sale }).filter((name) => ask(() => state.allow(name)))
      if (taken.length === 0) {
        throw new AdminProblem('ADMIN_NOT_FOUND', `Not revoked: ${abridged(id)}`)
      }
      call.found(id)
      return text(204, null, undefined)
    },
  },
]

function findToken(call: Call): Transaction {
  const id = call.path('id')
  if (!/^[0-9a-f]{8,64}$/i.test(id)) {
    throw new AdminProblem('ADMIN_NOT_FOUND', 'A token is named by 8 to 64 hex digits.')
  }
  const found = findSale(call.control.state, id)
  if (found === undefined) throw new AdminProblem('ADMIN_NOT_FOUND', 'There is no such token.')
  return found
}

/** The token as it is now that it is revoked. Whoever may not read is not told. */
function soldAs(call: Call, { sale }: RevocationTarget): unknown {
  if (sale === undefined || !call.scopes.includes('read')) return null
  return tokenView({ ...sale, isRevoked: true }, call.nowSeconds)
}
