import type { DatabaseSync } from 'node:sqlite'
import type { StoredToken, TokenMark } from '../client/index.ts'
import { hostOf, markToken, opensUntil } from '../client/index.ts'
import type { CheckedTable, Row } from './checked-table.ts'
import { checkedTable } from './checked-table.ts'
import { amountOf } from './payment-row.ts'
import type { Seal } from './seal.ts'

export const tokenTable: CheckedTable = checkedTable('tokens', [
  'token_id',
  'standing',
  'opens_until',
  'origin',
  'host',
  'payment_hash',
  'amount_msat',
  'fee_msat',
  'uses_seen',
  'scheme',
  'target',
  'bought_at',
  'facts',
  'enforces',
  'served_routes',
  'refused_targets',
  'secret',
])

export function tokenById(db: DatabaseSync, id: string): Row | undefined {
  return tokenTable.selectOne(db, 'WHERE token_id = ?', id)
}

/** Keeps a token. One whose id is known stays as it is. */
export function insertToken(db: DatabaseSync, token: StoredToken, seal: Seal): void {
  if (tokenById(db, token.id) !== undefined) return
  const { id, facts } = token
  tokenTable.insert(db, {
    token_id: id,
    ...markedColumns(token),
    origin: token.origin,
    host: hostOf(token.origin),
    payment_hash: token.paymentHash,
    amount_msat: token.amountMsat,
    fee_msat: token.feeMsat,
    scheme: token.scheme,
    target: token.target,
    bought_at: token.boughtAtSeconds,
    facts: facts === undefined ? null : JSON.stringify(facts),
    enforces: JSON.stringify(token.enforces),
    secret: seal.seal(JSON.stringify([token.token, token.preimage]), secretContext(id)),
  })
}

/** What was learned about a token: all that ever changes in its row. */
function markedColumns(token: StoredToken): Row {
  return {
    standing: token.standing,
    opens_until: opensUntil(token),
    uses_seen: token.usesSeen,
    served_routes: JSON.stringify(token.servedRoutes),
    refused_targets: JSON.stringify(token.refusedTargets),
  }
}

/** @throws {L402Error} JOURNAL_UNUSABLE when the sealed value does not open. */
export function tokenOfRow(row: Row, seal: Seal): StoredToken {
  const context = secretContext(row['token_id'] as string)
  const secret = JSON.parse(seal.open(row['secret'] as Uint8Array, context)) as [string, string]
  return { ...unsealedPart(row), token: secret[0], preimage: secret[1] }
}

/** The columns that `mark` changes in a row. What is secret is not looked at for it. */
export function changeBy(row: Row, mark: TokenMark): Row {
  return markedColumns(markToken({ ...unsealedPart(row), token: '', preimage: '' }, mark))
}

function unsealedPart(row: Row): Omit<StoredToken, 'token' | 'preimage'> {
  return {
    id: row['token_id'] as string,
    origin: row['origin'] as string,
    scheme: row['scheme'] as StoredToken['scheme'],
    paymentHash: row['payment_hash'] as string,
    amountMsat: amountOf(row, 'amount_msat'),
    feeMsat: amountOf(row, 'fee_msat'),
    target: row['target'] as string,
    boughtAtSeconds: row['bought_at'] as number,
    facts: factsOf(row['facts'] as string | null),
    enforces: JSON.parse(row['enforces'] as string) as readonly string[],
    standing: row['standing'] as StoredToken['standing'],
    usesSeen: Number(row['uses_seen']),
    servedRoutes: JSON.parse(row['served_routes'] as string) as readonly string[],
    refusedTargets: JSON.parse(row['refused_targets'] as string) as readonly string[],
  }
}

/** JSON leaves out what is `undefined`. */
function factsOf(text: string | null): StoredToken['facts'] {
  if (text === null) return undefined
  const none = {
    service: undefined,
    capability: undefined,
    validUntilSeconds: undefined,
    uses: undefined,
    coverage: undefined,
  }
  return { ...none, ...(JSON.parse(text) as NonNullable<StoredToken['facts']>) }
}

function secretContext(id: string): string {
  return `tokens.secret:${id}`
}
