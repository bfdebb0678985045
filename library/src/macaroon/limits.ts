import { L402Error } from '../errors.ts'

/** Sizes that no macaroon may exceed. All of them are checked before anything is hashed. */
export const limits: {
  /**
   * One serialised macaroon: bytes of a binary form, characters of a token. Node takes no more than
   * 16 KiB for all headers of a request together.
   */
  readonly tokenBytes: number
  /** One field: an identifier, a location, a caveat. The most that a V1 packet could name. */
  readonly fieldBytes: number
  /** Caveats of one macaroon, in every reader and writer. */
  readonly caveats: number
  /** Caveats that `verify` takes, those of the discharges included. */
  readonly verifiedCaveats: number
  /** Bytes of one caveat that `verify` takes. */
  readonly verifiedCaveatBytes: number
} = {
  tokenBytes: 16_384,
  fieldBytes: 65_535,
  caveats: 1000,
  verifiedCaveats: 32,
  verifiedCaveatBytes: 256,
}

export function tooLarge(limit: keyof typeof limits, actual: number): L402Error {
  return new L402Error('MACAROON_TOO_LARGE', { limit, max: limits[limit], actual })
}
