import { describe, expect, test } from 'vitest'
import type { RequestParts, Stall } from '../../../test/adapters/stall.ts'
import {
  admissionOf,
  headerLines,
  masterKey,
  openStall,
  paidRequest,
  purchase,
  readBody,
  refusalOf,
  refusedWith,
  request,
  strangePreimage,
} from '../../../test/adapters/stall.ts'
import { msat } from '../amount/index.ts'
import { encodeBase64, encodeHex, encodeUtf8, sha256 } from '../bytes/index.ts'
import { preimage } from '../invoice/index.ts'
import { encodeIdentifier, purchaseCaveats } from '../l402/index.ts'
import {
  addThirdPartyCaveat,
  attenuate,
  decodeToken,
  encodeMacaroon,
  encodeToken,
  mint,
} from '../macaroon/index.ts'
import { createKeyRing, createMemoryDenyList, createMemoryUseStore } from './index.ts'
import type { Gate } from './paywall.ts'
import type { DenyList, UseStore } from './store.ts'

const forecast = { price: '10 sat', capability: 'forecast' } as const

/** A token of our own making, with any preimage, key and caveats. */
function forge(parts: {
  secret?: Uint8Array
  key?: Uint8Array
  kid?: number
  caveats?: readonly string[]
}): ReturnType<typeof purchase> {
  const secret = preimage(parts.secret ?? strangePreimage)
  const paymentHash = sha256(secret) as Parameters<typeof encodeIdentifier>[0]['paymentHash']
  const tokenId = new Uint8Array(32).fill(5)
  tokenId[0] = parts.kid ?? 1
  const identifier = encodeIdentifier({ paymentHash, tokenId })
  const ring = createKeyRing([{ kid: tokenId[0]!, key: parts.key ?? masterKey }])
  const rootKey = ring.rootKey(identifier)!
  const caveats =
    parts.caveats ??
    purchaseCaveats({
      service: 'weather',
      tier: 0,
      capability: 'forecast',
      validUntilSeconds: 1_900_000_000,
      amountMsat: msat(10_000n),
    })
  return purchase(encodeToken(mint({ rootKey, identifier, caveats })), secret)
}

describe('R-SRV-5 every refusal has its status', () => {
  test('no credential: 402 and a challenge', async () => {
    const stall = openStall()
    const decision = await stall.paywall.charge(forecast)(request())
    expect(refusedWith(decision)).toBe('402 ACCESS_PAYMENT_REQUIRED')
    expect(headerLines(refusalOf(decision), 'www-authenticate')).toHaveLength(1)
  })

  test('a credential of another scheme is no credential', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    for (const authorization of ['Bearer abc', 'Basic eDp5', '', 'Bearer L402x']) {
      expect(refusedWith(await gate(paidRequest(authorization)))).toBe(
        '402 ACCESS_PAYMENT_REQUIRED',
      )
    }
  })

  test('a paid credential is admitted, with what was bought', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ ...forecast, tier: 2 })
    const { authorization, paymentHash, token } = await stall.buy(gate)
    const { receipt } = admissionOf(await gate(paidRequest(authorization)))
    expect(receipt).toEqual({
      tokenId: encodeHex(decodeToken(token).identifier.slice(34)),
      paymentHash,
      amountMsat: 10_000n,
      service: 'weather',
      capability: 'forecast',
      tier: 2,
      validUntilSeconds: stall.clock.seconds + 600 + 3600,
      soldUntilSeconds: stall.clock.seconds + 600 + 3600,
    })
  })

  test('R-SRV-24 authentic and expired, underpaid or for something else: 402 and a fresh challenge that says why', async () => {
    const stall = openStall()
    let price = '10 sat'
    const gate = stall.paywall.charge({ ...forecast, price: () => price, lifetimeSeconds: 60 })
    const other = stall.paywall.charge({ price: '1 sat', capability: 'history' })
    const bought = await stall.buy(gate)

    const cheap = await stall.buy(other)
    expect(refusedWith(await gate(paidRequest(cheap.authorization)))).toBe(
      '402 ACCESS_OTHER_RESOURCE',
    )
    price = '11 sat'
    expect(refusedWith(await gate(paidRequest(bought.authorization)))).toBe('402 ACCESS_UNDERPAID')
    price = '10 sat'
    stall.clock.seconds += 659
    admissionOf(await gate(paidRequest(bought.authorization)))
    stall.clock.seconds += 1
    const decision = await gate(paidRequest(bought.authorization))
    expect(refusedWith(decision)).toBe('402 ACCESS_EXPIRED')

    const again = await stall.pay(refusalOf(decision))
    admissionOf(await gate(paidRequest(again.authorization)))
  })

  test('R-SRV-24 authentic and forbidden by what a holder added: 403 and no challenge', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    const { narrowed } = await stall.buy(gate)
    const before = stall.invoices()
    for (const [caveat, code] of [
      ['method=POST', 'CAVEAT_NOT_MET'],
      [`exp=${stall.clock.seconds}`, 'CAVEAT_NOT_MET'],
      ['ip=198.51.100.7', 'CAVEAT_NOT_MET'],
      ['colour=blue', 'CAVEAT_UNKNOWN'],
      ['exp=soon', 'CAVEAT_MALFORMED'],
      ['weather_valid_until=1999999999', 'CAVEAT_WIDENS'],
    ] as const) {
      const response = refusalOf(await gate(paidRequest(narrowed(caveat))))
      expect([response.status, readBody(response)['code']]).toEqual([403, code])
      expect(headerLines(response, 'www-authenticate')).toEqual([])
      expect(response.body).not.toContain('lnbcrt')
    }
    expect(stall.invoices()).toBe(before)
    admissionOf(await gate(paidRequest(narrowed('method=GET', 'ip=192.0.2.0/24'))))
  })

  test('caveats that are not text are forbidden, and unknown ones pass where that is chosen', async () => {
    const stall = openStall({ unknownCaveats: 'skip' })
    const gate = stall.paywall.charge(forecast)
    const bought = await stall.buy(gate)
    admissionOf(await gate(paidRequest(bought.narrowed('colour=blue'))))
    const macaroon = decodeToken(bought.token)
    const bytes = { ...macaroon, unverifiedCaveats: [...macaroon.unverifiedCaveats] }
    // No library call adds what is not text, so the holder does by hand what attenuating does.
    const { hmacSha256 } = await import('../bytes/index.ts')
    const identifier = Uint8Array.of(0xff, 0xfe)
    bytes.unverifiedCaveats.push({ identifier })
    const token = encodeToken({ ...bytes, signature: hmacSha256(macaroon.signature, identifier) })
    expect(
      refusedWith(await gate(paidRequest(purchase(token, bought.preimage).authorization))),
    ).toBe('403 CAVEAT_MALFORMED')
  })
})

