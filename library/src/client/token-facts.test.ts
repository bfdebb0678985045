import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { satToMsat } from '../amount/index.ts'
import { sha256 } from '../bytes/index.ts'
import { paymentHash } from '../invoice/index.ts'
import { encodeIdentifier, purchaseCaveats } from '../l402/index.ts'
import { attenuate, decodeToken, encodeToken, mint } from '../macaroon/index.ts'
import { readTokenFacts } from './token-facts.ts'

const hash = paymentHash(sha256(Uint8Array.of(1)))

function token(caveats: readonly string[]): string {
  const identifier = encodeIdentifier({ paymentHash: hash, tokenId: sha256(Uint8Array.of(2)) })
  return encodeToken(mint({ rootKey: Uint8Array.of(3), identifier, caveats }))
}

const purchase = {
  service: 'shop',
  tier: 0,
  capability: 'data',
  validUntilSeconds: 2000,
  amountMsat: satToMsat(10n),
}

describe('R-PAY-42 what a token says about itself', () => {
  test('is all that a purchase states', () => {
    const facts = readTokenFacts(token(purchaseCaveats({ ...purchase, uses: 5 })))
    expect(facts).toEqual({
      paymentHash: Buffer.from(hash).toString('hex'),
      service: 'shop',
      capability: 'data',
      validUntilSeconds: 2000,
      uses: 5,
      coverage: 'services=shop:0\nshop_capabilities=data',
    })
  })

  test('covers the same whatever it cost, however long and however often it is good', () => {
    const other = { ...purchase, validUntilSeconds: 9, amountMsat: satToMsat(1n), uses: 1 }
    const [one, two] = [purchase, other].map((sold) => readTokenFacts(token(purchaseCaveats(sold))))
    expect(one!.coverage).toBe(two!.coverage)
  })

  test('covers something else in another tier, capability or scope', () => {
    const coverages = [
      purchase,
      { ...purchase, tier: 1 },
      { ...purchase, capability: 'other' },
      { ...purchase, scope: 'ab'.repeat(16) },
    ].map((sold) => readTokenFacts(token(purchaseCaveats(sold)))?.coverage)
    expect(new Set(coverages).size).toBe(4)
  })

  test('is narrower once a holder narrowed it', () => {
    const parent = decodeToken(token(purchaseCaveats(purchase)))
    const child = attenuate(parent, 'path=/a', 'exp=1500', 'request_count <= 3')
    const facts = readTokenFacts(encodeToken(child))
    expect(facts).toMatchObject({ validUntilSeconds: 1500, uses: 3 })
    expect(facts!.coverage).toContain('path=/a')
  })

  test('is nothing but its hash where it carries no caveats, or none that can be read', () => {
    const bare = {
      service: undefined,
      capability: undefined,
      validUntilSeconds: undefined,
      uses: undefined,
      coverage: undefined,
    }
    expect(readTokenFacts(token([]))).toMatchObject(bare)
    expect(readTokenFacts(token(['no operator', 'shop_uses=many', '\u0000=1']))).toMatchObject({
      ...bare,
      coverage: undefined,
    })
  })

  test('R-PAY-14 is nothing at all in the shapes that are no macaroons, or not of version 0', () => {
    const vectors = JSON.parse(
      readFileSync(new URL('../../../spec/vectors/l402-headers.json', import.meta.url), 'utf8'),
    ) as { variables: Record<string, string> }
    const { M, MU, ALBY, SATRING } = vectors.variables
    expect(readTokenFacts(M!)?.service).toBe('weather')
    expect(readTokenFacts(MU!)?.paymentHash).toBe(readTokenFacts(M!)!.paymentHash)
    for (const text of [ALBY!, SATRING!, '', 'AgIE', 'x'.repeat(20_000)]) {
      expect(readTokenFacts(text)).toBeUndefined()
    }
  })
})
