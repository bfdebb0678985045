import type { DatabaseSync } from 'node:sqlite'
import { prepared } from './prepared.ts'

/** For so long after it was bought a token counts that nobody has judged, whatever it says itself. */
const unjudgedSeconds = 86_400

/** How much a host owes, at all of its origins. */
export type DebtAtHost = {
  /** What is owed, and payments of which nobody can say how they end: for long. */
  readonly lasting: number
  /** Payments that are being made, and tokens that were bought and not judged yet. */
  readonly underWay: number
}

/**
 * What a host owes; `undefined` once any token of it was accepted.
 *
 * @spec client.md R-PAY-89
 */
export function debtAtHost(
  db: DatabaseSync,
  host: string,
  nowSeconds: number,
): DebtAtHost | undefined {
  const delivered = prepared(
    db,
    "SELECT 1 FROM tokens WHERE host = ? AND standing IN ('good', 'spent') LIMIT 1",
  ).get(host)
  if (delivered !== undefined) return undefined
  const payments = prepared(
    db,
    `SELECT count(*) FILTER (WHERE state = 'unknown') AS lasting, count(*) AS open FROM payments
      WHERE position IS NOT NULL AND host = ? AND state <> 'settled' AND abandoned = 0`,
  ).get(host)
  // A token that somebody handed over was not paid for here.
  const tokens = prepared(
    db,
    `SELECT count(*) FILTER (WHERE standing = 'owed' AND opens_until > ?2) AS lasting,
        count(*) FILTER (WHERE standing = 'new' AND bought_at > ?2 - ${unjudgedSeconds}) AS fresh
      FROM tokens WHERE host = ?1 AND payment_hash IN (SELECT payment_hash FROM payments)`,
  ).get(host, nowSeconds)
  const unknown = Number(payments?.['lasting'])
  return {
    lasting: unknown + Number(tokens?.['lasting']),
    underWay: Number(payments?.['open']) - unknown + Number(tokens?.['fresh']),
  }
}
