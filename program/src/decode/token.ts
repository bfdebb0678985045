import type { Macaroon } from 'satway/macaroon'
import { decodeMacaroon, decodeMacaroonJson, decodeToken } from 'satway/macaroon'

/**
 * Reads a macaroon in any of its spellings: JSON, hex, base64.
 *
 * @throws {L402Error} MACAROON_* or BYTES_* when it is none.
 */
export function readMacaroon(text: string): Macaroon {
  if (text.startsWith('{')) return decodeMacaroonJson(parseJson(text))
  // Hex digits are base64 digits too, but no base64 of a macaroon is made of them alone: V2 starts
  // with byte 2 ("Ag"), V1 with four hex digits ("MDA").
  if (/^([0-9a-f]{2})+$/i.test(text)) return decodeMacaroon(Buffer.from(text, 'hex'))
  return decodeToken(text)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // no macaroon: the decoder says so
  }
}
