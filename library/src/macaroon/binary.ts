import type { Macaroon } from './macaroon.ts'
export declare const limits: {
  readonly tokenBytes: number
  readonly caveats: number
  readonly fieldBytes: number
}
/** V2. */
export declare function encodeMacaroon(macaroon: Macaroon): Uint8Array
/** V2, or V1 by its first four hex digits. @throws {L402Error} MACAROON_MALFORMED, MACAROON_TOO_LARGE */
export declare function decodeMacaroon(bytes: Uint8Array): Macaroon
