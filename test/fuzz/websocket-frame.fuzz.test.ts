import { expect, test } from 'vitest'
import { FrameTracker } from '../../program/src/gateway/proxy/upgrade-frames.ts'
import { fuzzBytes } from './harness.ts'

/** Bytes as a peer may send them, and what the tracker says after them. */
function track(bytes: Uint8Array, partBytes: number): readonly boolean[] {
  const tracker = new FrameTracker()
  for (let at = 0; at < bytes.length; at += partBytes) {
    tracker.push(bytes.subarray(at, at + partBytes))
  }
  return [tracker.isAtBoundary, tracker.hasClosed]
}

test('frames of a WebSocket: total, and the same however the bytes are cut', () => {
  const report = fuzzBytes({
    name: 'FrameTracker',
    seeds: [
      Uint8Array.of(0x81, 3, 97, 98, 99),
      Uint8Array.of(0x82, 0x83, 1, 2, 3, 4, 9, 9, 9, 0x88, 0x80, 1, 2, 3, 4),
      Uint8Array.of(0x01, 126, 0, 3, 1, 2, 3, 0x80, 0, 0x89, 0),
      Uint8Array.of(0x82, 127, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2),
      Uint8Array.of(0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255, 1),
    ],
    words: [Uint8Array.of(0x88, 0), Uint8Array.of(0x81, 126), Uint8Array.of(0x81, 255)],
    read: (bytes) => track(bytes, Number.POSITIVE_INFINITY),
    codes: [],
    holds: (bytes, whole) => {
      expect(track(bytes, 1)).toEqual(whole)
      expect(track(bytes, 3)).toEqual(whole)
    },
  })
  expect(report.accepted).toBe(report.cases)
})
