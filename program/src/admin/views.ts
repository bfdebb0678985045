import type { Denial, Transaction } from '../gateway/state/index.ts'
import type { Scope } from './caveats.ts'
import type { HealthReport, ServiceView } from './control.ts'

/** What stands in place of a secret for those who may not see it. */
export const hidden = '(hidden)'

export function healthView({ ok, checks }: HealthReport): unknown {
  return {
    ok,
    checks: checks.map(({ name, ok, detail, durationMs }) => ({
      name,
      ok,
      detail,
      duration_ms: durationMs,
    })),
  }
}

/**
 * A service. Who may not change services sees no secret that somebody wrote into one: upstream keys
 * belong into the environment, but not everybody puts them there.
 */
export function serviceView(view: ServiceView, scopes: readonly Scope[]): unknown {
  const document = scopes.includes('services') ? view.document : withoutSecrets(view.document)
  return { name: view.name, origin: view.origin, document }
}

export function tokenView(transaction: Transaction, nowSeconds: number): unknown {
  return {
    token_id: transaction.tokenId ?? null,
    payment_hash: transaction.paymentHash,
    state: stateOf(transaction, nowSeconds),
    service: transaction.service ?? null,
    capability: transaction.capability ?? null,
    amount_msat: transaction.amountMsat.toString(),
    bought_at: time(transaction.settledAtSeconds),
    valid_until: timeOrNull(transaction.validUntilSeconds),
    last_seen_at: timeOrNull(transaction.lastSeenSeconds),
    uses: transaction.uses,
  }
}

/** One line of the ledger; the members are the columns of the CSV. */
export type TransactionView = {
  readonly payment_hash: string
  readonly token_id: string | null
  readonly amount_msat: string
  readonly settled_at: string
  readonly reported: boolean
  readonly service: string | null
  readonly capability: string | null
  readonly state: string
  readonly uses: number
  readonly valid_until: string | null
  readonly last_seen_at: string | null
}

export function transactionView(transaction: Transaction, nowSeconds: number): TransactionView {
  return {
    payment_hash: transaction.paymentHash,
    token_id: transaction.tokenId ?? null,
    amount_msat: transaction.amountMsat.toString(),
    settled_at: time(transaction.settledAtSeconds),
    reported: transaction.isReported,
    service: transaction.service ?? null,
    capability: transaction.capability ?? null,
    state: stateOf(transaction, nowSeconds),
    uses: transaction.uses,
    valid_until: timeOrNull(transaction.validUntilSeconds),
    last_seen_at: timeOrNull(transaction.lastSeenSeconds),
  }
}

export function revocationView({ id, reason, deniedAtSeconds }: Denial): {
  readonly id: string
  readonly reason: string
  readonly revoked_at: string
} {
  return { id, reason, revoked_at: time(deniedAtSeconds) }
}

/** The last second that has four digits for its year. */
const lastSecond = 253_402_300_799

/** RFC 3339, UTC, whole seconds. */
export function time(seconds: number): string {
  const shown = Math.min(Math.floor(seconds), lastSecond)
  return `${new Date(shown * 1000).toISOString().slice(0, 19)}Z`
}

function timeOrNull(seconds: number | undefined): string | null {
  return seconds === undefined ? null : time(seconds)
}

function stateOf(transaction: Transaction, nowSeconds: number): 'active' | 'revoked' | 'expired' {
  if (transaction.isRevoked) return 'revoked'
  const { validUntilSeconds } = transaction
  return validUntilSeconds !== undefined && nowSeconds >= validUntilSeconds ? 'expired' : 'active'
}

/** Hides what the upstream is told, the signing key, and user and query of every URL. */
function withoutSecrets(value: unknown, member = ''): unknown {
  if (typeof value === 'string') return member === 'sign' ? mask(value) : withoutUrlSecrets(value)
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value)
  if (member === 'headers') return Object.fromEntries(members.map(([k, v]) => [k, mask(v)]))
  return Object.fromEntries(members.map(([k, v]) => [k, withoutSecrets(v, k)]))
}

/** A reference is no secret: only the gateway can follow it. */
function mask(value: unknown): unknown {
  const isReference = typeof value === 'string' && /^(?:\$\{[A-Za-z_]\w*\}|file:.+)$/s.test(value)
  return isReference ? value : hidden
}

function withoutUrlSecrets(text: string): string {
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(text)) return text
  return text.replace(/\/\/[^/]*@/, `//${hidden}@`).replace(/\?.*$/s, `?${hidden}`)
}
