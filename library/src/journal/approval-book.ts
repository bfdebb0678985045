import type { DatabaseSync } from 'node:sqlite'
import type { Proposal } from '../client/index.ts'
import { newApprovalId, readApprovalId } from './approval-id.ts'
import { approvalOf, columns } from './approval-row.ts'
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
    db.prepare("UPDATE approvals SET state = 'used' WHERE id = ?").run(approved.id)
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
  { method, url, payee }: Proposal,
  nowSeconds: number,
): readonly Approval[] {
  return db
    .prepare(
      `SELECT ${columns} FROM approvals
        WHERE expires_at > ? AND method = ? AND url = ? AND payee = ? ORDER BY seq DESC`,
    )
    .all(nowSeconds, method, url, payee)
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
  const isTaken = db.prepare('SELECT 1 FROM approvals WHERE id = ?')
  const id = newApprovalId((candidate) => isTaken.get(candidate) !== undefined)
  const { lastInsertRowid } = db
    .prepare(
      `INSERT INTO approvals (id, state, asked_because, host, origin, method, url, amount_msat,
          max_fee_msat, payee, payment_hash, description, capability, created_at, expires_at)
        VALUES (?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      id,
      proposal.askedBecause,
      hostOf(proposal.origin),
      proposal.origin,
      proposal.method,
      proposal.url,
      proposal.amountMsat,
      proposal.maxFeeMsat,
      proposal.payee,
      proposal.paymentHash,
      plainText(proposal.description),
      proposal.capability === undefined ? null : plainText(proposal.capability),
      nowSeconds,
      nowSeconds + lifeSeconds,
    )
  db.prepare('DELETE FROM approvals WHERE seq <= ? AND expires_at <= ?').run(
    Number(lastInsertRowid) - maxKept,
    nowSeconds,
  )
  return id
}

function decide(
  db: DatabaseSync,
  givenId: string,
  answer: 'approved' | 'denied',
  nowSeconds: number,
): Approval {
  const asked = find(db, givenId, nowSeconds)
  if (asked === undefined) throw new RangeError('there is no such question; see the list of them')
  if (asked.state !== 'pending') {
    throw new RangeError(`the question ${asked.id} is not open any more: it is ${asked.state}`)
  }
  db.prepare('UPDATE approvals SET state = ?, decided_at = ? WHERE id = ?').run(
    answer,
    nowSeconds,
    asked.id,
  )
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
  const id = readApprovalId(givenId)
  if (id === undefined) return undefined
  const row = db.prepare(`SELECT ${columns} FROM approvals WHERE id = ?`).get(id)
  return row === undefined ? undefined : approvalOf(row, nowSeconds)
}

function list(
  db: DatabaseSync,
  nowSeconds: number,
  state: ApprovalState | undefined,
): readonly Approval[] {
  const inForce =
    state === undefined
      ? '1'
      : "(CASE WHEN state <> 'used' AND expires_at <= ? THEN 'expired' ELSE state END) = ?"
  const values = state === undefined ? [] : [nowSeconds, state]
  return db
    .prepare(
      `SELECT ${columns} FROM approvals WHERE ${inForce} ORDER BY seq DESC LIMIT ${maxListed}`,
    )
    .all(...values)
    .map((row) => approvalOf(row, nowSeconds))
}

/** Moves the clock of the questions on, and never back. */
function advance(db: DatabaseSync, nowSeconds: number): number {
  if (!Number.isFinite(nowSeconds)) throw new RangeError('nowSeconds: expected a number')
  db.prepare('UPDATE approval_clock SET at = ? WHERE at < ?').run(nowSeconds, nowSeconds)
  return latest(db, nowSeconds)
}

function latest(db: DatabaseSync, nowSeconds: number): number {
  const seen = Number(db.prepare('SELECT at FROM approval_clock').get()?.['at'] ?? 0)
  return Math.max(seen, nowSeconds)
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

function hostOf(origin: string): string {
  const host = URL.parse(origin)?.hostname ?? ''
  return host === '' ? origin : host
}
