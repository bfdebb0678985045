import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex, sha256 } from '../../library/src/bytes/index.ts'
import type { StoredToken } from '../../library/src/client/index.ts'
import {
  createMemoryLedger,
  createMemoryTokenStore,
  tokenOf,
} from '../../library/src/client/index.ts'
import { openJournal } from '../../library/src/journal/index.ts'
import { attenuate, decodeToken, encodeToken } from '../../library/src/macaroon/index.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import type { Reply } from './seller.ts'
import { hashHex, lastCredential, startSeller } from './seller.ts'

const oneMsat = 11_001n

function standings(tokens: readonly StoredToken[]): readonly string[] {
  return tokens.map(({ standing }) => standing)
}

describe('a token that was paid for', () => {
  test('R-PAY-40 R-PAY-43 outlives the 402 of a sibling, so that A B A B buys two', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const tokens = createMemoryTokenStore()
    const client = market.client({ tokens })
    for (const path of ['/a', '/b', '/a', '/b', '/a/1', '/b/1']) {
      expect((await client.fetch(seller.origin + path)).status).toBe(200)
    }
    expect(market.spentMsat()).toBe(2n * oneMsat)
    expect(standings(await tokens.list())).toEqual(['good', 'good'])
  })

  test('R-PAY-41 is not tried again where it was refused', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    await client.fetch(`${seller.origin}/a`)
    await client.fetch(`${seller.origin}/b`)
    const before = seller.arrived.length
    await client.fetch(`${seller.origin}/b`)
    await client.fetch(`${seller.origin}/a`)
    expect(seller.arrived.length).toBe(before + 2)
  })

  test('R-PAY-43 that is used up is spent and kept, and its route is bought anew', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      // It says nothing about how often: only the server knows.
      answer: async (request, by) => {
        const isFresh = by.arrived.filter(
          ({ headers }) => headers.authorization === request.headers.authorization,
        ).length
        if (by.isPaid(request) && isFresh <= 2) return { body: 'paid' }
        return by.demand()
      },
    })
    const tokens = createMemoryTokenStore()
    const client = market.client({ tokens })
    for (let i = 0; i < 6; i++) expect((await client.fetch(seller.origin)).status).toBe(200)
    expect(market.spentMsat()).toBe(3n * oneMsat)
    // Two for each purchase, one for each use after it: a refusal comes with the next challenge.
    expect(seller.arrived.length).toBe(9)
    expect(standings(await tokens.list())).toEqual(['spent', 'spent', 'good'])
  })

  test('R-PAY-41 that has expired is not sent', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    await client.fetch(`${seller.origin}/data`)
    market.advance(3600)
    await client.fetch(`${seller.origin}/data`)
    expect(market.spentMsat()).toBe(2n * oneMsat)
    const presented = seller.arrived.filter(({ headers }) => headers.authorization !== undefined)
    expect(presented.length).toBe(2)
  })

  test('R-PAY-43 is not sold again for a 401, 403, 429 or 500 of its server', async () => {
    const market = openMarket()
    let trouble: number | undefined
    const seller = await startSeller({
      ...market,
      answer: async (request, by): Promise<Reply> =>
        trouble !== undefined && request.headers.authorization !== undefined
          ? { status: trouble, body: 'no' }
          : by.serve(request),
    })
    const tokens = createMemoryTokenStore()
    const client = market.client({ tokens })
    const url = `${seller.origin}/data`
    await client.fetch(url)
    for (trouble of [403, 429, 500, 503]) expect((await client.fetch(url)).status).toBe(trouble)
    expect(standings(await tokens.list())).toEqual(['good'])
    trouble = undefined
    expect((await client.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-43 that its server no longer knows (401) gives way to a new one', async () => {
    const market = openMarket()
    let forgotten: string | undefined
    const seller = await startSeller({
      ...market,
      answer: async (request, by): Promise<Reply> =>
        forgotten !== undefined && request.headers.authorization === forgotten
          ? { status: 401, headers: { 'www-authenticate': 'L402' } }
          : by.serve(request),
    })
    const tokens = createMemoryTokenStore()
    const client = market.client({ tokens })
    const url = `${seller.origin}/data`
    await client.fetch(url, { method: 'POST', body: 'x' })
    forgotten = lastCredential(seller)
    const response = await client.fetch(url, { method: 'POST', body: 'y' })
    expect(response.status).toBe(200)
    expect(seller.arrived.at(-1)!.body.toString()).toBe('y')
    expect(standings(await tokens.list())).toEqual(['spent', 'good'])
  })

  test('R-PAY-43 that only guesses at a route does not turn what is free there into a 403', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: async (request, by) => {
        if (request.path !== '/about') return by.serve(request)
        return request.headers.authorization === undefined
          ? { body: 'about' }
          : { status: 403, body: 'odd' }
      },
    })
    const client = market.client()
    await client.fetch(`${seller.origin}/data`)
    expect((await client.fetch(`${seller.origin}/about`)).status).toBe(200)
  })

  test('R-PAY-42 for a number of requests is not guessed with, and found by its coverage', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: (request, by) => by.serve(request, { uses: 3 }),
    })
    const client = market.client()
    await client.fetch(`${seller.origin}/data/1`)
    await client.fetch(`${seller.origin}/free`)
    expect(seller.arrived.at(-1)!.headers.authorization).toBeUndefined()
    await client.fetch(`${seller.origin}/data/2`)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-41 with HEAD is good for GET', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: (request, by) => by.serve(request, { uses: 2 }),
    })
    const client = market.client()
    expect((await client.fetch(`${seller.origin}/data`, { method: 'HEAD' })).status).toBe(200)
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
    expect(seller.arrived.map(({ method }) => method)).toEqual(['HEAD', 'HEAD', 'GET'])
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-46 for one request is not used up by an answer that may have taken no use', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: (request, by) =>
        request.path === '/data/404' && request.headers.authorization !== undefined
          ? { status: 404 }
          : by.serve(request, { uses: 1 }),
    })
    const client = market.client()
    expect((await client.fetch(`${seller.origin}/data/404`)).status).toBe(404)
    expect((await client.fetch(`${seller.origin}/data/1`)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-42 and cannot be read is tried on other routes of its origin before buying', async () => {
    const market = openMarket()
    let sold: { readonly invoice: string } | undefined
    const seller = await startSeller({
      ...market,
      answer: async (request, by) => {
        if (request.headers.authorization !== undefined) return { body: 'paid' }
        sold ??= await by.sell()
        const line = `L402 token="opaque.token", invoice="${sold.invoice}"`
        return { status: 402, headers: { 'www-authenticate': line } }
      },
    })
    const client = market.client()
    await client.fetch(`${seller.origin}/a`)
    expect((await client.fetch(`${seller.origin}/b`)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-27 works without a payer', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: (request, by) => by.serve(request, { uses: 9 }),
    })
    const tokens = createMemoryTokenStore()
    await market.client({ tokens }).fetch(`${seller.origin}/data`)
    const poor = market.client({ tokens, payer: undefined as never })
    expect((await poor.fetch(`${seller.origin}/data/9`)).status).toBe(200)
  })
})

