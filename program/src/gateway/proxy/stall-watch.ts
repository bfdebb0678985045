/** Something that waits for a peer, and may wait too long. */
export type Watched = {
  /** The tick at which something last moved; see {@link StallWatch.ticks}. */
  movedAt: number
  /** How many ticks may pass without a move. `Infinity`: any number. */
  patienceTicks: number
  /** Its place in the watch, which alone changes it. -1 or absent: none. */
  place?: number
  /** Called once the patience is over; the watch goes on unless it is removed. */
  onStall(): void
}

/** Longest tick, in milliseconds. A stall is noticed at most two ticks late. */
const longestTickMs = 250

/**
 * One timer for all exchanges of an upstream. A timer for each would have to be moved at every part
 * of a body; here a move is the write of one number.
 *
 * Time is counted in ticks, not in what the clock says: while the process was busy or asleep nobody
 * could move, and nobody is cut for it. Never early, at most two ticks late.
 */
export class StallWatch {
  readonly #tickMs: number
  // Not a Set: where members come and go all the time, what a Set leaves behind when it grows keeps
  // them all from being collected early.
  readonly #watched: Watched[] = []
  #timer: NodeJS.Timeout | undefined
  #ticks = 0

  /** @param shortestMs - The shortest patience that is usual here. */
  constructor(shortestMs: number) {
    this.#tickMs = Math.min(longestTickMs, Math.max(5, Math.ceil(shortestMs / 8)))
  }

  /** How many ticks have passed: the value of `movedAt` for a move that happens now. */
  get ticks(): number {
    return this.#ticks
  }

  /** The patience for a limit in milliseconds. */
  patience(limitMs: number): number {
    // One more: the tick that runs when the wait begins is cut short.
    return Math.ceil(limitMs / this.#tickMs) + 1
  }

  /** Whether it has waited for a limit in milliseconds. */
  isOver({ movedAt }: Watched, limitMs: number): boolean {
    return this.#ticks - movedAt >= this.patience(limitMs)
  }

  add(watched: Watched): void {
    watched.place = this.#watched.push(watched) - 1
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => this.#tick(), this.#tickMs)
    this.#timer.unref()
  }

  remove(watched: Watched): void {
    const { place } = watched
    if (place === undefined || place === -1) return
    watched.place = -1
    const last = this.#watched.pop()!
    if (last === watched) return
    this.#watched[place] = last
    last.place = place
  }

  #tick(): void {
    this.#ticks++
    if (this.#watched.length === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    // Backwards: who stalls is removed, and the last one takes the place.
    for (let i = this.#watched.length - 1; i >= 0; i--) {
      const watched = this.#watched[i]
      if (watched === undefined) continue
      if (this.#ticks - watched.movedAt >= watched.patienceTicks) watched.onStall()
    }
  }
}
