/** What is to happen at a time: `run` gets the time it was due, not the time it was noticed. */
type Entry = { readonly atMs: number; readonly run: (atMs: number) => void }

/** Things to do when the clock has passed a moment. Nothing runs by itself: there are no timers. */
export class Agenda {
  readonly #entries: Entry[] = []

  /** @param atMs - Milliseconds since 1970. Entries of one moment keep their order. */
  add(atMs: number, run: (atMs: number) => void): void {
    let at = this.#entries.length
    while (at > 0 && this.#entries[at - 1]!.atMs > atMs) at--
    this.#entries.splice(at, 0, { atMs, run })
  }

  /** Does what is due at `nowMs`, oldest first, and also what that adds. */
  runDue(nowMs: number): void {
    while (this.#entries.length > 0 && this.#entries[0]!.atMs <= nowMs) {
      const { atMs, run } = this.#entries.shift()!
      run(atMs)
    }
  }
}
