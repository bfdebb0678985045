import { cbc } from '@noble/ciphers/aes.js'
import {
  decodeBase64,
  decodeUtf8,
  encodeBase64,
  encodeUtf8,
  randomBytes,
} from '../../bytes/index.ts'

const ivBytes = 16
/** In characters. */
const maxContent = 350_000
const form = /^([A-Za-z0-9+/]+={0,2})\?iv=([A-Za-z0-9+/]{22}==)$/

/** Whether a text has the form that NIP-04 gives to what it encrypts; NIP-44 has another one. */
export function isNip04(content: string): boolean {
  return content.includes('?iv=')
}

/**
 * Encrypts a text as the older drafts of NIP-47 do (NIP-04): AES-256-CBC without a check of its own, so
 * that only the signature around it protects it.
 *
 * @param key - The x coordinate of the shared point. Secret.
 * @param iv - 16 bytes. Default: the operating system's generator.
 */
export function encryptNip04(
  text: string,
  key: Uint8Array,
  iv: Uint8Array = randomBytes(ivBytes),
): string {
  return `${encodeBase64(cbc(key, iv).encrypt(encodeUtf8(text)))}?iv=${encodeBase64(iv)}`
}

/**
 * The inverse of {@link encryptNip04}. Total.
 *
 * @returns `undefined` for what is not of the form, or does not decrypt to a text.
 */
export function decryptNip04(content: string, key: Uint8Array): string | undefined {
  if (content.length > maxContent) return undefined
  const [, ciphertext, iv] = form.exec(content) ?? []
  if (ciphertext === undefined || iv === undefined) return undefined
  try {
    return decodeUtf8(cbc(key, decodeBase64(iv)).decrypt(decodeBase64(ciphertext)))
  } catch {
    // Of base64, of AES and its padding, or of UTF-8: the same for whoever asks.
    return undefined
  }
}
