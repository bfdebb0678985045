import { expect, test } from 'vitest'
import type { SocketEvent } from '../../library/src/lightning/web-socket/index.ts'
import { FrameReader } from '../../library/src/lightning/web-socket/index.ts'
import { fuzzBytes } from './harness.ts'

const maxBytes = 300

/** What a server's bytes say before they are refused, if they are. */
function readAll(
  bytes: Uint8Array,
  partBytes: number,
): { readonly events: readonly SocketEvent[]; readonly isRefused: boolean } {
  const reader = new FrameReader(maxBytes)
  const events: SocketEvent[] = []
  for (let at = 0; at < bytes.length; at += partBytes) {
    try {
      events.push(...reader.push(bytes.subarray(at, at + partBytes)))
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return { events, isRefused: true }
    }
  }
  return { events, isRefused: false }
}

function lengthOf(event: SocketEvent): number {
  if (event.kind === 'close') return 0
  return event.kind === 'text' ? event.text.length : event.bytes.length
}

function isEqual(some: readonly SocketEvent[], others: readonly SocketEvent[]): boolean {
  if (some.length !== others.length) return false
  return some.every((event, i) => {
    const other = others[i]
    if (event.kind === 'text') return other?.kind === 'text' && other.text === event.text
    if (event.kind === 'ping') {
      return other?.kind === 'ping' && String(other.bytes) === String(event.bytes)
    }
    return other?.kind === event.kind
  })
}

test('R-ADP-26 messages of a WebSocket: read or refused, and the same however they are cut', () => {
  const kinds = new Set<string>()
  let refused = 0
  fuzzBytes({
    name: 'FrameReader',
    seeds: [
      Uint8Array.of(0x81, 3, 97, 98, 99),
      Uint8Array.of(0x01, 1, 97, 0x89, 2, 7, 8, 0x80, 1, 98, 0x88, 0),
      Uint8Array.of(0x82, 126, 0, 3, 1, 2, 3, 0x81, 2, 0xc3, 0xa9),
      Uint8Array.of(0x81, 127, 0, 0, 0, 0, 0, 0, 0, 2, 104, 105, 0x8a, 0),
      Uint8Array.of(0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255, 1),
    ],
    words: [Uint8Array.of(0x88, 0), Uint8Array.of(0x81, 126), Uint8Array.of(0x00, 0)],
    read: (bytes) => readAll(bytes, 1),
    codes: [],
    holds: (bytes, result) => {
      const { events, isRefused } = result as ReturnType<typeof readAll>
      if (isRefused) refused++
      for (const event of events) kinds.add(event.kind)
      const tooLong = events.some((event) => lengthOf(event) > maxBytes)
      const whole = readAll(bytes, bytes.length || 1)
      // What comes in one piece with what is refused is not told.
      const isSame = isRefused || isEqual(whole.events, events)
      // An `expect` in each of a million cases would take longer than the reading.
      if (tooLong || whole.isRefused !== isRefused || !isSame) {
        expect({ tooLong, whole }).toEqual({ tooLong: false, whole: result })
      }
    },
  })
  expect(kinds).toEqual(new Set(['text', 'ping', 'close']))
  expect(refused).toBeGreaterThan(0)
})
