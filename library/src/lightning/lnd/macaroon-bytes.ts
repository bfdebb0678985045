import { decodeBase64Any, decodeHex, decodeUtf8 } from '../../bytes/index.ts'
import type { Macaroon } from '../../macaroon/index.ts'
import { decodeMacaroon } from '../../macaroon/index.ts'

const binaryVersion = 2
const expected =
  'macaroon: expected one of lnd: the file that it wrote, or the same in hex or base64'

/**
 * Reads a macaroon of lnd as people have it: the bytes of its file, or a text of them in hex or base64,
 * which may stand in a file of its own, in lines.
 *
 * @throws {RangeError} for anything else, an L402 token of another version included: lnd takes V2 alone.
 */
export function readMacaroon(given: Uint8Array | string): Macaroon {
  const bytes = bytesOf(given)
  if (bytes?.[0] !== binaryVersion) throw new RangeError(expected)
  try {
    return decodeMacaroon(bytes)
  } catch {
    throw new RangeError(expected)
  }
}

function bytesOf(given: Uint8Array | string): Uint8Array | undefined {
  if (given instanceof Uint8Array && given[0] === binaryVersion) return given
  try {
    // `base64` and `xxd` write lines.
    const text = (given instanceof Uint8Array ? decodeUtf8(given) : given).replace(/\s+/g, '')
    return /^(?:[0-9a-f]{2})+$/i.test(text) ? decodeHex(text) : decodeBase64Any(text)
  } catch {
    return undefined
  }
}
