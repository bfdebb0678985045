import type { DatabaseSync } from 'node:sqlite'
import type { Proposal } from '../client/index.ts'
import { newApprovalId, readApprovalId } from './approval-id.ts'
import { approvalOf, approvalTable, clockTable, hostOf, rowOf } from './approval-row.ts'
import type { Row } from './checked-table.ts'
import type { Database } from './database.ts'
import type { Approval, ApprovalAnswer, ApprovalState, Approvals } from './journal.ts'
import { plainText } from './plain-text.ts'
import { writeReceipt } from './receipt-writer.ts'

export type ApprovalsOptions = {
  /** Seconds since 1970. */
  readonly now: () => number
}

/** How long a question is open and its answer good. */
const lifeSeconds = 3600
const maxOpen = 1000
/** One host alone must not fill the list of what the operator has to answer. */
const maxOpenPerHost = 20
const maxListed = 1000
/** History that is kept. The decisions are in the receipts as well. */
const maxKept = 10_000

const maxUrlCharacters = 4096
const maxNameCharacters = 300

/**
 * Questions to the operator, in the journal: every process sees them, and an answer is taken by
 * one payment alone.
 *
 * A question that cannot be put, because too many are open or because what is asked about is too
 * long to be shown whole, is answered `denied` with the id `''`. Nothing is paid, and nothing stays.
 *
 * Time never goes back: an earlier second than one seen before counts as that one.
 *
 * @spec journal.md R-APR-1 to R-APR-9
 */
export function createApprovals(database: Database, { now }: ApprovalsOptions): Approvals {
  return {
    ask: (proposal, nowSeconds) =>
      database.transact(true, (db) => ask(db, proposal, advance(db, nowSeconds))),
    decide: (id, answer, nowSeconds) =>
      database.transact(true, (db) => decide(db, id, answer, advance(db, nowSeconds))),
    find: (id) => database.read((db) => find(db, id, latest(db, now()))),
    list: (nowSeconds, state) => database.read((db) => list(db, latest(db, nowSeconds), state)),
  }
}

function ask(db: DatabaseSync, proposal: Proposal, nowSeconds: number): ApprovalAnswer {
  const refused = { status: 'denied', id: '' } as const
  if (!canBeShown(proposal)) return refused
  const earlier = answersFor(db, proposal, nowSeconds)

  const approved = earlier.find((one) => one.state === 'approved' && covers(one, proposal))
  if (approved !== undefined) {
    approvalTable.update(db, rowNamed(db, approved.id)!, { state: 'used' })
    return { status: 'approved', id: approved.id }
  }
  // A denial is about the purchase: another price does not ask again.
  const denied = earlier.find((one) => one.state === 'denied')
  if (denied !== undefined) return { status: 'denied', id: denied.id }

  const pending = earlier.find((one) => one.state === 'pending' && covers(one, proposal))
  if (pending !== undefined) return { status: 'pending', id: pending.id }
  if (isFull(db, hostOf(proposal.origin), nowSeconds)) return refused
  return { status: 'pending', id: put(db, proposal, nowSeconds) }
}

/** What was asked about the same purchase and is in force. Latest first. */
function answersFor(
  db: DatabaseSync,
  { method, url, payee, bodySha256 }: Proposal,
  nowSeconds: number,
): readonly Approval[] {
  const where = `WHERE expires_at > ? AND method = ? AND url = ? AND payee = ? AND body_sha256 IS ?
    ORDER BY id DESC`
  return approvalTable
    .select(db, where, nowSeconds, method, url, payee, bodySha256 ?? null)
    .map((row) => approvalOf(row, nowSeconds))
}

/** An answer is for what was shown: neither the price nor the whole cost may be higher. */
function covers({ proposal: asked }: Approval, proposal: Proposal): boolean {
  if (proposal.amountMsat > asked.amountMsat) return false
  return proposal.amountMsat + proposal.maxFeeMsat <= asked.amountMsat + asked.maxFeeMsat
}

function isFull(db: DatabaseSync, host: string, nowSeconds: number): boolean {
  const open = db
    .prepare(
      `SELECT count(*) AS everywhere, coalesce(sum(host = ?), 0) AS here FROM approvals
        WHERE expires_at > ? AND state = 'pending'`,
    )
    .get(host, nowSeconds)
  return Number(open?.['everywhere']) >= maxOpen || Number(open?.['here']) >= maxOpenPerHost
}

