import { expect, test } from 'vitest'
import { satToMsat } from '../../library/src/amount/index.ts'
import { encodeHex, sha256 } from '../../library/src/bytes/index.ts'
import { readCallLimits } from '../../library/src/client/call-limits.ts'
import type { CheckedChallenge } from '../../library/src/client/check-challenge.ts'
import { chooseChallenge } from '../../library/src/client/check-challenge.ts'
import { readPolicy } from '../../library/src/client/policy.ts'
import { encodeInvoice, paymentHash } from '../../library/src/invoice/index.ts'
import {
  encodeIdentifier,
  formatChallenge,
  parseChallenges,
  purchaseCaveats,
} from '../../library/src/l402/index.ts'
import { encodeToken, mint } from '../../library/src/macaroon/index.ts'
import { fuzzText } from './harness.ts'

const nowSeconds = 1_900_000_000
const maxMsat = satToMsat(100n)
const rules = {
  policy: readPolicy({ maxPaymentMsat: maxMsat, maxTotalMsat: maxMsat }),
  limits: readCallLimits(),
  network: 'regtest',
  nowSeconds,
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

test('R-PAY-10 whatever a 402 says, only a challenge that keeps every rule is chosen', () => {
  const honest = line(10n, 'regtest', 5)
  const dear = line(1000n, 'regtest', 6)
  const report = fuzzText({
    name: 'chosen challenge',
    seeds: [
      honest,
      dear,
      line(10n, 'bitcoin', 7),
      `${dear}, ${honest}`,
      `Basic realm="x", ${honest}`,
    ],
    words: ['L402 ', 'LSAT ', 'version="1"', 'token="opaque"', ', ', 'lnbcrt1', honest.slice(5)],
    read: (text) => chooseChallenge(parseChallenges([text]), rules),
    codes: [
      'CHALLENGE_MALFORMED',
      'CHALLENGE_UNSUPPORTED',
      'CHALLENGE_MISMATCH',
      'INVOICE_MALFORMED',
      'INVOICE_CHECKSUM',
      'INVOICE_AMOUNT',
      'INVOICE_SIGNATURE',
      'INVOICE_FEATURE',
      'INVOICE_NETWORK',
      'INVOICE_EXPIRED',
      'BUDGET_EXCEEDED',
      'POLICY_REFUSED',
    ],
    holds: (_, result) => {
      const { invoice, facts, amountMsat, maxFeeMsat } = result as CheckedChallenge
      if (amountMsat <= 0n || amountMsat + maxFeeMsat > maxMsat) throw new Error('amount')
      if (invoice.network !== 'regtest') throw new Error('network')
      const hash = encodeHex(invoice.paymentHash)
      if (facts !== undefined && facts.paymentHash !== hash) throw new Error('hash')
    },
  })
  expect(report.accepted).toBeGreaterThan(0)
  expect(report.refused).toBeGreaterThan(0)
})
