/**
 * Follows the frames of one direction of a WebSocket (RFC 6455) without looking into them, to know
 * where one ends and the next may begin. Takes any bytes; holds none.
 *
 * @spec gateway.md R-WS-8
 */
export class FrameTracker {
  /** Bytes of the payload that are still to come. */
  #payloadBytes = 0
  /** Bytes of the head that are still to come; 0 outside of one. */
  #headBytes = 0
  /** How many bytes of the head have been read. */
  #headRead = 0
  #firstByte = 0
  #isMasked = false
  /** Bytes that say how long the payload is: 0, 2 or 8. */
  #lengthBytes = 0
  #length = 0
  #hasClosed = false
  #isLost = false

  /** Between two frames: here a frame of ours may be put. */
  get isAtBoundary(): boolean {
    return !this.#isLost && this.#headRead === 0 && this.#payloadBytes === 0
  }

  /** A close frame has passed; nothing may follow it. */
  get hasClosed(): boolean {
    return this.#hasClosed
  }

  push(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length && !this.#isLost) {
      if (this.#payloadBytes > 0) {
        const taken = Math.min(this.#payloadBytes, bytes.length - at)
        this.#payloadBytes -= taken
        at += taken
        continue
      }
      this.#readHead(bytes[at]!)
      at++
    }
  }

  #readHead(byte: number): void {
    const index = this.#headRead
    this.#headRead++
    if (index === 0) {
      this.#firstByte = byte
      return
    }
    if (index === 1) this.#readLength(byte)
    else if (index < 2 + this.#lengthBytes) this.#length = this.#length * 256 + byte
    if (this.#headRead === this.#headBytes) this.#endHead()
  }

  #readLength(byte: number): void {
    const length = byte & 0x7f
    this.#isMasked = (byte & 0x80) !== 0
    this.#lengthBytes = length === 126 ? 2 : length === 127 ? 8 : 0
    this.#length = this.#lengthBytes === 0 ? length : 0
    this.#headBytes = 2 + this.#lengthBytes + (this.#isMasked ? 4 : 0)
  }

  #endHead(): void {
    this.#headRead = 0
    this.#payloadBytes = this.#length
    if ((this.#firstByte & 0x0f) === 0x8) this.#hasClosed = true
    // Nobody sends so much: these are not frames, and where they end cannot be told.
    this.#isLost = !Number.isSafeInteger(this.#length)
  }
}

/** Longest reason that a close frame has room for, in bytes of UTF-8. */
const maxReasonBytes = 123

/**
 * A close frame.
 *
 * @param code - 1000 to 4999.
 * @param reason - ASCII; cut at 123 characters.
 * @param mask - 4 bytes, in frames to a server, and there only.
 */
export function closeFrame(code: number, reason: string, mask?: Uint8Array): Buffer {
  const payload = Buffer.alloc(2 + Math.min(reason.length, maxReasonBytes))
  payload.writeUInt16BE(code)
  payload.write(reason, 2, 'latin1')
  if (mask === undefined) return Buffer.concat([Buffer.of(0x88, payload.length), payload])
  const masked = payload.map((byte, i) => byte ^ mask[i % 4]!)
  return Buffer.concat([Buffer.of(0x88, 0x80 | payload.length), mask, masked])
}
