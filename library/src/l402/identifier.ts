import type { PaymentHash } from '../invoice/index.ts'

/** What an L402 macaroon's identifier says (version 0). */
export type Identifier = {
  /** The payment that the token is bought with. */
  readonly paymentHash: PaymentHash
  /** 32 bytes, unique to the token. The first byte names the root key (`kid`). */
  readonly tokenId: Uint8Array
}

/** version u16 = 0 ‖ payment hash ‖ token id: 66 bytes. */
export declare function encodeIdentifier(identifier: Identifier): Uint8Array
/** 66 raw bytes, or those as 132 hex digits (lsat-js). @throws {L402Error} IDENTIFIER_MALFORMED */
export declare function decodeIdentifier(bytes: Uint8Array): Identifier
