import { malformed } from './malformed.ts'

const longest = 5
/** The largest number that a reader takes: 2³¹ − 1. */
const largest = 0x7fff_ffff

/** How many bytes {@link writeVarint} needs for a number from 0 to 2³¹ − 1. */
export function varintLength(value: number): number {
  let length = 1
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length++
  return length
}

/**
 * Writes a number in groups of seven bits, the lowest first.
 *
 * @param value - From 0 to 2³¹ − 1.
 * @returns The position after it.
 */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let at = position
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80
  bytes[at++] = rest
  return at
}

/**
 * Reads what {@link writeVarint} writes, and nothing else: one number has one spelling, so its
 * length is {@link varintLength} of the answer.
 *
 * @throws {L402Error} MACAROON_MALFORMED `truncated`, or `varint` for a longer spelling than needed
 *   and for a number above 2³¹ − 1.
 * @spec macaroon.md R-MAC-21
 */
export function readVarint(bytes: Uint8Array, position: number): number {
  let value = 0
  for (let i = 0; i < longest; i++) {
    const byte = bytes[position + i]
    if (byte === undefined) throw malformed('truncated', position + i)
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte > 0x7f) continue
    if (byte === 0 && i > 0) throw malformed('varint', position)
    if (value > largest) throw malformed('varint', position)
    return value
  }
  throw malformed('varint', position)
}
