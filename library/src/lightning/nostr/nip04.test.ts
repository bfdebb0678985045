import { createCipheriv, createDecipheriv } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decryptNip04, encryptNip04 } from './nip04.ts'

const key = new Uint8Array(32).fill(9)

/** As Node's own AES has it. */
function oracle(text: string, iv: Uint8Array): string {
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  const bytes = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return `${bytes.toString('base64')}?iv=${Buffer.from(iv).toString('base64')}`
}

describe('R-NWC-41 NIP-04', () => {
  test('it is AES-256-CBC as another one writes and reads it', () => {
    const iv16 = fc.uint8Array({ minLength: 16, maxLength: 16 })
    fc.assert(
      fc.property(fc.string({ maxLength: 500, unit: 'grapheme' }), iv16, (text, iv) => {
        expect(encryptNip04(text, key, iv)).toBe(oracle(text, iv))
        expect(decryptNip04(oracle(text, iv), key)).toBe(text)
        const [body = '', vector = ''] = encryptNip04(text, key).split('?iv=')
        const decipher = createDecipheriv('aes-256-cbc', key, Buffer.from(vector, 'base64'))
        const bytes = Buffer.concat([decipher.update(body, 'base64'), decipher.final()])
        expect(bytes.toString('utf8')).toBe(text)
      }),
      { numRuns: 100 },
    )
  })
  const right = oracle('{"result":{}}', new Uint8Array(16).fill(1))
  for (const [what, content] of [
    ['nothing', ''],
    ['no iv', right.split('?')[0] ?? ''],
    ['two ivs', `${right}?iv=AAAAAAAAAAAAAAAAAAAAAA==`],
    ['a short iv', `${right.split('?')[0]}?iv=AAAA`],
    ['half of it', `${right.slice(0, 7)}?iv=AAAAAAAAAAAAAAAAAAAAAA==`],
    ['another iv, so that it is no padding or no text', right.replace('AQEB', '////')],
    ['no base64', right.replace(/^./, '*')],
    ['a space before', ` ${right}`],
    ['more than anybody writes', `${'A'.repeat(400_000)}?iv=AAAAAAAAAAAAAAAAAAAAAA==`],
  ] as const) {
    test(`not decrypted: ${what}`, () => {
      const text = decryptNip04(content, key)
      expect(text === undefined || text !== '{"result":{}}').toBe(true)
      if (!what.startsWith('another iv')) expect(text).toBeUndefined()
    })
  }
})
