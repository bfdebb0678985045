import { expect, test } from 'vitest'
import { concatBytes, decodeHex, encodeHex, hmacSha256 } from '../../library/src/bytes/index.ts'
import type { KeyRing } from '../../library/src/server/index.ts'
import { parseKeyRing } from '../../library/src/server/index.ts'
import { fuzzText } from './harness.ts'

const key = (byte: number): string => encodeHex(new Uint8Array(32).fill(byte))

test('R-SRV-3 parseKeyRing takes key rings and nothing else', () => {
  const report = fuzzText({
    name: 'parseKeyRing',
    seeds: [
      `1:${key(1)}`,
      `0:${key(2)},255:${key(3)}`,
      `7:${key(4).toUpperCase()},8:${key(5)},9:${key(6)}`,
      `1:${key(0xab)},2:${key(0xcd)}`,
    ],
    words: [',', ':', '256:', '01:', `3:${key(9)}`, `,4:${key(8)}`, ' ', '\n', '0x'],
    read: parseKeyRing,
    codes: ['CONFIG_INVALID'],
    holds: (text, result) => {
      const ring = result as KeyRing
      const entries = text.split(',').map((entry) => entry.split(':') as [string, string])
      expect(String(ring.newestKid)).toBe(entries.at(-1)![0])
      for (const [kid, hex] of entries) {
        const tokenId = new Uint8Array(32)
        tokenId[0] = Number(kid)
        const identifier = concatBytes(new Uint8Array(34), tokenId)
        expect(ring.rootKey(identifier)).toEqual(hmacSha256(decodeHex(hex), identifier))
      }
      expect(entries.map(([kid, hex]) => `${Number(kid)}:${hex}`).join(',')).toBe(text)
    },
  })
  expect(report.accepted).toBeGreaterThan(0)
  expect(report.refused).toBeGreaterThan(0)
})