describe('R-SRV-22 what is wrong with a credential is not told', () => {
  const stall = openStall()
  const gate = stall.paywall.charge(forecast)
  const damage = (token: string): string => {
    const macaroon = decodeToken(token)
    const signature = macaroon.signature.slice()
    signature[0]! ^= 1
    return encodeToken({ ...macaroon, signature })
  }
  const cases: readonly (readonly [string, string, () => Promise<string>])[] = [
    [
      'another key',
      'MACAROON_SIGNATURE',
      async () => forge({ key: strangePreimage }).authorization,
    ],
    ['an unknown kid', 'CREDENTIAL_REFUSED', async () => forge({ kid: 9 }).authorization],
    [
      'the preimage of another payment',
      'PREIMAGE_MISMATCH',
      async () => purchase((await stall.buy(gate)).token, preimage(strangePreimage)).authorization,
    ],
    [
      'a changed signature',
      'MACAROON_SIGNATURE',
      async () => {
        const { token, preimage } = await stall.buy(gate)
        return purchase(damage(token), preimage).authorization
      },
    ],
    [
      'a caveat taken away',
      'MACAROON_SIGNATURE',
      async () => {
        const { token, preimage } = await stall.buy(gate)
        const macaroon = decodeToken(token)
        const unverifiedCaveats = macaroon.unverifiedCaveats.slice(0, -1)
        return purchase(encodeToken({ ...macaroon, unverifiedCaveats }), preimage).authorization
      },
    ],
    [
      'no macaroon',
      'MACAROON_MALFORMED',
      async () => `L402 ${encodeBase64(encodeUtf8('hello!!'))}:${'00'.repeat(32)}`,
    ],
    [
      'too many caveats',
      'MACAROON_TOO_LARGE',
      async () => (await stall.buy(gate)).narrowed(...Array.from({ length: 40 }, () => 'did=a')),
    ],
    [
      'another identifier',
      'IDENTIFIER_MALFORMED',
      async () => {
        const token = encodeToken(mint({ rootKey: masterKey, identifier: new Uint8Array(65) }))
        return purchase(token, preimage(strangePreimage)).authorization
      },
    ],
    [
      'a third party that nobody asked',
      'MACAROON_DISCHARGE',
      async () => {
        const { token, preimage } = await stall.buy(gate)
        const narrowed = addThirdPartyCaveat(decodeToken(token), {
          caveatKey: masterKey,
          identifier: encodeUtf8('ask'),
        })
        return purchase(encodeToken(narrowed), preimage).authorization
      },
    ],
  ]
  const bodies = new Set<string>()
  for (const [what, cause, authorization] of cases) {
    test(`${what} is one and the same 401`, async () => {
      const before = stall.told.length
      const response = refusalOf(await gate(paidRequest(await authorization())))
      bodies.add(JSON.stringify(response))
      expect(response.status).toBe(401)
      expect(headerLines(response, 'www-authenticate')).toEqual(['L402'])
      expect(bodies.size).toBe(1)
      expect(stall.told.slice(before).at(-1)).toEqual({
        name: 'refused',
        event: expect.objectContaining({ status: 401, code: 'CREDENTIAL_REFUSED', cause }),
      })
    })
  }

  for (const [what, code, headers] of [
    ['no preimage', 'CREDENTIAL_MALFORMED', { authorization: 'L402 AgJC' }],
    ['an empty credential', 'CREDENTIAL_MALFORMED', { authorization: 'L402 ' }],
    ['a short preimage', 'CREDENTIAL_MALFORMED', { authorization: 'LSAT AgJC:00' }],
    [
      'two that differ',
      'CREDENTIAL_CONFLICT',
      { authorization: [`L402 AgJC:${'00'.repeat(32)}`, `L402 AgJC:${'01'.repeat(32)}`] },
    ],
    [
      'two that differ, joined',
      'CREDENTIAL_CONFLICT',
      { authorization: `L402 AgJC:${'00'.repeat(32)}, LSAT AgJD:${'00'.repeat(32)}` },
    ],
  ] as const) {
    test(`${what}: 401 ${code}, without an invoice`, async () => {
      const response = refusalOf(await gate(request({ headers })))
      expect([response.status, readBody(response)['code']]).toEqual([401, code])
      expect(headerLines(response, 'www-authenticate')).toEqual(['L402'])
    })
  }

  test('where 402 is chosen, each of them is a fresh challenge', async () => {
    const stall = openStall({ invalidCredential: 402 })
    const gate = stall.paywall.charge(forecast)
    for (const [authorization, code] of [
      [forge({ kid: 9 }).authorization, 'CREDENTIAL_REFUSED'],
      ['L402 x', 'CREDENTIAL_MALFORMED'],
    ] as const) {
      const response = refusalOf(await gate(paidRequest(authorization)))
      expect(readBody(response)).toMatchObject({ code, status: 402, title: 'Payment Required' })
      expect(response.status).toBe(402)
      admissionOf(await gate(paidRequest((await stall.pay(response)).authorization)))
    }
  })

  test('S1 a token of our own minting does not open before its invoice is paid', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    const { token } = readBody(refusalOf(await gate(request()))) as { token: string }
    for (const secret of [
      strangePreimage,
      new Uint8Array(32),
      decodeToken(token).identifier.slice(2, 34),
    ]) {
      const { authorization } = purchase(token, preimage(secret))
      expect(refusedWith(await gate(paidRequest(authorization)))).toBe('401 CREDENTIAL_REFUSED')
    }
  })
})

