import { DatabaseSync } from 'node:sqlite'

/** `SATW`: how a file says that it is a state file of Satway. */
export const applicationId = 0x53415457

/**
 * What each version added, oldest first. A version that was published is never changed: the next
 * one is a new entry at the end. There is no way back.
 */
const migrations: readonly string[] = [
  `
  -- One row. What only ever grows.
  CREATE TABLE marks (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- Seconds that a gateway ran on this file, by a clock that nobody can set.
    elapsed INTEGER NOT NULL,
    -- The latest end of a purchase whose counters were deleted.
    forgotten_until INTEGER NOT NULL,
    -- Numbers the changes of the deny list.
    denial_change INTEGER NOT NULL,
    probed_at INTEGER NOT NULL
  ) STRICT;
  INSERT INTO marks VALUES (1, 0, 0, 0, 0);

  -- One life of one process. The ids of its reservations start with its id, so it is never reused.
  CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL
  ) STRICT;

  CREATE TABLE purchases (
    id INTEGER PRIMARY KEY,
    payment_hash BLOB NOT NULL UNIQUE CHECK (length(payment_hash) = 32),
    expires_at INTEGER NOT NULL,
    -- By marks.elapsed.
    keep_until INTEGER NOT NULL,
    counters INTEGER NOT NULL,
    -- Those whose lineage is the payment hash.
    own_counters INTEGER NOT NULL CHECK (own_counters BETWEEN 0 AND counters),
    -- 1 while it is being forgotten, a part at a time.
    is_over INTEGER NOT NULL CHECK (is_over IN (0, 1))
  ) STRICT;
  CREATE INDEX purchases_by_end ON purchases (expires_at);

  CREATE TABLE counters (
    id INTEGER PRIMARY KEY,
    purchase INTEGER NOT NULL REFERENCES purchases (id),
    -- 0: uses, 1: msat.
    unit INTEGER NOT NULL,
    -- Empty where it is the payment hash.
    key BLOB NOT NULL,
    taken INTEGER NOT NULL CHECK (taken >= 0),
    -- Written apart from taken: a count that was damaged on the disk is seen.
    complement INTEGER NOT NULL CHECK (complement = ~taken),
    UNIQUE (purchase, unit, key)
  ) STRICT;

  CREATE TABLE lineages (
    purchase INTEGER NOT NULL REFERENCES purchases (id),
    lineage BLOB NOT NULL,
    counters INTEGER NOT NULL,
    PRIMARY KEY (purchase, lineage)
  ) STRICT, WITHOUT ROWID;

  -- The counter may be forgotten before its reservation has ended, so it is no foreign key.
  CREATE TABLE reservations (
    id INTEGER PRIMARY KEY,
    counter INTEGER NOT NULL,
    cost INTEGER NOT NULL CHECK (cost >= 0),
    complement INTEGER NOT NULL CHECK (complement = ~cost)
  ) STRICT;

  CREATE TABLE denials (
    id TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    denied_at INTEGER NOT NULL,
    -- 0 once it was allowed again: other processes have to hear of it.
    is_denied INTEGER NOT NULL CHECK (is_denied IN (0, 1)),
    change INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX denials_by_change ON denials (change);

  CREATE TABLE payments (
    id INTEGER PRIMARY KEY,
    payment_hash BLOB NOT NULL UNIQUE CHECK (length(payment_hash) = 32),
    token_id BLOB CHECK (length(token_id) = 32),
    amount_msat INTEGER NOT NULL CHECK (amount_msat >= 0),
    settled_at INTEGER NOT NULL,
    service TEXT,
    capability TEXT,
    is_reported INTEGER NOT NULL CHECK (is_reported IN (0, 1)),
    uses INTEGER NOT NULL,
    valid_until INTEGER,
    last_seen INTEGER,
    is_revoked INTEGER NOT NULL CHECK (is_revoked IN (0, 1))
  ) STRICT;
  CREATE INDEX payments_by_token ON payments (token_id) WHERE token_id IS NOT NULL;
  CREATE INDEX payments_by_time ON payments (settled_at);
  CREATE INDEX payments_by_service ON payments (service, settled_at);
  CREATE INDEX payments_by_capability ON payments (capability, settled_at);
  CREATE INDEX payments_revoked ON payments (settled_at) WHERE is_revoked = 1;

  -- The sums of payments by UTC day and service, kept by the triggers below.
  CREATE TABLE days (
    day INTEGER NOT NULL,
    service TEXT NOT NULL,
    payments INTEGER NOT NULL,
    revenue_msat INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    PRIMARY KEY (day, service)
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER payment_made AFTER INSERT ON payments BEGIN
    INSERT INTO days VALUES (new.settled_at / 86400, coalesce(new.service, ''), 1, new.amount_msat, 0)
    ON CONFLICT DO UPDATE SET
      payments = payments + 1, revenue_msat = revenue_msat + excluded.revenue_msat;
  END;
  CREATE TRIGGER payment_changed AFTER UPDATE OF amount_msat, settled_at, service ON payments BEGIN
    UPDATE days SET payments = payments - 1, revenue_msat = revenue_msat - old.amount_msat
    WHERE day = old.settled_at / 86400 AND service = coalesce(old.service, '');
    INSERT INTO days VALUES (new.settled_at / 86400, coalesce(new.service, ''), 1, new.amount_msat, 0)
    ON CONFLICT DO UPDATE SET
      payments = payments + 1, revenue_msat = revenue_msat + excluded.revenue_msat;
  END;

  CREATE TABLE free_windows (
    key TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    taken INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX free_windows_by_end ON free_windows (ends_at);

  CREATE TABLE rates (
    key TEXT PRIMARY KEY,
    -- When the rate is at rest again, in microseconds since 1970.
    rest_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE services (
    name TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    -- SHA-256 of the document: a price that was damaged on the disk must not be asked for.
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    changed_at INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- What was sold and may still be paid: what the wallet is asked about after a gap.
  CREATE TABLE open_sales (
    payment_hash BLOB PRIMARY KEY CHECK (length(payment_hash) = 32),
    service TEXT NOT NULL,
    capability TEXT NOT NULL,
    -- When it is forgotten.
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX open_sales_by_end ON open_sales (until);
  CREATE INDEX payments_unreported ON payments (settled_at) WHERE is_reported = 0;
  `,
]

export const newestVersion: number = migrations.length

/** Brings a file from `version` to the newest one. To be called within a transaction. */
export function migrate(database: DatabaseSync, version: number): void {
  for (const migration of migrations.slice(version)) database.exec(withoutComments(migration))
  database.exec(`PRAGMA application_id = ${applicationId}`)
  database.exec(`PRAGMA user_version = ${newestVersion}`)
}

/** SQLite keeps the text of a definition: a better comment must not make old files look foreign. */
function withoutComments(sql: string): string {
  return sql.replace(/--.*$/gm, '').replace(/\s+/g, ' ')
}

/** The schema that a file of the newest version has, as one text. */
export function expectedSchema(): string {
  const model = new DatabaseSync(':memory:')
  try {
    migrate(model, 0)
    return schemaOf(model)
  } finally {
    model.close()
  }
}

/** The schema that a file has. A damaged one would lose its indexes or checks without a word. */
export function schemaOf(database: DatabaseSync): string {
  const rows = database
    .prepare(`SELECT type, name, tbl_name AS owner, sql FROM sqlite_schema
      WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name`)
    .all()
  return JSON.stringify(rows)
}
