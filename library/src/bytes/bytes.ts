import { L402Error } from '../errors.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Longest text for which a loop is faster than TextEncoder, in characters: caveats, mostly. */
const shortText = 64

/**
 * The UTF-8 bytes of a text.
 *
 * @param text - Well-formed Unicode: half a surrogate pair comes out as U+FFFD.
 * @spec encodings.md R-BYTES-7
 */
export function encodeUtf8(text: string): Uint8Array {
  if (text.length > shortText) return encoder.encode(text)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return encoder.encode(text)
    bytes[i] = code
  }
  return bytes
}

/**
 * Reads UTF-8, keeping a byte order mark, so that it is the inverse of {@link encodeUtf8}.
 *
 * @throws {L402Error} BYTES_UTF8 for bytes that are not UTF-8.
 * @spec encodings.md R-BYTES-7
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new L402Error('BYTES_UTF8', { length: bytes.length })
  }
}

/** A new byte string: the parts one after the other. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/**
 * Whether two byte strings are the same, in time that depends only on their lengths.
 *
 * Use it for every signature, preimage and key: `===` on their hex text leaks where they differ.
 *
 * @spec encodings.md R-BYTES-8
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

/**
 * Bytes from the operating system's generator. Callers that must be repeatable take their own.
 *
 * @param length - At most 65 536, the limit of `crypto.getRandomValues`.
 */
export function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length))
}