describe('R-SRV-20 cheap checks come first', () => {
  test('junk that nobody paid for never reaches a key', async () => {
    let asked = 0
    const ring = createKeyRing([{ kid: 1, key: masterKey }])
    const stall = openStall({
      keys: {
        newestKid: 1,
        rootKey: (identifier) => {
          asked++
          return ring.rootKey(identifier)
        },
      },
    })
    const gate = stall.paywall.charge(forecast)
    const { token } = readBody(refusalOf(await gate(request()))) as { token: string }
    const minted = asked
    await gate(paidRequest(purchase(token, preimage(strangePreimage)).authorization))
    expect(asked).toBe(minted)
    await gate(paidRequest(forge({}).authorization))
    expect(asked).toBe(minted + 1)
  })
})

describe('R-SRV-21 a verified credential is remembered, and asked again what can change', () => {
  test('its signature is checked at its first two uses', async () => {
    let asked = 0
    const ring = createKeyRing([{ kid: 1, key: masterKey }])
    const keys = {
      newestKid: 1,
      rootKey: (identifier: Uint8Array) => {
        asked++
        return ring.rootKey(identifier)
      },
    }
    const stall = openStall({ keys })
    const gate = stall.paywall.charge(forecast)
    const { authorization } = await stall.buy(gate)
    const minting = 1
    for (const expected of [1, 2, 2, 2]) {
      admissionOf(await gate(paidRequest(authorization)))
      expect(asked).toBe(minting + expected)
    }
  })

  test('time, price, revocation and uses are asked for every time', async () => {
    const denyList = createMemoryDenyList()
    const stall = openStall({ denyList })
    let price = '10 sat'
    const gate = stall.paywall.charge({ ...forecast, price: () => price, uses: 3 })
    const { authorization, paymentHash } = await stall.buy(gate)
    const ask = async (): Promise<string> => {
      const decision = await gate(paidRequest(authorization))
      return decision.status === 'admitted' ? 'admitted' : refusedWith(decision)
    }
    expect(await ask()).toBe('admitted')
    price = '20 sat'
    expect(await ask()).toBe('402 ACCESS_UNDERPAID')
    price = '10 sat'
    denyList.deny(paymentHash)
    expect(await ask()).toBe('402 ACCESS_REVOKED')
    denyList.allow(paymentHash)
    expect([await ask(), await ask(), await ask()]).toEqual([
      'admitted',
      'admitted',
      '402 ACCESS_USED_UP',
    ])
    stall.clock.seconds += 10_000
    expect(await ask()).toBe('402 ACCESS_EXPIRED')
  })

  test('another spelling of a token and another token under one preimage are not taken for it', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ ...forecast, uses: 1 })
    const { authorization, token, preimage } = await stall.buy(gate)
    for (let i = 0; i < 3; i++) {
      const decision = admissionOf(await gate(paidRequest(authorization)))
      await decision.finish(i === 2 ? 200 : 500)
    }
    const unpadded = purchase(token, preimage).authorization.replace(/=+:/, ':')
    const urlSafe = authorization.replace(/\+/g, '-').replace(/\//g, '_')
    const lower = authorization.replace('L402', 'lsat')
    for (const spelling of [unpadded, urlSafe, lower, `${authorization} `]) {
      expect(refusedWith(await gate(paidRequest(spelling)))).toBe('402 ACCESS_USED_UP')
    }
    const macaroon = decodeToken(token)
    const forged = encodeToken({ ...macaroon, signature: macaroon.identifier.slice(0, 32) })
    expect(refusedWith(await gate(paidRequest(purchase(forged, preimage).authorization)))).toBe(
      '401 CREDENTIAL_REFUSED',
    )
  })
})

