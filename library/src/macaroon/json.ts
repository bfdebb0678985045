import type { Macaroon } from './macaroon.ts'
export declare function encodeMacaroonJson(macaroon: Macaroon): unknown
export declare function decodeMacaroonJson(value: unknown): Macaroon
