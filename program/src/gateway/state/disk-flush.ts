import { closeSync, fsync, openSync } from 'node:fs'

/**
 * Flushes the log of a state file to the disk, beside the requests: a power cut then loses the
 * commits of the last second at most. Nothing waits for it, and SQLite holds no locks on its log
 * that a second handle could drop.
 */
export class DiskFlush {
  readonly #handle: number
  #isRunning = false
  #isClosed = false

  constructor(file: string) {
    this.#handle = openSync(`${file}-wal`, 'r')
  }

  flush(): void {
    if (this.#isRunning || this.#isClosed) return
    this.#isRunning = true
    // What fails here fails for SQLite too, which says so to somebody who can answer.
    fsync(this.#handle, () => {
      this.#isRunning = false
      if (this.#isClosed) closeSync(this.#handle)
    })
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (!this.#isRunning) closeSync(this.#handle)
  }
}
