import fc from 'fast-check'
import { encodeIdentifier, formatChallenge, formatCredential, hashPreimage, preimage } from 'satway'
import { encodeToken, mint } from 'satway/macaroon'
import { describe, expect, test } from 'vitest'
import { Failure } from '../cli/failure.ts'
import type { Screen } from '../cli/screen.ts'
import type { Decoded } from './decode.ts'
import { decodeText } from './decode.ts'

const secret = preimage(new Uint8Array(32).fill(7))
const token = encodeToken(
  mint({
    rootKey: new Uint8Array(32).fill(1),
    identifier: encodeIdentifier({
      paymentHash: hashPreimage(secret),
      tokenId: new Uint8Array(32).fill(2),
    }),
    location: 'shop',
    caveats: ['services=shop:0', 'shop_valid_until=1900000000'],
  }),
)
const signature = Buffer.from(token, 'base64').subarray(-32)
const credential = formatCredential({ token, preimage: secret })
const invoice =
  'lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh'
const challenge = formatChallenge({ token, invoice })

const plain = (text: string): string => text
const screen: Screen = {
  interactive: false,
  width: 80,
  rows: undefined,
  bold: plain,
  dim: plain,
  good: plain,
  bad: plain,
  warn: plain,
  name: plain,
  write: () => undefined,
}

/** What comes out, in both forms; or the message. */
function outputOf(text: string): string {
  let decoded: Decoded
  try {
    decoded = decodeText(text, { nowSeconds: 1_800_000_000, showSecrets: false })
  } catch (error) {
    expect(error).toBeInstanceOf(Failure)
    return (error as Failure).message
  }
  return JSON.stringify(decoded.json) + decoded.show(screen)
}

describe('whatever is to be decoded', () => {
  test('is decoded, or refused with a message', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.base64String()),
        (text) => {
          outputOf(text)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('never gives a secret away, however it is damaged', () => {
    const secrets = [
      signature.toString('hex'),
      signature.toString('base64'),
      Buffer.from(secret).toString('hex'),
      token,
    ]
    let decoded = 0
    fc.assert(
      fc.property(
        fc.constantFrom(token, credential, challenge, `Authorization: ${credential}`),
        fc.nat(1200),
        fc.constantFrom('', 'A', '"', ',', '\n', ' ', '='),
        fc.nat(1),
        (text, at, inserted, removed) => {
          const damaged = text.slice(0, at) + inserted + text.slice(at + removed)
          const output = outputOf(damaged)
          if (output.startsWith('{')) decoded++
          for (const text of secrets) expect(output).not.toContain(text)
        },
      ),
      { numRuns: 2000 },
    )
    expect(decoded).toBeGreaterThan(100)
  })

  test('keeps control characters of others out of what people see', () => {
    const hostile = encodeToken(
      mint({
        rootKey: new Uint8Array(32),
        identifier: new Uint8Array(3),
        location: 'a\u001b[2J',
        caveats: ['note=\u202eb'],
      }),
    )
    const { show } = decodeText(hostile, { nowSeconds: 0, showSecrets: false })
    const shown = show(screen)
    expect(shown).toContain('a\ufffd[2J')
    expect(shown).toContain('note=\ufffdb')
    expect(shown).not.toMatch(/[\u001b\u202e]/)
  })
})