describe('a server that takes money and does not accept its own token', () => {
  for (const status of [402, 401]) {
    test(`R-PAY-6 R-PAY-44 is paid once, however often it says ${status}`, async () => {
      const market = openMarket()
      const seller = await startSeller({
        ...market,
        answer: async ({ headers }, by): Promise<Reply> =>
          headers.authorization !== undefined && status === 401 ? { status } : by.demand(),
      })
      const tokens = createMemoryTokenStore()
      const client = market.client({ tokens })
      for (let i = 0; i < 4; i++) {
        const { code, details, error } = await thrownBy(client.fetch(`${seller.origin}/data`))
        expect(code).toBe('PAYMENT_NOT_DELIVERED')
        expect(details['paymentHash']).toBe(hashHex(seller.sold[0]!))
        expect(client.outcomeOf(error)).toBe('paid_not_delivered')
      }
      expect(market.spentMsat()).toBe(oneMsat)
      expect(standings(await tokens.list())).toEqual(['owed'])
    })
  }

  test('R-PAY-44 is paid nothing more for other routes of the same coverage', async () => {
    const market = openMarket()
    const seller = await startSeller({ ...market, answer: (_, by) => by.demand() })
    const client = market.client()
    for (const path of ['/1', '/2', '/3']) {
      const { code } = await thrownBy(client.fetch(seller.origin + path))
      expect(code).toBe('PAYMENT_NOT_DELIVERED')
    }
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-45 is paid for three different things, and then for nothing', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: ({ path }, by) => by.demand({ capability: path.slice(1) }),
    })
    const client = market.client()
    for (const path of ['/a', '/b', '/c']) {
      expect((await thrownBy(client.fetch(seller.origin + path))).code).toBe(
        'PAYMENT_NOT_DELIVERED',
      )
    }
    const { code, details } = await thrownBy(client.fetch(`${seller.origin}/d`))
    expect([code, details['reason']]).toEqual(['POLICY_REFUSED', 'owed'])
    expect(market.spentMsat()).toBe(3n * oneMsat)
  })

  test('R-PAY-44 delivers after all, and nothing is paid again', async () => {
    const market = openMarket()
    let broken = true
    const seller = await startSeller({
      ...market,
      answer: (request, by) => (broken ? by.demand() : by.serve(request)),
    })
    const tokens = createMemoryTokenStore()
    const client = market.client({ tokens })
    await thrownBy(client.fetch(`${seller.origin}/data`))
    broken = false
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
    expect(standings(await tokens.list())).toEqual(['good'])
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-44 is paid again once what it owed has expired', async () => {
    const market = openMarket()
    let broken = true
    const seller = await startSeller({
      ...market,
      answer: (request, by) => (broken ? by.demand() : by.serve(request)),
    })
    const client = market.client()
    await thrownBy(client.fetch(`${seller.origin}/data`))
    broken = false
    market.advance(86_400)
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
    expect(market.spentMsat()).toBe(2n * oneMsat)
  })

  test('R-PAY-74 is paid again when the operator writes the purchase off', async () => {
    const market = openMarket()
    let broken = true
    const seller = await startSeller({
      ...market,
      answer: (request, by) => (broken ? by.demand() : by.serve(request)),
    })
    const tokens = createMemoryTokenStore()
    const client = market.client({ tokens })
    await thrownBy(client.fetch(`${seller.origin}/data`))
    broken = false
    await client.abandon(hashHex(seller.sold[0]!))
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
    expect(standings(await tokens.list())).toEqual(['abandoned', 'good'])
  })
})

