import type { Preimage } from '../invoice/index.ts'

/** `LSAT` is the name before 2023. */
export type Scheme = 'L402' | 'LSAT'

/** Token and proof of payment, as a request carries them. Nothing in here has been verified yet. */
export type Credential = {
  /** The schemes it came under: two when a client sends both spellings. */
  readonly schemes: readonly Scheme[]
  /** One to five tokens, as written. */
  readonly tokens: readonly string[]
  readonly preimage: Preimage
}

export declare function formatCredential(credential: {
  readonly token: string
  readonly preimage: Preimage
  readonly scheme?: Scheme
}): string
/** `undefined`: no L402 credential. @throws {L402Error} CREDENTIAL_MALFORMED, CREDENTIAL_CONFLICT */
export declare function parseCredential(lines: readonly string[]): Credential | undefined
/** Hex macaroon with a `preimage=` caveat (gRPC metadata, `Macaroon` header). */
export declare function parseMetadataCredential(value: string): Credential