describe('R-SRV-19 a credential is read wherever clients put it', () => {
  const stall = openStall()
  const gate = stall.paywall.charge(forecast)
  const ask = async (headers: RequestParts['headers'] & {}): Promise<string> => {
    const decision = await gate(request({ headers }))
    return decision.status === 'admitted' ? 'admitted' : refusedWith(decision)
  }

  test('on the second of two Authorization lines, beside another scheme, under both names', async () => {
    const { authorization } = await stall.buy(gate)
    const lsat = authorization.replace('L402', 'LSAT')
    for (const lines of [
      [authorization],
      ['Bearer abc', authorization],
      [authorization, 'Bearer abc'],
      [lsat, authorization],
      [`${lsat}, ${authorization}`],
      [`Bearer abc, ${authorization}`],
    ]) {
      expect(await ask({ authorization: lines })).toBe('admitted')
    }
  })

  test('in metadata, with its own preimage, unless Authorization has another one', async () => {
    const mine = await stall.buy(gate)
    const other = await stall.buy(gate)
    const inMetadata = ({ token, preimage }: typeof mine): string =>
      encodeHex(encodeMacaroon(attenuate(decodeToken(token), `preimage=${encodeHex(preimage)}`)))
    const same = mine.narrowed(`preimage=${encodeHex(mine.preimage)}`)

    for (const name of ['macaroon', 'grpc-metadata-macaroon']) {
      expect(await ask({ [name]: inMetadata(mine) })).toBe('admitted')
      expect(await ask({ authorization: 'Bearer abc', [name]: inMetadata(mine) })).toBe('admitted')
      expect(await ask({ authorization: same, [name]: inMetadata(mine) })).toBe('admitted')
      expect(await ask({ authorization: same, [name]: inMetadata(other) })).toBe(
        '401 CREDENTIAL_CONFLICT',
      )
      expect(await ask({ [name]: [inMetadata(mine), inMetadata(other)] })).toBe(
        '401 CREDENTIAL_CONFLICT',
      )
    }
    expect(
      await ask({ macaroon: inMetadata(mine), 'grpc-metadata-macaroon': inMetadata(other) }),
    ).toBe('401 CREDENTIAL_CONFLICT')
  })

  test('a macaroon for the node behind this server is not taken for one', async () => {
    const { authorization, token } = await stall.buy(gate)
    const theirs = encodeHex(encodeMacaroon(decodeToken(token)))
    expect(await ask({ macaroon: theirs })).toBe('402 ACCESS_PAYMENT_REQUIRED')
    expect(await ask({ authorization, 'grpc-metadata-macaroon': theirs })).toBe('admitted')
  })
})

