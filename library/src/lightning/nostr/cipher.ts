import { sharedX } from './keys.ts'
import { decryptNip04, encryptNip04, isNip04 } from './nip04.ts'
import { conversationKey, decryptNip44, encryptNip44 } from './nip44.ts'

/** As wallets name them in NIP-47. */
export type Encryption = 'nip44_v2' | 'nip04'

/** What two key pairs read and write to each other. */
export type NostrCipher = {
  /** @throws {RangeError} for a text of no bytes, or of more than 65 535. */
  encrypt(text: string, encryption: Encryption): string
  /** Reads both kinds, which differ in form. `undefined` for what cannot be read. */
  decrypt(content: string): string | undefined
}

/**
 * @param secretKey - Of the one. Secret.
 * @param publicKey - Of the other, in hex.
 * @throws {RangeError} for keys that are none.
 */
export function createCipher(secretKey: Uint8Array, publicKey: string): NostrCipher {
  const shared = sharedX(secretKey, publicKey)
  const key = conversationKey(shared)
  return {
    encrypt: (text, encryption) =>
      encryption === 'nip04' ? encryptNip04(text, shared) : encryptNip44(text, key),
    decrypt: (content) =>
      isNip04(content) ? decryptNip04(content, shared) : decryptNip44(content, key),
  }
}
