import type { Limit } from '../l402/index.ts'

/** Counts uses. All limits of a request move together or not at all. */
export type UseStore = {
  /**
   * Sets one use aside under every limit, if all of them have room.
   * `cost` is 1 for `use`, the price in msat for `msat`.
   */
  reserve(
    limits: readonly (Limit & { readonly cost: bigint })[],
    expiresAtSeconds: number,
  ): Promise<{ readonly reserved: string } | { readonly exhausted: Limit }>
  commit(reservation: string): Promise<void>
  release(reservation: string): Promise<void>
}
/** What no longer works although it was paid. */
export type DenyList = {
  isDenied(token: { readonly paymentHash: string; readonly tokenId: string; readonly delegationIds: readonly string[] }): boolean | Promise<boolean>
}
