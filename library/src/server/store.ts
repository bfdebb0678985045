import type { Limit } from '../l402/index.ts'

/** What one request takes from one limit. */
export type CostedLimit = Limit & {
  /** 1 for `use`, the price in msat for `msat`. */
  readonly cost: bigint
}

/**
 * Counts uses. All limits of a request move together or not at all.
 *
 * A counter is the pair of a limit's key and unit. Every method rejects when the store cannot be
 * reached; the request is then refused with STORE_UNAVAILABLE.
 *
 * @spec server.md R-SRV-40 to R-SRV-45
 */
export type UseStore = {
  /**
   * Sets the costs aside under every limit, if all of them have room.
   *
   * @param expiresAtSeconds - When the purchase ends: no counter may be forgotten before.
   * @param purchase - The payment hash in hex: all counters of one purchase have it in common.
   */
  reserve(
    limits: readonly CostedLimit[],
    expiresAtSeconds: number,
    purchase: string,
  ): Promise<{ readonly reserved: string } | { readonly exhausted: Limit }>
  /** Makes a reservation final. Does nothing for one that has ended. */
  commit(reservation: string): Promise<void>
  /** Gives a reservation back. Does nothing for one that has ended. */
  release(reservation: string): Promise<void>
}

/** What no longer works although it was paid. */
export type DenyList = {
  /** Asked for every admitted request; an answer without a promise costs nothing. */
  isDenied(token: {
    /** 32 bytes in hex. */
    readonly paymentHash: string
    /** 32 bytes in hex. */
    readonly tokenId: string
    /** Outermost first. */
    readonly delegationIds: readonly string[]
  }): boolean | Promise<boolean>
}
