import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { satToMsat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import type { StoredToken } from '../../library/src/client/index.ts'
import { tokenOf } from '../../library/src/client/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import { enforcedConditions, parseCredential } from '../../library/src/l402/index.ts'
import { decodeToken } from '../../library/src/macaroon/index.ts'
import { Failure } from '../../program/src/cli/failure.ts'
import type { Delegation, Restrictions } from '../../program/src/delegation/index.ts'
import { makeDelegation } from '../../program/src/delegation/index.ts'
import type { Market } from '../client/market.ts'
import { openMarket } from '../client/market.ts'
import type { Seller } from '../client/seller.ts'
import { service, startSeller } from '../client/seller.ts'

const published = enforcedConditions(service)

type Bought = { readonly market: Market; readonly seller: Seller; readonly token: StoredToken }

async function buy(
  options: { readonly uses?: number; readonly enforces?: readonly string[] } = {},
): Promise<Bought> {
  const market = openMarket()
  const seller = await startSeller(market)
  const { uses, enforces = published } = options
  const sold = await seller.sell(uses === undefined ? {} : { uses })
  const outcome = await market.buyer.pay(decodeInvoice(sold.invoice), {
    maxFeeMsat: satToMsat(10n),
  })
  if (outcome.status !== 'settled') throw new Error(outcome.status)
  const token = tokenOf(
    {
      origin: seller.origin,
      scheme: 'L402',
      token: sold.token,
      paymentHash: encodeHex(sold.paymentHash),
      amountMsat: satToMsat(10n),
      target: 'GET /data',
      enforces,
    },
    {
      preimage: encodeHex(outcome.preimage),
      feeMsat: outcome.feeMsat,
      boughtAtSeconds: market.now(),
    },
  )
  return { market, seller, token }
}

const newName = (): string => 'a-name'

function hand(
  { market, token }: Pick<Bought, 'market' | 'token'>,
  restrictions: Restrictions,
  force = false,
): Delegation {
  return makeDelegation(token, restrictions, { nowSeconds: market.now(), force, newName })
}

function refusalOf(act: () => unknown): Failure {
  try {
    act()
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('expected a refusal')
}

async function ask(
  seller: Seller,
  { token }: Delegation,
  path: string,
  method = 'GET',
): Promise<number> {
  const headers = { authorization: token.authorization }
  return (await fetch(`${seller.origin}${path}`, { method, headers })).status
}

describe('R-DEL-1 what is handed on is narrower', () => {
  test('a copy without a restriction is refused', async () => {
    const bought = await buy()
    const refusal = refusalOf(() => hand(bought, {}))
    expect(refusal.exitCode).toBe(2)
    expect(refusal.message).toContain('at least one restriction')
  })

  test('an id for revocation alone is no restriction', async () => {
    const bought = await buy()
    expect(refusalOf(() => hand(bought, { name: 'child' })).exitCode).toBe(2)
    expect(refusalOf(() => hand(bought, { caveats: ['did=child'] })).exitCode).toBe(2)
  })
})

describe('R-DEL-2 only conditions that the server says it enforces', () => {
  test('another one is refused, with what that would mean', async () => {
    const bought = await buy({ enforces: ['services', 'method'] })
    const refusal = refusalOf(() => hand(bought, { uses: 10, methods: 'GET' }))
    expect(refusal.exitCode).toBe(3)
    expect(refusal.message).toContain('does not say that it enforces request_count')
    expect(refusal.message).toContain('could then do everything that you can do')
    expect(refusal.advice).toContain('services, method')
  })

  test('so is every one where the server publishes nothing', async () => {
    const bought = await buy({ enforces: [] })
    expect(refusalOf(() => hand(bought, { methods: 'GET' })).advice).toContain('enforces: nothing')
  })

  test('and a condition of the caller’s own', async () => {
    const bought = await buy()
    const refusal = refusalOf(() => hand(bought, { caveats: ['country=CH'] }))
    expect(refusal.exitCode).toBe(3)
    expect(refusal.message).toContain('country')
  })

  test('unless it is forced, which is told', async () => {
    const bought = await buy({ enforces: [] })
    const { token, warnings } = hand(bought, { methods: 'GET', caveats: ['country=CH'] }, true)
    expect(token.caveats).toEqual(['method=GET', 'country=CH'])
    expect(warnings.join()).toContain('does not say that it enforces method, country')
  })
})

describe('R-DEL-3 each restriction is spelt as the server publishes it', () => {
  const all: Restrictions = {
    uses: 10,
    spendSat: 500n,
    expiresAtSeconds: 1_900_000_600,
    path: '/data/*',
    methods: 'GET',
    ip: '203.0.113.0/24',
    name: 'child-1',
  }
  for (const [what, enforces, caveats] of [
    [
      'as this project does',
      published,
      [
        'did=child-1',
        'valid_until=1900000600',
        'path=/data/*',
        'method=GET',
        'ip=203.0.113.0/24',
        'request_count <= 10',
        'spend_limit_sat=500',
      ],
    ],
    [
      'as others do',
      [
        ...['max_requests', 'max_amount_sats', 'expires_at'],
        ...['endpoint', 'method', 'client_ip', 'did'],
      ],
      [
        'did=child-1',
        'expires_at=2030-03-17T17:56:40Z',
        'endpoint=/data/*',
        'method=GET',
        'client_ip=203.0.113.0/24',
        'max_requests=10',
        'max_amount_sats=500',
      ],
    ],
  ] as const) {
    test(what, async () => {
      expect(hand(await buy({ enforces }), all).token.caveats).toEqual(caveats)
    })
  }

  test('`exp` only where there is no `valid_until`: each request may get an `exp` of its own', async () => {
    const until = { expiresAtSeconds: 1_900_000_060 }
    const both = await buy({ enforces: ['exp', 'valid_until', 'req'] })
    expect(hand(both, until).token.caveats).toEqual(['valid_until=1900000060'])
    const one = await buy({ enforces: ['exp'] })
    expect(hand(one, until).token.caveats).toEqual(['exp=1900000060'])
  })
})

describe('R-DEL-4 a copy never says more than its parent', () => {
  test('an expiry beyond the parent’s is cut to it, and told', async () => {
    const bought = await buy()
    const end = bought.token.facts?.validUntilSeconds
    const { token, warnings } = hand(bought, { expiresAtSeconds: end! + 1 })
    expect(token.caveats).toEqual(['did=a-name', `valid_until=${end}`])
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('The token itself ends at')
  })

  test('more uses than were bought are cut to them, and told', async () => {
    const bought = await buy({ uses: 3 })
    const { token, warnings } = hand(bought, { uses: 4 })
    expect(token.caveats).toEqual(['did=a-name', 'request_count <= 3'])
    expect(warnings[0]).toContain('bought for 3 uses')
  })

  test('what says nothing of an end says the parent’s', async () => {
    const bought = await buy()
    const { token } = hand(bought, { methods: 'GET' })
    expect(Date.parse(token.expiresAt!) / 1000).toBe(bought.token.facts?.validUntilSeconds)
  })

  for (const [what, restrictions] of [
    ['uses', { caveats: ['request_count <= 5', 'request_count <= 6'] }],
    ['a path', { path: '/a', caveats: ['path=/*'] }],
    ['a method', { methods: 'GET', caveats: ['method=GET,POST'] }],
    ['the amount of the purchase', { caveats: [`${service}_amount_msat=99999999`] }],
    ['the expiry of the purchase', { caveats: [`${service}_valid_until=99999999999`] }],
  ] as const) {
    test(`a condition that would widen ${what} is refused`, async () => {
      const bought = await buy()
      const refusal = refusalOf(() => hand(bought, restrictions))
      expect(refusal.exitCode).toBe(2)
      expect(refusal.message).toContain('would allow more')
    })
  }
})

describe('R-DEL-5 what could not work is refused before anything is handed out', () => {
  const bad: readonly (readonly [string, Restrictions, string])[] = [
    ['a path that is not plain', { path: '/a/../b' }, 'path: expected a path in plain form'],
    ['a path with a query', { path: '/a?b=1' }, 'path: expected'],
    ['a path without its slash', { path: 'a' }, 'path: expected'],
    ['a star in the middle', { path: '/a/*/b' }, 'path: expected'],
    ['a method with a space', { methods: 'GET, POST' }, 'method: expected'],
    ['an address that is none', { ip: '300.1.1.1' }, 'ip: expected'],
    ['a block with bits beyond its length', { ip: '203.0.113.1/24' }, 'ip: expected'],
    ['a long name', { name: 'x'.repeat(65), uses: 1 }, 'did: expected'],
    [
      'an operator that is not its own',
      { caveats: ['request_count=5'] },
      'request_count: expected',
    ],
    ['no condition', { caveats: ['nonsense'] }, 'condition=value'],
    ['a trailing space', { caveats: ['method=GET '] }, 'condition=value'],
    ['a line break', { caveats: ['method=GET\nPOST'] }, 'condition=value'],
    ['a long condition', { caveats: [`path=/${'a'.repeat(300)}`] }, ''],
    ['too many', { caveats: Array.from({ length: 33 }, () => 'method=GET') }, ''],
    ['another preimage', { caveats: [`preimage=${'00'.repeat(32)}`], uses: 1 }, 'preimage'],
  ]
  for (const [what, restrictions, words] of bad) {
    test(what, async () => {
      const bought = await buy()
      const refusal = refusalOf(() => hand(bought, restrictions))
      expect(refusal.exitCode).toBe(2)
      expect(refusal.message).toContain(words)
      expect(refusal.message).not.toContain('000000')
    })
  }

  test('an expiry in the past, this second included', async () => {
    const bought = await buy()
    const refusal = refusalOf(() => hand(bought, { expiresAtSeconds: bought.market.now() }))
    expect(refusal.exitCode).toBe(3)
    expect(hand(bought, { expiresAtSeconds: bought.market.now() + 1 }).token.caveats).toHaveLength(
      2,
    )
  })

  test('a token whose time is over', async () => {
    const bought = await buy()
    bought.market.advance(3600)
    expect(refusalOf(() => hand(bought, { uses: 1 })).message).toContain('expired')
  })

  for (const standing of ['spent', 'abandoned'] as const) {
    test(`a token that is ${standing}`, async () => {
      const { market, token } = await buy()
      const refusal = refusalOf(() => hand({ market, token: { ...token, standing } }, { uses: 1 }))
      expect(refusal.exitCode).toBe(3)
      expect(refusal.message).toContain(standing)
    })
  }

  test('a token that nobody can narrow', async () => {
    const { market, token } = await buy()
    const opaque = { ...token, token: 'b3BhcXVl', facts: undefined }
    const refusal = refusalOf(() => hand({ market, token: opaque }, { uses: 1 }))
    expect(refusal.exitCode).toBe(3)
    expect(refusal.message).toContain('opaque')
  })
})

describe('R-DEL-7 the server admits what the conditions allow, and nothing else', () => {
  test('by path and method', async () => {
    const bought = await buy()
    const child = hand(bought, { path: '/data/*', methods: 'GET' })
    expect(await ask(bought.seller, child, '/data/1')).toBe(200)
    expect(await ask(bought.seller, child, '/data/1', 'POST')).toBe(402)
    expect(await ask(bought.seller, child, '/datax')).toBe(402)
  })

  test('by uses, and the parent goes on', async () => {
    const bought = await buy()
    const child = hand(bought, { uses: 2 })
    const statuses = []
    for (let i = 0; i < 3; i++) statuses.push(await ask(bought.seller, child, '/data'))
    expect(statuses).toEqual([200, 200, 402])
    const other = hand(bought, { uses: 1 })
    expect(await ask(bought.seller, other, '/data')).toBe(200)
  })

  test('by time', async () => {
    const bought = await buy()
    const child = hand(bought, { expiresAtSeconds: bought.market.now() + 60 })
    expect(await ask(bought.seller, child, '/data')).toBe(200)
    bought.market.advance(60)
    expect(await ask(bought.seller, child, '/data')).toBe(402)
  })

  test('whatever is restricted, the copy says so, and holds the caveats of its parent first', async () => {
    const bought = await buy()
    const restriction = fc.record(
      {
        uses: fc.integer({ min: 1, max: 1_000_000 }),
        spendSat: fc.bigInt({ min: 1n, max: 1_000_000n }),
        expiresAtSeconds: fc.integer({ min: 1_900_000_001, max: 1_900_003_600 }),
        path: fc.stringMatching(/^\/[a-z0-9]{1,20}(\/\*)?$/),
        methods: fc.constantFrom('GET', 'POST', 'GET,POST'),
        name: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
      },
      { requiredKeys: ['uses'] },
    )
    const before = decodeToken(bought.token.token).unverifiedCaveats
    fc.assert(
      fc.property(restriction, (restrictions) => {
        const { token, warnings } = hand(bought, restrictions)
        const credential = parseCredential([token.authorization])
        const after = decodeToken(credential!.tokens[0]!).unverifiedCaveats
        expect(after.slice(0, before.length)).toEqual(before)
        const added = after
          .slice(before.length)
          .map(({ identifier }) => `${Buffer.from(identifier)}`)
        expect(added).toEqual(token.caveats)
        expect(added).toHaveLength(Object.keys({ name: '', ...restrictions }).length)
        expect(warnings).toEqual([])
      }),
    )
  })
})

describe('R-DEL-9 copies are counted apart', () => {
  const now = (bought: Bought): { readonly nowSeconds: number } => ({
    nowSeconds: bought.market.now(),
  })
  const twice = async ({ seller }: Bought, copy: Delegation): Promise<readonly number[]> => [
    await ask(seller, copy, '/data'),
    await ask(seller, copy, '/data'),
  ]

  test('equal ones by a random delegation id, before what is counted', async () => {
    const bought = await buy()
    const copies = [1, 2, 3].map(() => makeDelegation(bought.token, { uses: 1 }, now(bought)))
    expect(new Set(copies.map(({ name }) => name)).size).toBe(3)
    for (const copy of copies) {
      expect(copy.name).toMatch(/^[0-9a-f]{16}$/)
      expect(copy.token.caveats).toEqual([`did=${copy.name}`, 'request_count <= 1'])
      expect(copy.warnings).toEqual([])
      expect(await twice(bought, copy)).toEqual([200, 402])
    }
  })

  test('by the name that was given, and by no second one', async () => {
    const bought = await buy()
    for (const name of ['one', 'two']) {
      expect(await twice(bought, hand(bought, { name, uses: 1 }))).toEqual([200, 402])
    }
    const own = hand(bought, { caveats: ['did=three'], uses: 1 })
    expect(own.token.caveats).toEqual(['did=three', 'request_count <= 1'])
  })

  test('without ids at the server by what else differs, and what equal copies share is told', async () => {
    const bought = await buy({ enforces: published.filter((name) => name !== 'did') })
    const until = bought.market.now() + 600
    for (const [i, path] of ['/data', '/*'].entries()) {
      const copy = hand(bought, { uses: 1, path, expiresAtSeconds: until + i })
      expect(copy.token.caveats.at(-1)).toBe('request_count <= 1')
      expect(copy.name).toBeUndefined()
      expect(copy.warnings.join()).toContain('share one count')
      expect(await twice(bought, copy)).toEqual([200, 402])
    }
    expect(hand(bought, { methods: 'GET' }).warnings).toEqual([])
  })
})
