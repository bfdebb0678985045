import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StoredToken } from '../../library/src/client/index.ts'
import {
  createClient,
  createMemoryTokenStore,
  delegate,
  storedTokenOf,
} from '../../library/src/client/index.ts'
import { decodeToken, encodeToken, limits, mint } from '../../library/src/macaroon/index.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import type { Seller } from './seller.ts'
import { startSeller } from './seller.ts'

async function buyToken(): Promise<{ readonly seller: Seller; readonly token: StoredToken }> {
  const market = openMarket()
  const seller = await startSeller(market)
  const tokens = createMemoryTokenStore()
  await market.client({ tokens }).fetch(`${seller.origin}/data`)
  return { seller, token: (await tokens.list())[0]! }
}

const stored = {
  token: encodeToken(mint({ rootKey: Buffer.alloc(32, 1), identifier: Buffer.alloc(66, 2) })),
  preimage: 'ab'.repeat(32),
}

describe('R-PAY-63 a token is narrowed for somebody else', () => {
  test('and the value opens what its caveats allow, and nothing more', async () => {
    const { seller, token } = await buyToken()
    const authorization = delegate(token, 'method=GET', 'path=/data', 'did=child-1')
    const ask = async (path: string, method = 'GET'): Promise<number> =>
      (await fetch(`${seller.origin}${path}`, { method, headers: { authorization } })).status
    expect(await ask('/data')).toBe(200)
    expect(await ask('/data', 'POST')).toBe(402)
    expect(await ask('/data/2')).toBe(402)
    expect(authorization).toMatch(/^L402 [A-Za-z0-9+/]+=*:[0-9a-f]{64}$/)
    expect(token.token).toBe(seller.sold[0]!.token)
  })

  test('with its uses counted', async () => {
    const { seller, token } = await buyToken()
    const authorization = delegate(token, 'request_count <= 2')
    const statuses: number[] = []
    for (let i = 0; i < 3; i++) {
      statuses.push((await fetch(`${seller.origin}/data`, { headers: { authorization } })).status)
    }
    expect(statuses).toEqual([200, 200, 402])
  })

  test('whoever got it can narrow it again', async () => {
    const { token } = await buyToken()
    const [, child = ''] = delegate(token, 'method=GET').split(' ')
    const [text = '', preimage = ''] = child.split(':')
    const grandchild = delegate({ token: text, preimage, scheme: 'LSAT' }, 'path=/data')
    const [scheme, rest = ''] = grandchild.split(' ')
    const { unverifiedCaveats } = decodeToken(rest.split(':')[0]!)
    expect(scheme).toBe('LSAT')
    const added = unverifiedCaveats.slice(-2)
    expect(added.map(({ identifier }) => Buffer.from(identifier).toString())).toEqual([
      'method=GET',
      'path=/data',
    ])
  })

  test('any caveats that are well formed are appended as they are', async () => {
    const { token } = await buyToken()
    const condition = fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/)
    const value = fc.stringMatching(/^[A-Za-z0-9/:.-]{1,40}$/)
    const caveat = fc.tuple(condition, value).map(([name, text]) => `${name}=${text}`)
    fc.assert(
      fc.property(fc.array(caveat, { minLength: 1, maxLength: 10 }), (caveats) => {
        const [, text = ''] = /^L402 (.*):/.exec(delegate(token, ...caveats))!
        const added = decodeToken(text).unverifiedCaveats.slice(-caveats.length)
        expect(added.map(({ identifier }) => Buffer.from(identifier).toString())).toEqual(caveats)
      }),
    )
  })
})

describe('R-PAY-63 what cannot be narrowed is refused, and not repeated', () => {
  const many = Array.from({ length: 33 }, (_, i) => `did=${i}`)
  for (const [what, change, caveats, error] of [
    ['an opaque token', { token: 'b3BhcXVl' }, ['method=GET'], RangeError],
    ['no base64', { token: '{"jwt"}' }, ['method=GET'], RangeError],
    ['a preimage that is no hex', { preimage: 'xyz' }, ['method=GET'], RangeError],
    ['a short preimage', { preimage: 'ab' }, ['method=GET'], RangeError],
    ['a caveat without operator', {}, ['method=GET', 'sesame'], RangeError],
    ['a caveat with a line end', {}, ['method=GET\n'], RangeError],
    ['a caveat without a value', {}, ['method='], RangeError],
    ['a caveat of more than 256 bytes', {}, [`path=/${'é'.repeat(130)}`], RangeError],
    ['an empty caveat', {}, [''], RangeError],
    [`more than ${limits.verifiedCaveats} caveats`, {}, many, RangeError],
    ['no caveat', {}, [], TypeError],
    ['a caveat that is no text', {}, [5], TypeError],
    ['a token that is none', { token: undefined }, ['method=GET'], TypeError],
    ['no preimage', { preimage: undefined }, ['method=GET'], TypeError],
  ] as const) {
    test(`${what} is a ${error.name}`, () => {
      const token = { ...stored, ...change } as typeof stored
      const run = (): string => delegate(token, ...(caveats as readonly string[]))
      expect(run).toThrow(error)
      expect(run).toThrow(/^delegate: (?!.*(sesame|xyz|jwt|abab))/)
    })
  }

  test('and so is nothing at all', () => {
    expect(() => delegate(undefined as never, 'method=GET')).toThrow(TypeError)
  })
})

describe('R-PAY-86 R-PAY-42 a client without a wallet that was given a narrowed token', () => {
  async function hire(...caveats: readonly string[]) {
    const { seller, token } = await buyToken()
    const tokens = createMemoryTokenStore()
    const authorization = delegate(token, ...caveats)
    await tokens.put(storedTokenOf({ origin: seller.origin, authorization }))
    const client = createClient({ policy: openPolicy, tokens, now: () => 1_900_000_000 })
    return { seller, tokens, client }
  }

  test('uses it for what it allows, and pays for nothing', async () => {
    const { seller, client } = await hire('method=GET', 'path=/data', 'did=child')
    for (let i = 0; i < 3; i++) {
      const response = await client.fetch(`${seller.origin}/data`)
      expect(await response.text()).toBe('paid /data')
      expect(client.purchaseOf(response)).toBeUndefined()
    }
    const sold = seller.sold.length
    const { details } = await thrownBy(client.fetch(`${seller.origin}/data/2`))
    expect(details['reason']).toBe('no-payer')
    const post = await thrownBy(client.fetch(`${seller.origin}/data`, { method: 'POST', body: '' }))
    expect(post.details['reason']).toBe('no-payer')
    expect(seller.sold.length).toBeGreaterThan(sold)
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
  })

  test('uses it as often as it allows', async () => {
    const { seller, client, tokens } = await hire('request_count <= 2')
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
    const { details } = await thrownBy(client.fetch(`${seller.origin}/data`))
    expect(details['reason']).toBe('no-payer')
    expect((await tokens.list())[0]).toMatchObject({ usesSeen: 2 })
  })

  test('is owed nothing when it was taken back', async () => {
    const { seller, client, tokens } = await hire('exp=1900000100')
    const other = await startSeller({ ...openMarket(), answer: (_, by) => by.demand() })
    const [token] = await tokens.list()
    const taken = createMemoryTokenStore()
    await taken.put({ ...token!, origin: other.origin })
    const gone = createClient({ policy: openPolicy, tokens: taken, now: () => 1_900_000_000 })
    const { details } = await thrownBy(gone.fetch(`${other.origin}/data`))
    expect(details['reason']).toBe('no-payer')
    expect((await taken.list())[0]!.standing).toBe('spent')
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
  })
})
