import { decodeUtf8 } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import { decodeBech32, readBytes } from '../../invoice/index.ts'

/**
 * Reads the text in an `lnurl1…`: bech32 (BIP 173) of any length, in upper or lower case.
 *
 * @returns `undefined` for anything else.
 */
export function decodeLnurlText(text: string): string | undefined {
  try {
    const { prefix, words } = decodeBech32(text)
    return prefix === 'lnurl' ? decodeUtf8(readBytes(words, 0, words.length)) : undefined
  } catch (error) {
    if (isL402Error(error)) return undefined
    throw error
  }
}