describe('R-PAY-74 what was written off while nobody knew the end of its payment', () => {
  for (const where of ['in memory', 'in a journal'] as const) {
    test(`${where} is kept once it settles, and does not count against its host`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'satway-tokens-'))
      const journal = await openJournal({
        path: join(folder, 'journal.db'),
        key: sha256(Buffer.of(1)),
      })
      try {
        const stores =
          where === 'in a journal'
            ? { ledger: journal.ledger, tokens: journal.tokens }
            : { ledger: createMemoryLedger(), tokens: createMemoryTokenStore() }
        const { ledger, tokens } = stores
        const market = openMarket()
        const seller = await startSeller(market)
        const policy = { ...openPolicy, maxUndelivered: 1 }
        const client = market.client({ ...stores, policy })
        market.buyer.injectFault({ kind: 'in-flight' })
        expect((await thrownBy(client.fetch(`${seller.origin}/a`))).code).toBe('PAYMENT_UNKNOWN')
        const [sold] = seller.sold
        await client.abandon(hashHex(sold!))
        market.buyer.resolvePayment(sold!.paymentHash, 'settle')
        await client.reconcile()

        expect(await ledger.find(hashHex(sold!))).toMatchObject({
          state: 'settled',
          abandoned: true,
          tokenStored: true,
        })
        expect(standings(await tokens.list())).toEqual(['abandoned'])
        expect(await tokens.countOwed('127.0.0.1', market.now())).toBe(0)
        for (const path of ['/a', '/b']) {
          expect((await client.fetch(seller.origin + path)).status).toBe(200)
        }
        expect(market.spentMsat()).toBe(3n * oneMsat)
        expect(await (await client.resume(hashHex(sold!))).text()).toBe('paid /a')
        expect(standings(await tokens.list())).toEqual(['good', 'good', 'good'])
      } finally {
        await journal.close()
        rmSync(folder, { recursive: true })
      }
    })
  }
})

