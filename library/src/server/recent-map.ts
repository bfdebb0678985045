/**
 * A map with a bound: what was used recently stays, the rest is forgotten.
 *
 * Everything that a stranger can make this server remember is kept in one of these. Entries live in
 * two generations of half the bound each; when the young one is full it becomes the old one, and
 * what is left of the old one goes. A use brings an entry back into the young one. So whatever was
 * used within the last half of the bound is there, and nothing is ever searched for the oldest.
 */
export class RecentMap<Value> {
  readonly #maxEntries: number
  readonly #maxWeight: number
  #young = new Map<string, Cell<Value>>()
  #old = new Map<string, Cell<Value>>()
  #youngWeight = 0

  /**
   * @param maxEntries - At least 2.
   * @param maxWeight - Bound on the sum of the weights given to {@link set}. Default: none.
   */
  constructor(maxEntries: number, maxWeight: number = Number.POSITIVE_INFINITY) {
    this.#maxEntries = Math.floor(maxEntries / 2)
    this.#maxWeight = maxWeight / 2
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** The value, which then counts as just used. */
  get(key: string): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young.value
    const old = this.#old.get(key)
    if (old === undefined) return undefined
    this.#old.delete(key)
    this.#keep(key, old)
    return old.value
  }

  /** Keeps a value; one that is heavier than half the bound is not kept. */
  set(key: string, value: Value, weight: number = 0): void {
    this.delete(key)
    if (weight <= this.#maxWeight) this.#keep(key, { value, weight })
  }

  delete(key: string): void {
    this.#old.delete(key)
    const young = this.#young.get(key)
    if (young === undefined) return
    this.#young.delete(key)
    this.#youngWeight -= young.weight
  }

  clear(): void {
    this.#old = new Map()
    this.#young = new Map()
    this.#youngWeight = 0
  }

  #keep(key: string, cell: Cell<Value>): void {
    const isFull =
      this.#young.size >= this.#maxEntries || this.#youngWeight + cell.weight > this.#maxWeight
    if (isFull) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngWeight = 0
    }
    this.#young.set(key, cell)
    this.#youngWeight += cell.weight
  }
}

type Cell<Value> = { readonly value: Value; readonly weight: number }
