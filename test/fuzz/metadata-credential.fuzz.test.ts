import { expect, test } from 'vitest'
import { decodeHex, encodeBase64, encodeHex } from '../../library/src/bytes/index.ts'
import type { Credential } from '../../library/src/l402/index.ts'
import { parseMetadataCredential } from '../../library/src/l402/index.ts'
import {
  attenuate,
  encodeMacaroon,
  encodeMacaroonV1,
  mint,
} from '../../library/src/macaroon/index.ts'
import { fuzzText } from './harness.ts'

const proof = `preimage=${'00ff'.repeat(16)}`
const token = mint({ rootKey: new Uint8Array(32), identifier: new Uint8Array(66) })

test('R-CRED-7 any hexadecimal is refused, or is the token that comes out', () => {
  const report = fuzzText({
    name: 'parseMetadataCredential',
    seeds: [
      encodeHex(encodeMacaroon(attenuate(token, proof))),
      encodeHex(encodeMacaroon(attenuate(token, 'services=a:0', proof, proof))),
      encodeHex(encodeMacaroonV1(attenuate(token, proof))),
      encodeHex(encodeMacaroon(token)),
    ],
    words: ['00', '02', '06', '0202', encodeHex(new TextEncoder().encode(proof))],
    read: parseMetadataCredential,
    codes: ['CREDENTIAL_MALFORMED', 'CREDENTIAL_CONFLICT'],
    holds: (value, result) => {
      const { tokens, preimage } = result as Credential
      if (tokens[0] !== encodeBase64(decodeHex(value))) throw new Error('not the same token')
      if (preimage.length !== 32) throw new Error('not a preimage')
    },
  })
  expect(report.accepted).toBeGreaterThan(report.cases / 100)
  expect(report.refused).toBeGreaterThan(report.cases / 4)
})
