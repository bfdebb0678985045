import { describe, expect, test } from 'vitest'
import { encodeBase64, encodeHex } from '../../library/src/bytes/index.ts'
import { hashPreimage, preimage, provesPayment } from '../../library/src/invoice/index.ts'
import type { WalletAnswer } from '../../library/src/lightning/http-wallet/wallet-answer.ts'
import { readAnswer } from '../../library/src/lightning/http-wallet/wallet-answer.ts'
import { fuzzText } from './harness.ts'

const secret = preimage(new Uint8Array(32).fill(0xcd))
const hash = hashPreimage(secret)
const named = { paymentHash: encodeHex(hash) }
const paths = { preimage: undefined, paid: undefined, fee: undefined }

describe('the reader of an HTTP wallet’s answers under noise', () => {
  test('R-HW-6 R-HW-7 settles with a proof alone, and fails only what is named', () => {
    const told = new Set<string | undefined>()
    fuzzText({
      name: 'readAnswer',
      seeds: [
        JSON.stringify({
          isPaid: true,
          paymentPreimage: encodeHex(secret),
          amount: 10,
          feeMsat: 7,
        }),
        JSON.stringify({ data: { preimage: encodeBase64(secret), fee_msat: '7' } }),
        JSON.stringify({ isPaid: false, status: 'failed', reason: 'no-route' }),
        JSON.stringify({ ...named, status: 'not-found' }),
        JSON.stringify({ result: { ...named, state: 'failed' } }),
        JSON.stringify({ isPaid: true }),
      ],
      words: [
        '"status":"failed",',
        '"isPaid":true,',
        '"isPaid":false,',
        '"__proto__":{"isPaid":true},',
        `"paymentHash":"${encodeHex(hash)}",`,
        '"data":{',
        '}',
        'null',
        '"feeMsat":-1,',
        '\ufeff',
      ],
      read: (text) => readAnswer(text, hash, paths),
      codes: [],
      holds: (text, result) => {
        const answer = result as WalletAnswer | undefined
        told.add(answer?.says)
        if (answer === undefined) return
        JSON.parse(text)
        if (answer.says === 'settled') {
          expect(provesPayment(answer.preimage, hash)).toBe(true)
          if (answer.feeMsat !== undefined) expect(answer.feeMsat >= 0n).toBe(true)
        }
        if (answer.says !== 'failed' && answer.says !== 'not-found') return
        // `\u` may spell a letter, so the text alone decides only where there is none.
        if (text.includes('\\')) return
        expect(text).toMatch(/failed|not.found/i)
        expect(text.includes('false') || text.toLowerCase().includes(encodeHex(hash))).toBe(true)
      },
    })
    expect(told).toEqual(new Set([undefined, 'settled', 'failed', 'not-found', 'paid', 'nothing']))
  })
})
