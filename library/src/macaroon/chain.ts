import type { Macaroon, VerifiedCaveats } from './macaroon.ts'
export declare function mint(token: {
  readonly rootKey: Uint8Array
  readonly identifier: Uint8Array
  readonly location?: string
  readonly caveats?: readonly string[]
}): Macaroon
export declare function attenuate(parent: Macaroon, ...caveats: readonly string[]): Macaroon
/** @throws {L402Error} MACAROON_SIGNATURE, MACAROON_DISCHARGE, MACAROON_TOO_LARGE, BYTES_UTF8->CAVEAT_MALFORMED */
export declare function verify(
  macaroon: Macaroon,
  rootKey: Uint8Array,
  discharges?: readonly Macaroon[],
): VerifiedCaveats
