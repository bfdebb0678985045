/**
 * A map with a bound: beyond it, the entries that were used least recently are forgotten.
 *
 * Everything that a stranger can make this server remember is kept in one of these.
 */
export class Lru<Value> {
  readonly #maxEntries: number
  readonly #maxWeight: number
  readonly #cells = new Map<string, { readonly value: Value; readonly weight: number }>()
  #weight = 0

  /** @param maxWeight - Bound on the sum of the weights given to {@link set}. Default: none. */
  constructor(maxEntries: number, maxWeight: number = Number.POSITIVE_INFINITY) {
    this.#maxEntries = maxEntries
    this.#maxWeight = maxWeight
  }

  get size(): number {
    return this.#cells.size
  }

  /** The value, which then counts as just used. */
  get(key: string): Value | undefined {
    const cell = this.#cells.get(key)
    if (cell === undefined) return undefined
    this.#cells.delete(key)
    this.#cells.set(key, cell)
    return cell.value
  }

  /** Keeps a value; one that is heavier than the whole bound is not kept. */
  set(key: string, value: Value, weight: number = 0): void {
    this.delete(key)
    if (weight > this.#maxWeight) return
    this.#cells.set(key, { value, weight })
    this.#weight += weight
    for (const oldest of this.#cells.keys()) {
      if (this.#cells.size <= this.#maxEntries && this.#weight <= this.#maxWeight) return
      this.delete(oldest)
    }
  }

  delete(key: string): void {
    const cell = this.#cells.get(key)
    if (cell === undefined) return
    this.#cells.delete(key)
    this.#weight -= cell.weight
  }

  clear(): void {
    this.#cells.clear()
    this.#weight = 0
  }
}
