import { decodeUtf8 } from '../../bytes/index.ts'
import type { Fields } from '../adapter/index.ts'
import { readFields } from '../adapter/index.ts'

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const whiteSpace: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d])

/**
 * Cuts a stream of bytes into the JSON objects that it is made of, one after another, whatever is
 * between them of white space. Nothing is said about lines: a node may write an object in one line or
 * in many. Every byte is looked at once.
 */
export class JsonObjects {
  readonly #maxBytes: number
  /** Its first `#length` bytes are the object that is not complete yet. */
  #held = new Uint8Array(0)
  #length = 0
  #depth = 0
  #isText = false
  #isEscaped = false
  #isBroken = false

  /** @param maxBytes - Of one object. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * @returns the objects that these bytes complete. `undefined`, then and ever after, when the stream
   *   is not one of JSON objects, or one is too long.
   */
  push(bytes: Uint8Array): readonly Fields[] | undefined {
    const found: Fields[] = []
    let start = 0
    for (let i = 0; i < bytes.length && !this.#isBroken; i++) {
      const byte = bytes[i]!
      if (this.#depth === 0) {
        if (byte === openBrace) {
          this.#depth = 1
          start = i
        } else if (!whiteSpace.has(byte)) this.#isBroken = true
      } else if (this.#isText) this.#readText(byte)
      else if (this.#closes(byte)) {
        const object = this.#take(bytes.subarray(start, i + 1))
        if (object === undefined) this.#isBroken = true
        else found.push(object)
      }
    }
    if (this.#depth > 0) this.#keep(bytes.subarray(start))
    return this.#isBroken ? undefined : found
  }

  #readText(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === backslash) this.#isEscaped = true
    else if (byte === quote) this.#isText = false
  }

  /** Whether the outermost object is complete. What does not match is found by who parses it. */
  #closes(byte: number): boolean {
    if (byte === quote) this.#isText = true
    else if (byte === openBrace || byte === openBracket) this.#depth++
    else if (byte === closeBrace || byte === closeBracket) this.#depth--
    return this.#depth === 0
  }

  #keep(bytes: Uint8Array): void {
    const length = this.#length + bytes.length
    if (length > this.#maxBytes) this.#isBroken = true
    if (this.#isBroken) return
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.max(1024, length * 2))
      larger.set(this.#held.subarray(0, this.#length))
      this.#held = larger
    }
    this.#held.set(bytes, this.#length)
    this.#length = length
  }

  #take(last: Uint8Array): Fields | undefined {
    this.#keep(last)
    const bytes = this.#held.subarray(0, this.#length)
    this.#length = 0
    if (this.#isBroken) return undefined
    try {
      return readFields(decodeUtf8(bytes))
    } catch {
      return undefined
    }
  }
}
