import type { Macaroon } from './macaroon.ts'
export declare function encodeMacaroonV1(macaroon: Macaroon): Uint8Array
export declare function decodeMacaroonV1(bytes: Uint8Array): Macaroon
