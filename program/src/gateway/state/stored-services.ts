import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { StoredService } from './state.ts'
import { StateFileError } from './state-file-error.ts'

type Row = {
  readonly name: string
  readonly document: string
  readonly digest: Uint8Array
  readonly changedAt: number
}

/** The services that were made through the admin API. Few, and read at start and reload only. */
export class StoredServices {
  readonly #database: DatabaseSync
  readonly #file: string
  readonly #now: () => number

  constructor(database: DatabaseSync, file: string, now: () => number) {
    this.#database = database
    this.#file = file
    this.#now = now
  }

  /** @throws {StateFileError} when a document is not what was stored. */
  list(): readonly StoredService[] {
    const rows = this.#database
      .prepare('SELECT name, document, digest, changed_at AS changedAt FROM services ORDER BY name')
      .all() as unknown as readonly Row[]
    return rows.map(({ name, document, digest, changedAt }) => {
      if (Buffer.compare(digestOf(name, document), digest) !== 0) {
        throw new StateFileError(this.#file, 'is damaged: a stored service cannot be read.')
      }
      return { name, document, changedAtSeconds: changedAt }
    })
  }

  put(name: string, document: string): void {
    this.#database
      .prepare(`INSERT INTO services VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        document = excluded.document, digest = excluded.digest, changed_at = excluded.changed_at`)
      .run(name, document, digestOf(name, document), Math.floor(this.#now()))
  }

  forget(name: string): boolean {
    const { changes } = this.#database.prepare('DELETE FROM services WHERE name = ?').run(name)
    return Number(changes) > 0
  }
}

function digestOf(name: string, document: string): Buffer {
  return createHash('sha256')
    .update(`${JSON.stringify(name)} ${document}`)
    .digest()
}
