import { randomBytes } from '../../bytes/index.ts'

/** What a frame is for (RFC 6455 section 5.2). */
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** The longest payload of a control frame, and of a length in one byte. */
export const maxControlBytes = 125

/**
 * One frame, as it goes over the wire.
 *
 * @param isMasked - A client has to mask, a server must not.
 * @param isLast - Whether no continuation follows.
 */
export function encodeFrame(
  opcode: number,
  payload: Uint8Array,
  isMasked: boolean,
  isLast = true,
): Uint8Array {
  const size = payload.length
  const lengthBytes = size > 0xffff ? 8 : size > maxControlBytes ? 2 : 0
  const short = lengthBytes === 8 ? 127 : lengthBytes === 2 ? 126 : size
  const maskAt = 2 + lengthBytes
  const payloadAt = maskAt + (isMasked ? 4 : 0)
  const frame = new Uint8Array(payloadAt + size)
  frame[0] = (isLast ? 0x80 : 0) | opcode
  frame[1] = (isMasked ? 0x80 : 0) | short
  for (let at = maskAt - 1, rest = size; at > 1; at--, rest = Math.floor(rest / 256)) {
    frame[at] = rest % 256
  }
  if (!isMasked) {
    frame.set(payload, payloadAt)
    return frame
  }
  const mask = randomBytes(4)
  frame.set(mask, maskAt)
  for (let i = 0; i < size; i++) frame[payloadAt + i] = payload[i]! ^ mask[i & 3]!
  return frame
}