describe('R-PAY-47 a server that sells one opaque text again and again', () => {
  /** Asks for payment of the same text with a new invoice each time, unless `opens` says that it is paid. */
  const openShop = async (opens: (credential: string, hashes: readonly string[]) => boolean) => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: async ({ headers: { authorization } }, by) => {
        if (authorization !== undefined && opens(authorization, by.sold.map(hashHex))) {
          return { body: 'paid' }
        }
        const line = `L402 token="c2Vzc2lvbg==", invoice="${(await by.sell()).invoice}"`
        return { status: 402, headers: { 'www-authenticate': line } }
      },
    })
    const tokens = createMemoryTokenStore()
    return { market, seller, tokens, client: market.client({ tokens }), url: `${seller.origin}/a` }
  }
  const hashIn = (credential = ''): string =>
    encodeHex(sha256(Buffer.from(credential.split(':')[1]!, 'hex')))

  test('is paid once more after it delivered once, and then owes for that', async () => {
    let served = 0
    const { market, client, tokens, url } = await openShop(() => served++ === 0)
    expect((await client.fetch(url)).status).toBe(200)
    for (let i = 0; i < 5; i++) {
      expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_NOT_DELIVERED')
    }
    expect(market.spentMsat()).toBe(2n * oneMsat)
    const all = await tokens.list()
    expect(standings(all)).toEqual(['spent', 'owed'])
    expect(new Set(all.map(({ token }) => token)).size).toBe(1)
  })

  test('R-PAY-72 is resumed with the preimage of the payment that was named', async () => {
    let served = 0
    const { client, seller, url } = await openShop(() => served++ === 0)
    await client.fetch(url)
    const { error, details } = await thrownBy(client.fetch(url))
    await thrownBy(client.resume(error))
    expect(hashIn(lastCredential(seller))).toBe(details['paymentHash'])
  })

  test('is served where it is honest: each payment opens what it paid for', async () => {
    const used = new Set<string>()
    const { market, client, tokens, url } = await openShop((credential, hashes) => {
      const hash = hashIn(credential)
      if (used.has(hash) || !hashes.includes(hash)) return false
      used.add(hash)
      return true
    })
    for (let i = 0; i < 3; i++) expect((await client.fetch(url)).status).toBe(200)
    expect(market.spentMsat()).toBe(3n * oneMsat)
    expect(standings(await tokens.list())).toEqual(['spent', 'spent', 'good'])
  })
})

describe('R-PAY-48 a page that is free', () => {
  for (const page of ['/style.css', '/page?style']) {
    test(`${page} does not make a token good that opened nothing yet`, async () => {
      const market = openMarket()
      let held = Promise.withResolvers<void>()
      let refuse = Promise.withResolvers<void>()
      const seller = await startSeller({
        ...market,
        answer: async ({ target, headers }, by) => {
          if (target === page) return { body: 'free' }
          if (headers.authorization !== undefined) {
            held.resolve()
            await refuse.promise
          }
          return by.demand()
        },
      })
      const tokens = createMemoryTokenStore()
      const policy = { ...openPolicy, maxUndelivered: 1 }
      const client = market.client({ tokens, policy })
      for (let i = 0; i < 3; i++) {
        held = Promise.withResolvers()
        refuse = Promise.withResolvers()
        const call = thrownBy(client.fetch(`${seller.origin}/page`))
        await held.promise
        expect((await client.fetch(seller.origin + page)).status).toBe(200)
        refuse.resolve()
        expect((await call).code).toBe('PAYMENT_NOT_DELIVERED')
      }
      expect(market.spentMsat()).toBe(oneMsat)
      expect(standings(await tokens.list())).toEqual(['owed'])
    })
  }

  test('does not pay what is owed either, and takes no use that was meant for what was bought', async () => {
    const market = openMarket()
    let isDown = true
    const seller = await startSeller({
      ...market,
      answer: async (request, by) => {
        if (request.target === '/data?free') return { body: 'free' }
        if (isDown && request.headers.authorization !== undefined) return { status: 503 }
        return by.serve(request, { uses: 1 })
      },
    })
    const tokens = createMemoryTokenStore()
    const client = market.client({ tokens })
    await client.fetch(`${seller.origin}/data`)
    await client.fetch(`${seller.origin}/data?free`)
    expect(standings(await tokens.list())).toEqual(['owed'])
    isDown = false
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('is asked without a token that is good for few requests and has opened nothing yet', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: async (request, by) =>
        request.target === '/data?free' ? { body: 'free' } : by.serve(request, { uses: 1 }),
    })
    const { token, paymentHash } = await seller.sell({ uses: 1 })
    const tokens = createMemoryTokenStore()
    const bought = {
      origin: seller.origin,
      scheme: 'L402',
      token,
      paymentHash: encodeHex(paymentHash),
      amountMsat: msat(10_000n),
      target: 'GET /data',
      enforces: [],
    } as const
    const proof = { preimage: '00'.repeat(32), feeMsat: msat(0n), boughtAtSeconds: 0 }
    await tokens.put(tokenOf(bought, proof))
    await market.client({ tokens }).fetch(`${seller.origin}/data?free`)
    expect(seller.arrived.at(-1)!.headers.authorization).toBeUndefined()
    expect((await tokens.list())[0]).toMatchObject({ standing: 'new', usesSeen: 0 })
  })
})

