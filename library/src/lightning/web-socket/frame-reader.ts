import { concatBytes, decodeUtf8 } from '../../bytes/index.ts'
import { maxControlBytes, opcodes } from './frame.ts'

/** What came over a WebSocket. */
export type SocketEvent =
  | { readonly kind: 'text'; readonly text: string }
  /** Wants a pong with the same bytes. */
  | { readonly kind: 'ping'; readonly bytes: Uint8Array }
  | { readonly kind: 'close' }

type Frame = {
  readonly isLast: boolean
  readonly opcode: number
  readonly bytes: Uint8Array
}

const maxPieces = 10_000
/** So many are made one, now and then. */
const maxParts = 1000

/**
 * Reads the frames that the other side sends over a WebSocket (RFC 6455), however they are cut.
 * Messages that are not text are read over.
 *
 * Everything is refused that would leave a doubt about where a frame ends or what it says: masks,
 * extensions, unknown opcodes, control frames in pieces, text that is not UTF-8, what is too long.
 */
export class FrameReader {
  readonly #maxBytes: number
  readonly #isMasked: boolean
  /** What has come and was not read. */
  #parts: Uint8Array[] = []
  #partsBytes = 0
  /** How many bytes have to be there before it is worth to look again. */
  #wantedBytes = 2
  /** Pieces of the message that has begun. */
  #pieces: Uint8Array[] | undefined
  #piecesBytes = 0
  #isText = false
  #isClosed = false

  /**
   * @param maxBytes - The longest message.
   * @param isMasked - Whether a client sends them, which has to mask. Default: a server, which must not.
   */
  constructor(maxBytes: number, isMasked = false) {
    this.#maxBytes = maxBytes
    this.#isMasked = isMasked
  }

  /**
   * Takes the next bytes, and gives what they complete. What comes after the close is not looked at.
   *
   * @throws {RangeError} for what no server sends. The connection is of no use then.
   */
  push(bytes: Uint8Array): readonly SocketEvent[] {
    const events: SocketEvent[] = []
    if (this.#isClosed) return events
    if (this.#parts.length >= maxParts) this.#parts = [concatBytes(...this.#parts)]
    this.#parts.push(bytes)
    this.#partsBytes += bytes.length
    while (!this.#isClosed && this.#partsBytes >= this.#wantedBytes) {
      const frame = this.#nextFrame()
      const event = frame === undefined ? undefined : this.#read(frame)
      if (event !== undefined) events.push(event)
    }
    return events
  }

  /** @returns `undefined` when more has to come first. */
  #nextFrame(): Frame | undefined {
    const rest = this.#parts.length === 1 ? this.#parts[0]! : concatBytes(...this.#parts)
    this.#parts = [rest]
    const first = rest[0]!
    const second = rest[1]!
    if ((first & 0x70) !== 0) throw new RangeError('frame: an extension that was not agreed on')
    if (((second & 0x80) !== 0) !== this.#isMasked) {
      throw new RangeError('frame: a client masks, and a server does not')
    }
    const opcode = first & 0x0f
    const isLast = (first & 0x80) !== 0
    const isControl = opcode >= opcodes.close
    const short = second & 0x7f
    if (isControl && (!isLast || short > maxControlBytes)) {
      throw new RangeError('frame: a control frame is short and whole')
    }
    const maskBytes = this.#isMasked ? 4 : 0
    const headBytes = (short < 126 ? 2 : short === 126 ? 4 : 10) + maskBytes
    if (rest.length < headBytes) return this.#wait(headBytes)
    const length = readLength(rest, short)
    if (length > BigInt(this.#maxBytes)) throw new RangeError('frame: too long')
    const end = headBytes + Number(length)
    if (rest.length < end) return this.#wait(end)
    this.#parts = [rest.subarray(end)]
    this.#partsBytes = rest.length - end
    this.#wantedBytes = 2
    const bytes = rest.subarray(headBytes, end)
    if (!this.#isMasked) return { isLast, opcode, bytes }
    const mask = rest.subarray(headBytes - maskBytes, headBytes)
    return { isLast, opcode, bytes: bytes.map((byte, i) => byte ^ mask[i % 4]!) }
  }

  #wait(bytes: number): undefined {
    this.#wantedBytes = bytes
  }

  #read({ isLast, opcode, bytes }: Frame): SocketEvent | undefined {
    switch (opcode) {
      case opcodes.ping:
        return { kind: 'ping', bytes }
      case opcodes.pong:
        return undefined
      case opcodes.close:
        this.#isClosed = true
        return { kind: 'close' }
      case opcodes.text:
      case opcodes.binary:
        if (this.#pieces !== undefined) throw new RangeError('frame: the message before goes on')
        this.#isText = opcode === opcodes.text
        this.#pieces = []
        this.#piecesBytes = 0
        return this.#add(bytes, isLast)
      case opcodes.continuation:
        if (this.#pieces === undefined)
          throw new RangeError('frame: there is nothing to go on with')
        return this.#add(bytes, isLast)
      default:
        throw new RangeError('frame: an unknown opcode')
    }
  }

  #add(bytes: Uint8Array, isLast: boolean): SocketEvent | undefined {
    const pieces = this.#pieces ?? []
    pieces.push(bytes)
    this.#piecesBytes += bytes.length
    // The empty pieces of an endless message cost memory, too.
    if (this.#piecesBytes > this.#maxBytes || pieces.length > maxPieces) {
      throw new RangeError('frame: the message is too long')
    }
    if (!isLast) return undefined
    this.#pieces = undefined
    if (!this.#isText) return undefined
    return { kind: 'text', text: readUtf8(concatBytes(...pieces)) }
  }
}

function readLength(bytes: Uint8Array, short: number): bigint {
  if (short < 126) return BigInt(short)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return short === 126 ? BigInt(view.getUint16(2)) : view.getBigUint64(2)
}

function readUtf8(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes)
  } catch {
    throw new RangeError('frame: text that is not UTF-8')
  }
}
