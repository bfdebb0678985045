/**
 * Payments and what was bought with them. Amounts are msat; times are seconds since 1970. What is
 * secret is sealed: `token`, `preimage` and `secret`.
 *
 * `checksum` is over the other columns of its row (checked-table.ts): a bit that flips on the disk
 * must not become another amount.
 */
export const ledgerSchema: string = `
CREATE TABLE payments (
  id INTEGER PRIMARY KEY,
  payment_hash TEXT NOT NULL UNIQUE CHECK (length(payment_hash) = 64),
  -- Which one at this hash: 1, and one more each time that it is begun again. The row is the latest.
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  -- Whether a wallet has said of any attempt that it failed.
  ordered INTEGER NOT NULL CHECK (ordered IN (0, 1)),
  state TEXT NOT NULL CHECK (state IN ('intent', 'sending', 'unknown', 'settled', 'failed')),
  -- Its place among those that are unfinished; NULL once it is finished.
  position INTEGER,
  abandoned INTEGER NOT NULL CHECK (abandoned IN (0, 1)),
  token_stored INTEGER NOT NULL CHECK (token_stored IN (0, 1)),
  amount_msat INTEGER NOT NULL CHECK (amount_msat >= 0),
  max_fee_msat INTEGER NOT NULL CHECK (max_fee_msat >= 0),
  fee_msat INTEGER CHECK (fee_msat >= 0),
  created_at REAL NOT NULL,
  ended_at REAL,
  lease_until REAL NOT NULL,
  -- Which process began it: owner.ts.
  owner TEXT NOT NULL,
  -- Which wallet is to pay it, and how long an order may be on its way to that one.
  wallet_id TEXT,
  order_lag REAL,
  origin TEXT NOT NULL,
  host TEXT NOT NULL,
  target TEXT NOT NULL,
  -- The target without its query.
  route TEXT NOT NULL,
  coverage TEXT,
  method TEXT NOT NULL,
  has_body INTEGER NOT NULL CHECK (has_body IN (0, 1)),
  scheme TEXT NOT NULL,
  -- A list, as JSON.
  enforces TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  failure TEXT,
  url TEXT NOT NULL,
  invoice TEXT NOT NULL,
  token BLOB,
  preimage BLOB,
  checksum INTEGER NOT NULL,
  CHECK (state <> 'settled' OR (fee_msat IS NOT NULL AND preimage IS NOT NULL AND ended_at IS NOT NULL))
) STRICT;
CREATE INDEX payments_unfinished ON payments (origin, position) WHERE position IS NOT NULL;
CREATE INDEX payments_settled ON payments (ended_at) WHERE state = 'settled';

-- Sums over the payments, changed together with them. One row.
CREATE TABLE totals (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- Amount and fee ceiling of those that have not ended.
  held_msat INTEGER NOT NULL CHECK (held_msat >= 0),
  -- Amount and fee of those that settled.
  settled_msat INTEGER NOT NULL CHECK (settled_msat >= 0),
  -- The part of it that ended after hour_from, and after day_from.
  hour_msat INTEGER NOT NULL CHECK (hour_msat >= 0),
  hour_from REAL NOT NULL,
  day_msat INTEGER NOT NULL CHECK (day_msat >= 0),
  day_from REAL NOT NULL,
  -- The latest time that was seen.
  latest REAL NOT NULL,
  next_position INTEGER NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;

CREATE TABLE hosts (
  id INTEGER PRIMARY KEY,
  host TEXT NOT NULL UNIQUE,
  -- Held and settled.
  taken_msat INTEGER NOT NULL CHECK (taken_msat >= 0),
  settled_payments INTEGER NOT NULL CHECK (settled_payments >= 0),
  checksum INTEGER NOT NULL
) STRICT;

-- Processes that are no more, and when that was first seen.
CREATE TABLE gone_owners (
  owner TEXT PRIMARY KEY,
  seen_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  id INTEGER PRIMARY KEY,
  token_id TEXT NOT NULL UNIQUE,
  standing TEXT NOT NULL CHECK (standing IN ('new', 'good', 'owed', 'spent', 'abandoned')),
  -- The first second at which it can no longer open anything, nor is owed.
  opens_until REAL NOT NULL,
  origin TEXT NOT NULL,
  host TEXT NOT NULL,
  payment_hash TEXT NOT NULL,
  amount_msat INTEGER NOT NULL CHECK (amount_msat >= 0),
  fee_msat INTEGER NOT NULL CHECK (fee_msat >= 0),
  uses_seen INTEGER NOT NULL CHECK (uses_seen >= 0),
  scheme TEXT NOT NULL,
  target TEXT NOT NULL,
  bought_at REAL NOT NULL,
  -- These four as JSON.
  facts TEXT,
  enforces TEXT NOT NULL,
  served_routes TEXT NOT NULL,
  refused_targets TEXT NOT NULL,
  -- Token and preimage, as JSON.
  secret BLOB NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX tokens_open ON tokens (origin, opens_until);
CREATE INDEX tokens_at_host ON tokens (host, standing, opens_until);
`
