/** Master keys by id. The newest mints; all of them verify. */
export type KeyRing = {
  readonly newestKid: number
  /** HMAC-SHA256(master[kid], identifier), or `undefined` for an unknown kid. 32 bytes. */
  rootKey(identifier: Uint8Array): Uint8Array | undefined
}
export declare function createKeyRing(
  keys: readonly { readonly kid: number; readonly key: Uint8Array }[],
): KeyRing
/** `1:<64 hex>,2:<64 hex>`; the last one mints. */
export declare function parseKeyRing(text: string): KeyRing
