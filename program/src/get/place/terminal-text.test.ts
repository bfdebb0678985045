import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTerminalText, looksBinary } from './terminal-text.ts'

function shown(...pieces: readonly (string | Uint8Array)[]): string {
  const text = createTerminalText()
  const bytes = (piece: string | Uint8Array): Uint8Array =>
    typeof piece === 'string' ? new TextEncoder().encode(piece) : piece
  return pieces.map((piece) => text.next(bytes(piece))).join('') + text.end()
}

describe('R-GET-8 text on a terminal', () => {
  for (const [what, text, seen] of [
    ['stays as it is', 'a\tb\nžluť 日本 👍\n', 'a\tb\nžluť 日本 👍\n'],
    ['has its lines ended as here', 'a\r\nb', 'a\nb'],
    ['moves no cursor', 'a\u001b[2Jb', 'a\ufffd[2Jb'],
    ['writes to no clipboard', '\u001b]52;c;AA==\u0007', '\ufffd]52;c;AA==\ufffd'],
    ['has no 8-bit sequences', 'a\u009b31mb', 'a\ufffd31mb'],
    ['writes over no line', 'Paid 1000 sat\rPaid 1 sat', 'Paid 1000 sat\ufffdPaid 1 sat'],
    ['goes back over nothing', 'ab\u0008c', 'ab\ufffdc'],
    ['turns no direction', 'a\u202eb', 'a\ufffdb'],
  ] as const) {
    test(what, () => {
      expect(shown(text)).toBe(seen)
    })
  }

  test('is the same however it is cut into pieces', () => {
    const piece = fc.constantFrom('a', '\r', '\n', '\u001b', '日', '👍', '\t', '\u202e')
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat(40)), (parts, cuts) => {
        const bytes = new TextEncoder().encode(parts.join(''))
        const places = [...cuts, 0, bytes.length].sort((one, other) => one - other)
        const cut = places.slice(1).map((end, i) => bytes.slice(places[i], end))
        expect(shown(...cut)).toBe(shown(bytes))
        expect(shown(bytes)).not.toMatch(/[\r\u001b\u202e]/)
      }),
    )
  })

  test('is no text when it has a zero byte', () => {
    expect(looksBinary(new TextEncoder().encode('text'))).toBe(false)
    expect(looksBinary(Uint8Array.of(0x89, 0x50, 0, 1))).toBe(true)
  })
})
