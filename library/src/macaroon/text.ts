import type { Macaroon } from './macaroon.ts'
/** Padded standard base64 of V2: what a challenge carries. */
export declare function encodeToken(macaroon: Macaroon): string
/** Any base64 spelling, V1 or V2, and a second base64 layer (foreign servers). @throws {L402Error} */
export declare function decodeToken(text: string): Macaroon
