import fc from 'fast-check'
import { expect, test } from 'vitest'
import { satToMsat } from '../amount/index.ts'
import { encodeHex, sha256 } from '../bytes/index.ts'
import { isL402Error } from '../errors.ts'
import { encodeInvoice, paymentHash } from '../invoice/index.ts'
import {
  encodeIdentifier,
  formatChallenge,
  parseChallenges,
  purchaseCaveats,
} from '../l402/index.ts'
import { encodeToken, mint } from '../macaroon/index.ts'
import { readCallLimits } from './call-limits.ts'
import { chooseChallenge } from './check-challenge.ts'
import { readPolicy } from './policy.ts'

const nowSeconds = 1_900_000_000
const maxMsat = satToMsat(100n)
const rules = {
  policy: readPolicy({ maxPaymentMsat: maxMsat, maxTotalMsat: maxMsat }, {})!,
  limits: readCallLimits(),
  network: 'regtest',
  nowSeconds,
  origin: 'https://shop.test',
} as const

/** A challenge line of a seller who may be honest. */
function line(sat: bigint, network: 'regtest' | 'bitcoin', preimage: number): string {
  const hash = paymentHash(sha256(Uint8Array.of(preimage)))
  const invoice = encodeInvoice(
    {
      network,
      amountMsat: satToMsat(sat),
      timestampSeconds: nowSeconds,
      paymentHash: hash,
      paymentSecret: sha256(Uint8Array.of(1)),
      description: 'data',
    },
    sha256(Uint8Array.of(2)),
  )
  const macaroon = mint({
    rootKey: sha256(Uint8Array.of(3)),
    identifier: encodeIdentifier({ paymentHash: hash, tokenId: sha256(Uint8Array.of(4)) }),
    caveats: purchaseCaveats({
      service: 'shop',
      tier: 0,
      capability: 'data',
      validUntilSeconds: nowSeconds + 60,
      amountMsat: satToMsat(sat),
    }),
  })
  return formatChallenge({ token: encodeToken(macaroon), invoice })
}

const refusals =
  /^(CHALLENGE_(MALFORMED|UNSUPPORTED|MISMATCH)|INVOICE_(MALFORMED|CHECKSUM|AMOUNT|SIGNATURE|FEATURE|NETWORK|EXPIRED)|BUDGET_EXCEEDED|POLICY_REFUSED)$/

test('R-PAY-10 whatever a 402 says, only a challenge that keeps every rule is chosen', () => {
  const honest = line(10n, 'regtest', 5)
  const dear = line(1000n, 'regtest', 6)
  const foreign = line(10n, 'bitcoin', 7)
  const seeds = [honest, dear, foreign, `${dear}, ${honest}`, `Basic realm="x", ${foreign}`]
  const words = ['L402 ', 'LSAT ', 'version="1", ', 'token="x", ', '"', ', ', honest, dear.slice(5)]
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removes: fc.nat(12),
    adds: fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 8 })),
  })
  const edits = fc.array(edit, { maxLength: 4 })
  let chosen = 0
  let refused = 0
  fc.assert(
    fc.property(fc.constantFrom(...seeds), edits, (seed, list) => {
      let text = seed
      for (const { at, removes, adds } of list) {
        const start = Math.floor(at * text.length)
        text = text.slice(0, start) + adds + text.slice(start + removes)
      }
      try {
        const { invoice, facts, amountMsat, maxFeeMsat } = chooseChallenge(
          parseChallenges([text]),
          rules,
        )
        chosen++
        expect(amountMsat).toBeGreaterThan(0n)
        expect(amountMsat + maxFeeMsat).toBeLessThanOrEqual(maxMsat)
        expect(invoice.network).toBe('regtest')
        expect(facts?.paymentHash ?? encodeHex(invoice.paymentHash)).toBe(
          encodeHex(invoice.paymentHash),
        )
      } catch (error) {
        if (!isL402Error(error)) throw error
        refused++
        expect(error.code).toMatch(refusals)
      }
    }),
    { numRuns: 3000 },
  )
  expect(chosen).toBeGreaterThan(100)
  expect(refused).toBeGreaterThan(100)
})
