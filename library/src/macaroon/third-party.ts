import type { Macaroon } from './macaroon.ts'
export declare function addThirdPartyCaveat(
  parent: Macaroon,
  caveat: {
    readonly caveatKey: Uint8Array
    readonly identifier: Uint8Array
    readonly location?: string
    /** 24 bytes, never used twice with one token. Default: random. */
    readonly nonce?: Uint8Array
  },
): Macaroon
export declare function bindDischarge(root: Macaroon, discharge: Macaroon): Macaroon