function put(db: DatabaseSync, proposal: Proposal, nowSeconds: number): string {
  const id = newApprovalId((candidate) => rowNamed(db, candidate) !== undefined)
  const times = { atSeconds: nowSeconds, untilSeconds: nowSeconds + lifeSeconds }
  approvalTable.insert(db, rowOf(proposal, { id, ...times }))
  db.prepare(
    'DELETE FROM approvals WHERE id <= (SELECT max(id) FROM approvals) - ? AND expires_at <= ?',
  ).run(maxKept, nowSeconds)
  return id
}

function decide(
  db: DatabaseSync,
  givenId: string,
  answer: 'approved' | 'denied',
  nowSeconds: number,
): Approval {
  const row = rowOfGiven(db, givenId)
  if (row === undefined) throw new RangeError('there is no such question; see the list of them')
  const asked = approvalOf(row, nowSeconds)
  // Whoever answered may change his mind, as long as nothing was paid for it.
  if (asked.state === answer || asked.state === 'used' || asked.state === 'expired') {
    throw new RangeError(`the question ${asked.id} cannot be answered so: it is ${asked.state}`)
  }
  approvalTable.update(db, row, { state: answer, decided_at: nowSeconds })
  const { origin, method, url, amountMsat, maxFeeMsat, paymentHash } = asked.proposal
  writeReceipt(db, {
    kind: 'approval',
    atSeconds: nowSeconds,
    paymentHash,
    origin,
    method,
    url,
    amountMsat,
    maxFeeMsat,
    decidedBy: 'approval',
    reason: answer,
  })
  return { ...asked, state: answer, decidedAtSeconds: nowSeconds }
}

function find(db: DatabaseSync, givenId: string, nowSeconds: number): Approval | undefined {
  const row = rowOfGiven(db, givenId)
  return row === undefined ? undefined : approvalOf(row, nowSeconds)
}

function rowOfGiven(db: DatabaseSync, givenId: string): Row | undefined {
  const id = readApprovalId(givenId)
  return id === undefined ? undefined : rowNamed(db, id)
}

function rowNamed(db: DatabaseSync, id: string): Row | undefined {
  return approvalTable.selectOne(db, 'WHERE approval_id = ?', id)
}

function list(
  db: DatabaseSync,
  nowSeconds: number,
  state: ApprovalState | undefined,
): readonly Approval[] {
  const latestFirst = `ORDER BY id DESC LIMIT ${maxListed}`
  const rows =
    state === undefined
      ? approvalTable.select(db, latestFirst)
      : approvalTable.select(
          db,
          `WHERE (CASE WHEN state <> 'used' AND expires_at <= ? THEN 'expired' ELSE state END) = ?
            ${latestFirst}`,
          nowSeconds,
          state,
        )
  return rows.map((row) => approvalOf(row, nowSeconds))
}

/** Moves the clock of the questions on, and never back. */
function advance(db: DatabaseSync, nowSeconds: number): number {
  if (!Number.isFinite(nowSeconds)) throw new RangeError('nowSeconds: expected a number')
  const row = clockTable.selectOne(db, '')
  const at = Math.max(secondsOf(row), nowSeconds)
  if (row === undefined) clockTable.insert(db, { at })
  else if (at > secondsOf(row)) clockTable.update(db, row, { at })
  return at
}

function latest(db: DatabaseSync, nowSeconds: number): number {
  return Math.max(secondsOf(clockTable.selectOne(db, '')), nowSeconds)
}

function secondsOf(row: Row | undefined): number {
  return Number(row?.['at'] ?? 0)
}

/**
 * Whether the operator would see all of it. An answer is for the very URL, so a part of one that
 * is not shown must not be.
 */
function canBeShown({ origin, method, url, payee, paymentHash }: Proposal): boolean {
  if (url.length > maxUrlCharacters || plainText(url, maxUrlCharacters) !== url) return false
  return [origin, method, payee, paymentHash].every(
    (text) => text.length <= maxNameCharacters && plainText(text, maxNameCharacters) === text,
  )
}