describe('R-PAY-70 what is answered after a payment', () => {
  for (const [status, outcome] of [
    [200, 'paid_delivered'],
    [204, 'paid_delivered'],
    [404, 'paid_delivered'],
    [422, 'paid_delivered'],
    [403, 'paid_not_delivered'],
    [429, 'paid_not_delivered'],
    [500, 'paid_not_delivered'],
    [503, 'paid_not_delivered'],
  ] as const) {
    test(`with ${status} is the caller’s, and ${outcome}`, async () => {
      const market = openMarket()
      const seller = await startSeller({
        ...market,
        answer: (request, by) => (by.isPaid(request) ? { status } : by.demand()),
      })
      const client = market.client()
      const response = await client.fetch(seller.origin)
      expect(response.status).toBe(status)
      expect(client.outcomeOf(response)).toBe(outcome)
      // Bought is bought: the next call does not pay.
      await client.fetch(seller.origin)
      expect(market.spentMsat()).toBe(oneMsat)
    })
  }

  test('by a broken connection is a purchase that was not delivered, and the next call has it', async () => {
    const market = openMarket()
    let broken = true
    const seller = await startSeller({
      ...market,
      answer: async (request, by) => {
        if (!broken || request.headers.authorization === undefined) return by.serve(request)
        return { raw: (response) => response.destroy() }
      },
    })
    const client = market.client()
    const { code, details, error } = await thrownBy(client.fetch(`${seller.origin}/data`))
    expect(code).toBe('PAYMENT_NOT_DELIVERED')
    expect(details['paymentHash']).toBe(hashHex(seller.sold[0]!))
    expect((error as Error).cause).toBeInstanceOf(TypeError)
    broken = false
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })
})

describe('R-PAY-60 to a server that says that it enforces exp and req', () => {
  test('R-PAY-62 goes a narrowed copy with each request, never the token', async () => {
    const market = openMarket()
    const seller = await startSeller({ ...market, publishes: true })
    const tokens = createMemoryTokenStore()
    const client = market.client({ tokens })
    await client.fetch(`${seller.origin}/data?x=1`)
    await client.fetch(`${seller.origin}/data?x=2`, { method: 'POST', body: 'y' })

    const [first, second] = seller.arrived
      .flatMap(({ headers }) => headers.authorization ?? [])
      .map((line) => decodeToken(line.split(' ')[1]!.split(':')[0]!))
    const added = (sent = first!): readonly string[] =>
      sent.unverifiedCaveats.slice(-2).map(({ identifier }) => Buffer.from(identifier).toString())
    expect(added()[0]).toBe('exp=1900000060')
    expect(added()[1]).toMatch(/^req=[0-9a-f]{64}$/)
    expect(added(second)[1]).not.toBe(added(first)[1])
    expect((await tokens.list())[0]!.token).toBe(seller.sold[0]!.token)
  })

  test('what leaks is worth one request for a minute', async () => {
    const market = openMarket()
    const seller = await startSeller({ ...market, publishes: true })
    await market.client().fetch(`${seller.origin}/data?x=1`)
    const authorization = lastCredential(seller)!
    const replay = async (target: string, method = 'GET'): Promise<number> =>
      (await fetch(seller.origin + target, { method, headers: { authorization } })).status
    expect(await replay('/data?x=1')).toBe(200)
    expect(await replay('/data?x=2')).toBe(402)
    expect(await replay('/data?x=1', 'POST')).toBe(402)
    market.advance(60)
    expect(await replay('/data?x=1')).toBe(402)
  })

  test('R-PAY-60 goes a token that cannot be read as it came: nobody can narrow it', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: async ({ headers }, by) => {
        if (headers.authorization !== undefined) return { body: 'paid' }
        const line = `L402 token="opaque.token", invoice="${(await by.sell()).invoice}"`
        const body = JSON.stringify({ caveats: ['exp', 'req'] })
        return { status: 402, headers: { 'www-authenticate': line }, body }
      },
    })
    expect((await market.client().fetch(seller.origin)).status).toBe(200)
    expect(lastCredential(seller)).toMatch(/^L402 opaque\.token:/)
  })

  test('R-PAY-61 counts its minute by the clock of the server', async () => {
    const market = openMarket()
    const behind = { ...market, now: () => market.now() + 7200 }
    const seller = await startSeller({ ...behind, publishes: true })
    const response = await market.client().fetch(`${seller.origin}/data`)
    expect(response.status).toBe(200)
  })

  for (const [name, body] of [
    ['only one of them', { caveats: ['exp'] }],
    ['them elsewhere', { conditions: ['exp', 'req'] }],
    ['them as text', { caveats: 'exp req' }],
    ['nothing', undefined],
  ] as const) {
    test(`R-PAY-62 and to one that says ${name}, the token as it came`, async () => {
      const market = openMarket()
      const seller = await startSeller({
        ...market,
        answer: async (request, by) =>
          by.isPaid(request)
            ? { body: 'paid' }
            : { ...(await by.demand()), body: JSON.stringify(body) ?? '{"caveats":' },
      })
      expect((await market.client().fetch(seller.origin)).status).toBe(200)
      expect(lastCredential(seller)).toContain(` ${seller.sold[0]!.token}:`)
    })
  }
})