describe('R-SRV-23 of several tokens, all are authentic and one has to allow the request', () => {
  const stall = openStall()
  const gate = stall.paywall.charge(forecast)
  const both = (first: string, second: string): string => {
    const [token, secret] = first.slice('L402 '.length).split(':')
    return `L402 ${token},${second.slice('L402 '.length).split(':')[0]}:${secret}`
  }

  test('whichever it is', async () => {
    const { narrowed } = await stall.buy(gate)
    const good = narrowed('method=GET')
    const bad = narrowed('method=POST')
    const unknown = narrowed('colour=blue')
    for (const [first, second] of [
      [good, bad],
      [bad, good],
      [unknown, good],
    ] as const) {
      admissionOf(await gate(paidRequest(both(first, second))))
    }
    expect(refusedWith(await gate(paidRequest(both(unknown, bad))))).toBe('403 CAVEAT_UNKNOWN')
    expect(refusedWith(await gate(paidRequest(both(bad, unknown))))).toBe('403 CAVEAT_NOT_MET')
  })

  test('R-SRV-26 a store that is down is not made up for by another token', async () => {
    const down = (): Promise<never> => Promise.reject(new Error('down'))
    const stall = openStall({ uses: { reserve: down, commit: down, release: down } })
    const gate = stall.paywall.charge(forecast)
    const { authorization, narrowed } = await stall.buy(gate)
    const limited = narrowed('request_count <= 5')
    expect(refusedWith(await gate(paidRequest(both(limited, authorization))))).toBe(
      '503 STORE_UNAVAILABLE',
    )
    admissionOf(await gate(paidRequest(both(authorization, limited))))
  })

  test('one forged among them refuses them all', async () => {
    const { authorization } = await stall.buy(gate)
    const forged = forge({}).authorization
    expect(refusedWith(await gate(paidRequest(both(authorization, forged))))).toBe(
      '401 CREDENTIAL_REFUSED',
    )
    expect(refusedWith(await gate(paidRequest(both(forged, authorization))))).toBe(
      '401 CREDENTIAL_REFUSED',
    )
  })
})

describe('R-SRV-25 a body is read only for a token that asks for its digest', () => {
  const stall = openStall()
  const gate = stall.paywall.charge(forecast)
  const digest = encodeHex(sha256(encodeUtf8('{}')))

  test('and then the digest has to be the one', async () => {
    const bought = await stall.buy(gate)
    let reads = 0
    const bodySha256 = async (): Promise<string> => {
      reads++
      return digest
    }
    admissionOf(await gate(paidRequest(bought.authorization, { bodySha256 })))
    expect(
      refusedWith(await gate(paidRequest(bought.narrowed('method=POST'), { bodySha256 }))),
    ).toBe('403 CAVEAT_NOT_MET')
    expect(reads).toBe(0)
    const bound = bought.narrowed(`body_sha256=${digest}`)
    admissionOf(await gate(paidRequest(bound, { bodySha256 })))
    expect(reads).toBe(1)
    expect(refusedWith(await gate(paidRequest(bound)))).toBe('403 CAVEAT_NOT_MET')
    expect(
      refusedWith(await gate(paidRequest(bound, { bodySha256: async () => '00'.repeat(32) }))),
    ).toBe('403 CAVEAT_NOT_MET')
    expect(
      refusedWith(
        await gate(paidRequest(bound, { bodySha256: () => Promise.reject(new Error('too long')) })),
      ),
    ).toBe('403 CAVEAT_NOT_MET')
  })
})

describe('R-SRV-18 a token may have been cheaper by the grace that is set', () => {
  for (const [percent, least] of [
    [0, '10 sat'],
    [10, '9 sat'],
    [50, '5 sat'],
    [0.5, '9.95 sat'],
    [100, '1 msat'],
  ] as const) {
    test(`${percent} per cent of 10 sat: ${least} and no less`, async () => {
      const stall = openStall({ priceGracePercent: percent })
      let price: string = least
      const gate = stall.paywall.charge({ ...forecast, price: () => price })
      const enough = await stall.buy(gate)
      price = '10 sat'
      admissionOf(await gate(paidRequest(enough.authorization)))
      price = '10.001 sat'
      const decision = await gate(paidRequest(enough.authorization))
      expect(decision.status).toBe(percent === 100 ? 'admitted' : 'refused')
    })
  }
})

