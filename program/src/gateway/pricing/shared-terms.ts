/**
 * Gives the same function again for the same terms of the same owner. A paywall compares functions by
 * identity: two routes that sell one capability on equal terms must be given one, or they would be
 * refused as different.
 */
export class SharedTerms<Owner extends object, Made> {
  readonly #made = new WeakMap<Owner, Map<string, Made>>()

  /** @param terms - Everything that decides what the function does. */
  of(owner: Owner, terms: string, make: () => Made): Made {
    const known = this.#made.get(owner) ?? new Map<string, Made>()
    this.#made.set(owner, known)
    const made = known.get(terms) ?? make()
    known.set(terms, made)
    return made
  }
}
