/**
 * Questions to the operator. `host` is what they are counted by. A question of which `expires_at` has
 * come is no more than history. `checksum` is over the other columns of its row: checked-table.ts.
 */
export const approvalSchema: string = `
CREATE TABLE approvals (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  approval_id TEXT NOT NULL UNIQUE CHECK (length(approval_id) = 8),
  state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'used')),
  asked_because TEXT NOT NULL,
  host TEXT NOT NULL,
  origin TEXT NOT NULL,
  method TEXT NOT NULL,
  url TEXT NOT NULL,
  amount_msat INTEGER NOT NULL CHECK (amount_msat >= 0),
  max_fee_msat INTEGER NOT NULL CHECK (max_fee_msat >= 0),
  payee TEXT NOT NULL,
  payment_hash TEXT NOT NULL,
  description TEXT NOT NULL,
  capability TEXT,
  body_sha256 TEXT,
  body_bytes INTEGER,
  created_at REAL NOT NULL,
  expires_at REAL NOT NULL CHECK (expires_at > created_at),
  decided_at REAL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX approvals_by_expiry ON approvals (expires_at);
CREATE TABLE approval_clock (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- The latest time that was seen.
  at REAL NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
`
