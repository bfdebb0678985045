import type { Msat } from '../amount/index.ts'

/**
 * What a price function may look at. Everything it looks at becomes part of what the token is bound
 * to: a token bought for `size=small` does not open `size=large`, nor another item at the same price.
 */
export type PriceInput = {
  readonly method: string
  readonly path: string
  query(name: string): string | undefined
  header(name: string): string | undefined
}
/** An amount, or a function of the request; `null` means free. */
export type Price = Msat | string | ((input: PriceInput) => Msat | string | null | Promise<Msat | string | null>)
