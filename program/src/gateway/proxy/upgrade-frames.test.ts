import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { closeFrame, FrameTracker } from './upgrade-frames.ts'

type Frame = {
  readonly opcode: number
  readonly isLast: boolean
  readonly isMasked: boolean
  readonly payload: Uint8Array
  /** Bytes that the length takes, which may be more than it needs. */
  readonly lengthBytes: 0 | 2 | 8
}

function encode({ opcode, isLast, isMasked, payload, lengthBytes }: Frame): Buffer {
  const first = (isLast ? 0x80 : 0) | opcode
  const mask = isMasked ? 0x80 : 0
  const wide = payload.length > 125 && lengthBytes === 0 ? 2 : lengthBytes
  const head =
    wide === 0
      ? Buffer.of(first, mask | payload.length)
      : Buffer.of(first, mask | (wide === 2 ? 126 : 127), ...Buffer.alloc(wide))
  if (wide === 2) head.writeUInt16BE(payload.length, 2)
  if (wide === 8) head.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([head, Buffer.alloc(isMasked ? 4 : 0, 0x5a), payload])
}

const frames = fc.array(
  fc.record({
    opcode: fc.constantFrom(0, 1, 2, 9, 10),
    isLast: fc.boolean(),
    isMasked: fc.boolean(),
    payload: fc.uint8Array({ maxLength: 400 }),
    lengthBytes: fc.constantFrom(0 as const, 2 as const, 8 as const),
  }),
  { minLength: 1, maxLength: 12 },
)

describe('R-WS-8 the end of a frame is known', () => {
  test('after every byte of any frames', () => {
    fc.assert(
      fc.property(frames, (list) => {
        const tracker = new FrameTracker()
        const ends = new Set<number>()
        let bytes = Buffer.alloc(0)
        for (const frame of list) {
          bytes = Buffer.concat([bytes, encode(frame)])
          ends.add(bytes.length)
        }
        expect(tracker.isAtBoundary).toBe(true)
        for (let i = 0; i < bytes.length; i++) {
          tracker.push(bytes.subarray(i, i + 1))
          expect(tracker.isAtBoundary).toBe(ends.has(i + 1))
        }
        expect(tracker.hasClosed).toBe(false)
      }),
      { numRuns: 200 },
    )
  })

  test('however they are cut into parts', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(500), { maxLength: 20 }), (list, sizes) => {
        const bytes = Buffer.concat(list.map(encode))
        const whole = new FrameTracker()
        const parts = new FrameTracker()
        let at = 0
        for (const size of sizes) {
          parts.push(bytes.subarray(at, at + size))
          whole.push(bytes.subarray(at, Math.min(at + size, bytes.length)))
          at += size
        }
        parts.push(bytes.subarray(at))
        const once = new FrameTracker()
        once.push(bytes)
        expect(parts.isAtBoundary).toBe(true)
        expect(once.isAtBoundary).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('of a long frame, from a head that says how long it is', () => {
    const tracker = new FrameTracker()
    const head = Buffer.from([0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 0])
    tracker.push(head)
    const part = Buffer.alloc(64 * 1024 * 1024)
    for (let i = 0; i < 16; i++) {
      expect(tracker.isAtBoundary).toBe(false)
      tracker.push(part)
    }
    expect(tracker.isAtBoundary).toBe(true)
  })

  test('a length beyond 2^53 is none, and nothing is put after it', () => {
    const tracker = new FrameTracker()
    tracker.push(Buffer.of(0x82, 127, 0, 0x20, 0, 0, 0, 0, 0, 0))
    tracker.push(Buffer.alloc(1000))
    expect(tracker.isAtBoundary).toBe(false)
  })

  test('a close frame is seen when its head is complete', () => {
    for (const isMasked of [false, true]) {
      const tracker = new FrameTracker()
      const payload = Buffer.of(0x03, 0xe8)
      const bytes = encode({ opcode: 8, isLast: true, isMasked, payload, lengthBytes: 0 })
      tracker.push(bytes.subarray(0, 1))
      expect(tracker.hasClosed).toBe(false)
      tracker.push(bytes.subarray(1))
      expect(tracker.hasClosed).toBe(true)
    }
  })
})

describe('R-WS-7 a close frame', () => {
  test('says code and reason', () => {
    expect(closeFrame(1008, 'token expired')).toEqual(
      Buffer.concat([Buffer.of(0x88, 15, 0x03, 0xf0), Buffer.from('token expired')]),
    )
    expect(closeFrame(1001, '')).toEqual(Buffer.of(0x88, 2, 0x03, 0xe9))
  })

  test('has at most the 125 bytes that a control frame may have', () => {
    expect(closeFrame(1008, 'x'.repeat(1000)).length).toBe(2 + 125)
  })

  test('to a server is masked', () => {
    const mask = Buffer.of(1, 2, 3, 4)
    expect(closeFrame(1001, 'bye', mask)).toEqual(
      Buffer.of(0x88, 0x85, 1, 2, 3, 4, 0x03 ^ 1, 0xe9 ^ 2, 0x62 ^ 3, 0x79 ^ 4, 0x65 ^ 1),
    )
  })

  test('is one frame to the tracker', () => {
    for (const mask of [undefined, Buffer.of(9, 8, 7, 6)]) {
      const tracker = new FrameTracker()
      tracker.push(closeFrame(1008, 'token revoked', mask))
      expect(tracker.hasClosed).toBe(true)
      expect(tracker.isAtBoundary).toBe(true)
    }
  })
})
