import { expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { hashPreimage, preimage } from '../../library/src/invoice/index.ts'
import type { Access, Grant, ParsedCaveat } from '../../library/src/l402/index.ts'
import {
  authorize,
  canonicalTarget,
  formatCaveat,
  parseCaveat,
  purchaseCaveats,
  readTerms,
  requestCaveats,
} from '../../library/src/l402/index.ts'
import { attenuate, mint, verify } from '../../library/src/macaroon/index.ts'
import { fuzzText } from './harness.ts'

const now = 1_800_000_000
const rootKey = new Uint8Array(32)
const secret = preimage(new Uint8Array(32).fill(1))
const options = { service: 'weather', paymentHash: hashPreimage(secret), preimage: secret }
const purchase = purchaseCaveats({
  service: 'weather',
  tier: 1,
  capability: 'forecast',
  validUntilSeconds: now + 1000,
  amountMsat: msat(10_000n),
})
const sold = mint({ rootKey, identifier: new Uint8Array(66), caveats: purchase })
const access: Access = {
  tier: 1,
  capability: 'forecast',
  method: 'GET',
  target: canonicalTarget('/api/weather'),
  nowSeconds: now,
  priceMsat: msat(10_000n),
  scope: undefined,
  clientAddress: '192.0.2.7',
  origin: 'https://app.example',
  bodySha256: 'ab'.repeat(32),
}
const known = [
  ...purchase,
  ...requestCaveats({ method: 'GET', target: '/api/weather', nowSeconds: now }),
  'weather_uses=5',
  'request_count <= 10',
  'expiry = 2099-03-01T00:00:00Z',
  'expires_at=1900000000',
  'expiration=1900000000000',
  'valid_until=1900000000',
  'forecast_valid_until=1900000000',
  'endpoint = /api/weather',
  'path=/api/*',
  'method=GET,HEAD',
  'max_requests=10',
  'max_amount_sats = 500',
  'spend_limit_sat=500',
  'ip=192.0.2.0/24,2001:db8::/32',
  'client_ip=::ffff:192.0.2.7',
  'origin=https://app.example',
  `body_sha256=${'ab'.repeat(32)}`,
  `preimage=${'01'.repeat(32)}`,
  'did=team-a',
]
const words = [
  '=',
  ' = ',
  '<=',
  ',',
  '0',
  '9',
  '/',
  '*',
  ':',
  'weather_',
  '_valid_until',
  '::',
  '.',
  '%',
  'Z',
]

test('R-CAV-1 R-CAV-2 any text is refused, or read as the caveat that is written', () => {
  const report = fuzzText({
    name: 'parseCaveat',
    seeds: known,
    words,
    read: parseCaveat,
    codes: ['CAVEAT_MALFORMED'],
    holds: (text, result) => {
      if (formatCaveat(result as ParsedCaveat) !== text) throw new Error('not the same')
    },
  })
  expect(report.accepted).toBeGreaterThan(report.cases / 4)
  expect(report.refused).toBeGreaterThan(report.cases / 10)
})

test('R-CAV-11 whatever is added to a token, it is refused or opens no more than before', () => {
  const plain = grantWith()
  const report = fuzzText({
    name: 'readTerms and authorize',
    seeds: known,
    words,
    // A macaroon carries UTF-8, and nothing that is not well-formed Unicode.
    read: (text) => grantWith(text.toWellFormed()),
    codes: [
      'CAVEAT_MALFORMED',
      'CAVEAT_UNKNOWN',
      'CAVEAT_WIDENS',
      'CAVEAT_NOT_MET',
      'MACAROON_TOO_LARGE',
      'MACAROON_MALFORMED',
    ],
    holds: (_, result) => {
      const grant = result as Grant
      if (grant.tier > plain.tier || grant.amountMsat > plain.amountMsat) throw new Error('more')
      if (grant.validUntilSeconds > plain.validUntilSeconds) throw new Error('longer')
      if (grant.skipped.length > 0) throw new Error('something was not enforced')
    },
  })
  expect(report.accepted).toBeGreaterThan(report.cases / 100)
  expect(report.refused).toBeGreaterThan(report.cases / 4)
})

function grantWith(...added: readonly string[]): Grant {
  return authorize(readTerms(verify(attenuate(sold, ...added), rootKey), options), access)
}
