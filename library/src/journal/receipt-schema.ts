/**
 * The receipts, and how far they are in files.
 *
 * `receipts` is what is true. A file is its mirror: `last_seq` and `bytes` say how far it is
 * written, `problem` why it was begun, where the one before it did not end as it had to.
 * `durable_seq` is only written so that what was committed before is on the disk.
 */
export const receiptSchema: string = `
CREATE TABLE receipts (
  seq INTEGER PRIMARY KEY CHECK (seq > 0),
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  payment_hash TEXT,
  origin TEXT,
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  line TEXT NOT NULL
) STRICT;
CREATE INDEX receipts_settled ON receipts (payment_hash) WHERE kind = 'settled';
CREATE TABLE receipt_files (
  first_seq INTEGER PRIMARY KEY CHECK (first_seq > 0),
  name TEXT NOT NULL,
  last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq - 1),
  bytes INTEGER NOT NULL CHECK (bytes >= 0),
  problem TEXT
) STRICT;
CREATE TABLE receipt_mirror (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  durable_seq INTEGER NOT NULL
) STRICT;
INSERT INTO receipt_mirror VALUES (1, 0);
`
