/**
 * Questions to the operator. `cost_msat` is amount and fee ceiling together; `host` is what the
 * questions are counted by. A question of which `expires_at` has come is no more than history.
 */
export const approvalSchema: string = `
CREATE TABLE approvals (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 8),
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
  created_at REAL NOT NULL,
  expires_at REAL NOT NULL CHECK (expires_at > created_at),
  decided_at REAL
) STRICT;
CREATE INDEX approvals_by_expiry ON approvals (expires_at);
CREATE TABLE approval_clock (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  at REAL NOT NULL
) STRICT;
INSERT INTO approval_clock VALUES (1, 0);
`