test('R-PAY-40 a token that was handed down is used like one that was bought', async () => {
  const market = openMarket()
  const seller = await startSeller(market)
  const parentTokens = createMemoryTokenStore()
  await market.client({ tokens: parentTokens }).fetch(`${seller.origin}/data`)
  const [parent] = await parentTokens.list()
  const narrow = encodeToken(attenuate(decodeToken(parent!.token), 'path=/data/1'))
  const tokens = createMemoryTokenStore()
  await tokens.put(tokenOf({ ...parent!, token: narrow, target: 'GET /data/1' }, parent!))

  const child = market.client({ tokens, payer: undefined as never, ledger: createMemoryLedger() })

  expect((await child.fetch(`${seller.origin}/data/1`)).status).toBe(200)
  expect((await thrownBy(child.fetch(`${seller.origin}/data/2`))).code).toBe('POLICY_REFUSED')
})

describe('R-PAY-42 several things at one path', () => {
  test('told apart by the query are each bought once', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: (request, by) => by.serve(request, { capability: request.target.split('=')[1]! }),
    })
    const client = market.client()
    const get = async (size: string): Promise<number> =>
      (await client.fetch(`${seller.origin}/image?size=${size}`)).status
    for (const size of ['small', 'large', 'small', 'large']) expect(await get(size)).toBe(200)
    expect(market.spentMsat()).toBe(2n * oneMsat)
    expect(await Promise.all(['s', 'm', 'l', 's', 'm', 'l'].map(get))).toEqual(
      Array.from({ length: 6 }, () => 200),
    )
    expect(market.spentMsat()).toBe(5n * oneMsat)
  })

  test('told apart by a header are each bought once', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: (request, by) => by.serve(request, { capability: String(request.headers['x-size']) }),
    })
    const client = market.client()
    const get = async (size: string): Promise<number> =>
      (await client.fetch(`${seller.origin}/image`, { headers: { 'x-size': size } })).status
    for (const size of ['small', 'large', 'small', 'large']) expect(await get(size)).toBe(200)
    expect(market.spentMsat()).toBe(2n * oneMsat)
    expect(await Promise.all(['s', 'm', 'l', 's', 'm', 'l'].map(get))).toEqual(
      Array.from({ length: 6 }, () => 200),
    )
    expect(market.spentMsat()).toBe(5n * oneMsat)
  })

  test('with tokens nobody can read are each bought once, too', async () => {
    const market = openMarket()
    const paidFor = new Map<string, string>()
    const seller = await startSeller({
      ...market,
      answer: async ({ target, headers }, by) => {
        const token = headers.authorization?.split(' ')[1]?.split(':')[0]
        if (token !== undefined && paidFor.get(target) === token) return { body: 'paid' }
        const { invoice } = await by.sell()
        paidFor.set(target, paidFor.get(target) ?? `opaque.${paidFor.size}`)
        const line = `L402 token="${paidFor.get(target)}", invoice="${invoice}"`
        return { status: 402, headers: { 'www-authenticate': line } }
      },
    })
    const client = market.client()
    for (const size of ['small', 'large', 'small', 'large', 'small']) {
      const response = await client.fetch(`${seller.origin}/image?size=${size}`)
      expect(response.status).toBe(200)
    }
    expect(market.spentMsat()).toBe(2n * oneMsat)
  })
})