describe('R-SRV-26 a dependency that is down is 503 and never 402', () => {
  const broken: UseStore = {
    reserve: () => Promise.reject(new Error('connection refused')),
    commit: () => Promise.reject(new Error('connection refused')),
    release: () => Promise.reject(new Error('connection refused')),
  }

  test('S3 a token needs no node: it works while the payee is away, and nobody else is asked to pay', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    const { authorization } = await stall.buy(gate)
    stall.seller.setReachable(false)
    admissionOf(await gate(paidRequest(authorization)))
    for (const decision of [
      await gate(request({ clientAddress: '192.0.2.9' })),
      await gate(
        paidRequest(authorization.replace('L402 ', 'L402  '), { clientAddress: '192.0.2.9' }),
      ),
    ]) {
      if (decision.status === 'admitted') continue
      expect(refusedWith(decision)).toBe('503 NODE_UNAVAILABLE')
      expect(headerLines(decision.response, 'retry-after')).toEqual(['5'])
      expect(headerLines(decision.response, 'www-authenticate')).toEqual([])
    }
    expect(stall.told.filter(({ name }) => name === 'failure')).not.toEqual([])
  })

  test('S3 an expired token is not asked to pay again while the payee is away', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(forecast)
    const { authorization } = await stall.buy(gate)
    stall.clock.seconds += 100_000
    stall.seller.setReachable(false)
    expect(refusedWith(await gate(paidRequest(authorization)))).toBe('503 NODE_UNAVAILABLE')
  })

  test('S3 a limited token waits for its store, an unlimited one does not ask it', async () => {
    const stall = openStall({ uses: broken })
    const limited = stall.paywall.charge({ ...forecast, uses: 2 })
    const unlimited = stall.paywall.charge({ price: '1 sat', capability: 'history' })
    expect(refusedWith(await limited(paidRequest((await stall.buy(limited)).authorization)))).toBe(
      '503 STORE_UNAVAILABLE',
    )
    admissionOf(await unlimited(paidRequest((await stall.buy(unlimited)).authorization)))
    expect(stall.told.filter(({ name }) => name === 'failure').at(-1)).toMatchObject({
      event: { part: 'use-store', code: 'STORE_UNAVAILABLE' },
    })
  })

  for (const [what, isDenied] of [
    [
      'throws',
      () => {
        throw new Error('down')
      },
    ],
    ['rejects', () => Promise.reject(new Error('down'))],
    ['says nothing', () => undefined as unknown as boolean],
    ['says nothing later', async () => undefined as unknown as boolean],
  ] as const satisfies readonly (readonly [string, DenyList['isDenied']])[]) {
    test(`S3 a deny list that ${what} refuses nobody for good`, async () => {
      const stall = openStall({ denyList: { isDenied } })
      const gate = stall.paywall.charge(forecast)
      const { authorization } = await stall.buy(gate)
      expect(refusedWith(await gate(paidRequest(authorization)))).toBe('503 STORE_UNAVAILABLE')
      expect(stall.told.filter(({ name }) => name === 'failure').at(-1)).toMatchObject({
        event: { part: 'deny-list' },
      })
    })
  }

  test('R-SRV-26 a store that does not answer is away, and what it reserves too late is given back', async () => {
    const given: string[] = []
    let answer: (reservation: { reserved: string }) => void = () => undefined
    const stall = openStall({
      storeTimeoutMs: 20,
      uses: {
        reserve: () =>
          new Promise((resolve) => {
            answer = resolve
          }),
        commit: async (id) => void given.push(`commit ${id}`),
        release: async (id) => void given.push(`release ${id}`),
      },
    })
    const gate = stall.paywall.charge({ ...forecast, uses: 2 })
    const { authorization } = await stall.buy(gate)
    expect(refusedWith(await gate(paidRequest(authorization)))).toBe('503 STORE_UNAVAILABLE')
    expect(given).toEqual([])
    answer({ reserved: 'late' })
    await new Promise(setImmediate)
    expect(given).toEqual(['release late'])
  })

  test('R-SRV-44 a store that does not answer at the end holds nobody up', async () => {
    const never = (): Promise<never> => new Promise(() => undefined)
    const stall = openStall({
      storeTimeoutMs: 20,
      uses: { reserve: async () => ({ reserved: 'one' }), commit: never, release: never },
    })
    const gate = stall.paywall.charge({ ...forecast, uses: 2 })
    const { authorization } = await stall.buy(gate)
    for (const status of [200, 500]) {
      await admissionOf(await gate(paidRequest(authorization))).finish(status)
      expect(stall.told.at(-1)).toMatchObject({ name: 'failure', event: { part: 'use-store' } })
    }
  })

  test('R-SRV-26 a deny list that does not answer refuses nobody for good', async () => {
    const denyList = { isDenied: () => new Promise<boolean>(() => undefined) }
    const stall = openStall({ storeTimeoutMs: 20, denyList })
    const gate = stall.paywall.charge(forecast)
    const { authorization } = await stall.buy(gate)
    expect(refusedWith(await gate(paidRequest(authorization)))).toBe('503 STORE_UNAVAILABLE')
  })

  test('R-SRV-15 S3 a price that cannot be told is asked for later, also by who has paid', async () => {
    const stall = openStall()
    let price: () => string = () => '10 sat'
    const gate = stall.paywall.charge({ ...forecast, price: () => price() })
    const { authorization } = await stall.buy(gate)
    price = () => {
      throw new Error('rates are down')
    }
    for (const decision of [await gate(request()), await gate(paidRequest(authorization))]) {
      expect(refusedWith(decision)).toBe('503 REQUEST_UNPRICED')
    }
    expect(stall.told.filter(({ name }) => name === 'failure').at(-1)).toMatchObject({
      event: { part: 'price', code: 'REQUEST_UNPRICED', error: new Error('rates are down') },
    })
  })
})

