import { describe, expect, test } from 'vitest'
import { msat } from '../amount/index.ts'
import { hashPreimage, preimage } from '../invoice/index.ts'
import { readOutcome } from './read-outcome.ts'

const secret = preimage(new Uint8Array(32).fill(7))
const hash = hashPreimage(secret)
const order = { amountMsat: msat(10_000n), maxFeeMsat: msat(5000n) }
const settled = { status: 'settled', preimage: secret, amountMsat: 10_000n, feeMsat: 1n }
const unknown = { status: 'unknown' }

describe('R-PAY-32 what a wallet says', () => {
  for (const [name, answer] of [
    ['nothing', undefined],
    ['null', null],
    ['text', 'settled'],
    ['a number', 1],
    ['an empty object', {}],
    ['a status nobody knows', { status: 'paid' }],
    ['that it is not known', { status: 'unknown' }],
    ['a failure without a reason', { status: 'failed' }],
    ['a failure for a reason nobody knows', { status: 'failed', reason: 'dunno' }],
    ['a settlement without a preimage', { ...settled, preimage: undefined }],
    ['a settlement with a preimage in hex', { ...settled, preimage: '07'.repeat(32) }],
    ['a settlement with a short preimage', { ...settled, preimage: secret.slice(1) }],
    ['R-PAY-36 a settlement with another preimage', { ...settled, preimage: new Uint8Array(32) }],
    [
      'something that throws when it is looked at',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no')
          },
        },
      ),
    ],
  ] as const) {
    test(`leaves it unknown: ${name}`, () => {
      expect(readOutcome(answer, hash, order)).toEqual(unknown)
    })
  }

  for (const [name, said, read] of [
    ['what it cost', {}, [10_000n, 1n]],
    ['no fee', { feeMsat: 0n }, [10_000n, 0n]],
    ['more than was allowed, which was spent all the same', { feeMsat: 9000n }, [10_000n, 9000n]],
    ['a negative fee', { feeMsat: -1n }, [10_000n, 5000n]],
    ['a fee that is a number', { feeMsat: 1 }, [10_000n, 5000n]],
    ['no word of a fee', { feeMsat: undefined }, [10_000n, 5000n]],
    ['more than there is', { feeMsat: 1n << 80n }, [10_000n, 5000n]],
    ['a negative amount', { amountMsat: -10_000n }, [10_000n, 1n]],
    ['an amount that is text', { amountMsat: '10000' }, [10_000n, 1n]],
  ] as const) {
    test(`R-PAY-36 is settled with the right preimage, and ${name}`, () => {
      const outcome = readOutcome({ ...settled, ...said }, hash, order)
      expect(outcome).toEqual({ ...settled, amountMsat: read[0], feeMsat: read[1] })
    })
  }

  test('is a failure for a reason there is', () => {
    const failed = { status: 'failed', reason: 'no-route' }
    expect(readOutcome(failed, hash, order)).toEqual(failed)
  })
})
