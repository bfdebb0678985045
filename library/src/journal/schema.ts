import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { approvalSchema } from './approval-schema.ts'
import { ledgerSchema } from './ledger-schema.ts'
import { receiptSchema } from './receipt-schema.ts'

/** `SATJ`: how a file says that it is a journal of Satway. */
export const applicationId = 0x5341544a

/** `schema_checksum` is over the definitions of everything in the file. */
const metaSchema = `
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`

/**
 * What each version added, oldest first. A version that was published is never changed: the next
 * one is a new entry at the end. There is no way back.
 */
const migrations: readonly { readonly version: number; readonly sql: string }[] = [
  { version: 1, sql: metaSchema + ledgerSchema + receiptSchema + approvalSchema },
]

export const newestVersion: number = migrations.at(-1)!.version

/** Brings a file from `version` to the newest. Runs in a transaction. */
export function migrate(db: DatabaseSync, version: number): void {
  for (const next of migrations) if (next.version > version) db.exec(next.sql)
  db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${newestVersion}`)
  setMeta(db, 'schema_checksum', checksumOf(db))
}

/** Whether the definitions in the file are those that it was made with. */
export function hasOwnSchema(db: DatabaseSync): boolean {
  return getMeta(db, 'schema_checksum') === checksumOf(db)
}

export function getMeta(db: DatabaseSync, name: string): string | undefined {
  const value = db.prepare('SELECT value FROM meta WHERE name = ?').get(name)?.['value']
  return value === undefined ? undefined : String(value)
}

export function setMeta(db: DatabaseSync, name: string, value: string): void {
  db.prepare(
    'INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  ).run(name, value)
}

function checksumOf(db: DatabaseSync): string {
  const rows = db
    .prepare('SELECT coalesce(sql, name) AS sql FROM sqlite_schema ORDER BY name')
    .all()
  return crc32(rows.map((row) => String(row['sql'])).join('\n')).toString(16)
}