test('R-SRV-27 a payment, a token or a delegation can be revoked, and only it', async () => {
  const denyList = createMemoryDenyList()
  const stall = openStall({ denyList })
  const gate = stall.paywall.charge(forecast)
  const bought = await stall.buy(gate)
  const team = bought.narrowed('did=team')
  const bot = bought.narrowed('did=team', 'did=bot')
  const ask = async (authorization: string): Promise<string> => {
    const decision = await gate(paidRequest(authorization))
    return decision.status === 'admitted' ? 'admitted' : refusedWith(decision)
  }
  const all = async (): Promise<string[]> => Promise.all([bought.authorization, team, bot].map(ask))
  expect(await all()).toEqual(['admitted', 'admitted', 'admitted'])
  denyList.deny('bot')
  expect(await all()).toEqual(['admitted', 'admitted', '402 ACCESS_REVOKED'])
  denyList.deny('team')
  expect(await all()).toEqual(['admitted', '402 ACCESS_REVOKED', '402 ACCESS_REVOKED'])
  denyList.deny(bought.paymentHash)
  expect(await all()).toEqual(['402 ACCESS_REVOKED', '402 ACCESS_REVOKED', '402 ACCESS_REVOKED'])
})

describe('R-SRV-28 uses that were bought are counted, and so is every branch', () => {
  async function use(
    gate: Gate,
    authorization: string,
    status: number | 'crash' = 200,
  ): Promise<string> {
    const decision = await gate(paidRequest(authorization))
    if (decision.status === 'refused') return refusedWith(decision)
    await decision.finish(status === 'crash' ? undefined : status)
    return 'admitted'
  }

  test('the last use is the last', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ ...forecast, uses: 2 })
    const { authorization } = await stall.buy(gate)
    expect([await use(gate, authorization), await use(gate, authorization)]).toEqual([
      'admitted',
      'admitted',
    ])
    expect(await use(gate, authorization)).toBe('402 ACCESS_USED_UP')
  })

  test('R-SRV-43 a use is given back when the handler failed, and taken when it answered below 500', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ ...forecast, uses: 1 })
    const { authorization } = await stall.buy(gate)
    for (const status of [500, 503, 'crash', 599] as const) {
      expect(await use(gate, authorization, status)).toBe('admitted')
    }
    expect(await use(gate, authorization, 404)).toBe('admitted')
    expect(await use(gate, authorization)).toBe('402 ACCESS_USED_UP')
  })

  test('R-SRV-43 a use is set aside while the handler works', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ ...forecast, uses: 1 })
    const { authorization } = await stall.buy(gate)
    const first = admissionOf(await gate(paidRequest(authorization)))
    expect(await use(gate, authorization)).toBe('402 ACCESS_USED_UP')
    await first.finish(500)
    expect(await use(gate, authorization)).toBe('admitted')
  })

  test('R-SRV-44 finishing twice counts once', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ ...forecast, uses: 1 })
    const { authorization } = await stall.buy(gate)
    const first = admissionOf(await gate(paidRequest(authorization)))
    await first.finish(200)
    await first.finish(500)
    await first.finish(undefined)
    expect(await use(gate, authorization)).toBe('402 ACCESS_USED_UP')
  })

  test('R-SRV-44 a store is told once how a reservation ended', async () => {
    const memory = createMemoryUseStore()
    const ends: string[] = []
    const stall = openStall({
      uses: {
        reserve: (...order) => memory.reserve(...order),
        commit: async () => void ends.push('commit'),
        release: async () => void ends.push('release'),
      },
    })
    const gate = stall.paywall.charge({ ...forecast, uses: 9 })
    const { authorization } = await stall.buy(gate)
    for (const statuses of [
      [200, 500, undefined],
      [500, 200],
      [undefined, 200],
    ]) {
      const { finish } = admissionOf(await gate(paidRequest(authorization)))
      for (const status of statuses) await finish(status)
    }
    expect(ends).toEqual(['commit', 'release', 'release'])
  })

  test('R-SRV-44 a store that is gone when the response starts keeps the use set aside', async () => {
    const memory = createMemoryUseStore()
    const stall = openStall({
      uses: {
        ...memory,
        reserve: memory.reserve.bind(memory),
        commit: () => Promise.reject(new Error('gone')),
        release: () => Promise.reject(new Error('gone')),
      },
    })
    const gate = stall.paywall.charge({ ...forecast, uses: 1 })
    const { authorization } = await stall.buy(gate)
    const first = admissionOf(await gate(paidRequest(authorization)))
    await first.finish(500)
    expect(await use(gate, authorization)).toBe('402 ACCESS_USED_UP')
    expect(stall.told.some(({ name }) => name === 'failure')).toBe(true)
  })

  test('S2 of many requests at once, exactly as many as were bought are admitted', async () => {
    const stall = openStall({ issuance: { burst: 1000, queue: 1000 } })
    const gate = stall.paywall.charge({ ...forecast, uses: 10 })
    const { authorization } = await stall.buy(gate)
    const answers = await Promise.all(Array.from({ length: 100 }, () => use(gate, authorization)))
    expect(answers.filter((answer) => answer === 'admitted')).toHaveLength(10)
    expect(new Set(answers)).toEqual(new Set(['admitted', '402 ACCESS_USED_UP']))
  })

  test('S2 R-SRV-41 a child has its own limit and lives within its ancestors', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ ...forecast, uses: 6 })
    const parent = await stall.buy(gate)
    const child = parent.narrowed('request_count <= 3')
    const sister = parent.narrowed('request_count <= 3', 'did=sister')
    const grandchild = parent.narrowed('request_count <= 3', 'request_count <= 2')
    const times = async (authorization: string, n: number): Promise<number> => {
      const answers = await Promise.all(Array.from({ length: n }, () => use(gate, authorization)))
      return answers.filter((answer) => answer === 'admitted').length
    }
    expect(await times(grandchild, 9)).toBe(2)
    expect(await use(gate, grandchild)).toBe('403 CAVEAT_NOT_MET')
    // The grandchild's two count against the child, and those of `sister`'s branch too: it is the same one.
    expect(await times(child, 9)).toBe(1)
    expect(await use(gate, sister)).toBe('403 CAVEAT_NOT_MET')
    expect(await times(parent.authorization, 9)).toBe(3)
    expect(await use(gate, child)).toBe('402 ACCESS_USED_UP')
  })

  test('S2 R-SRV-42 a branch that may spend so much spends the price of each request', async () => {
    const stall = openStall()
    let price = '10 sat'
    const gate = stall.paywall.charge({ ...forecast, price: () => price })
    const parent = await stall.buy(gate)
    const child = parent.narrowed('spend_limit_sat=25')
    expect([await use(gate, child), await use(gate, child), await use(gate, child)]).toEqual([
      'admitted',
      'admitted',
      '403 CAVEAT_NOT_MET',
    ])
    price = '5 sat'
    expect([await use(gate, child), await use(gate, child)]).toEqual([
      'admitted',
      '403 CAVEAT_NOT_MET',
    ])
    expect(await use(gate, parent.authorization)).toBe('admitted')
  })

  test('S2 R-SRV-29 a short-lived copy does not make the store forget the purchase', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ ...forecast, uses: 1, lifetimeSeconds: 86_400 })
    const bought = await stall.buy(gate)
    const brief = (): string => bought.narrowed(`exp=${stall.clock.seconds + 60}`)
    expect(await use(gate, brief())).toBe('admitted')
    stall.clock.seconds += 3 * 3600
    expect(await use(gate, brief())).toBe('402 ACCESS_USED_UP')
  })
})

describe('S7 a sold token survives the rotation of keys', () => {
  test('R-SRV-2 after a key was added, and not after its own was taken away', async () => {
    const other = new Uint8Array(32).fill(8)
    const old = { kid: 1, key: masterKey }
    const before: Stall = openStall({ keys: createKeyRing([old]) })
    const { authorization } = await before.buy(before.paywall.charge(forecast))

    const rotated = openStall({ keys: createKeyRing([old, { kid: 2, key: other }]) })
    const gate = rotated.paywall.charge(forecast)
    admissionOf(await gate(paidRequest(authorization)))
    const next = await rotated.buy(gate)
    expect(decodeToken(next.token).identifier[34]).toBe(2)
    admissionOf(await gate(paidRequest(next.authorization)))

    const retired = openStall({ keys: createKeyRing([{ kid: 2, key: other }]) })
    expect(refusedWith(await retired.paywall.charge(forecast)(paidRequest(authorization)))).toBe(
      '401 CREDENTIAL_REFUSED',
    )
  })
})
