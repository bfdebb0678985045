import { describe, expect, test } from 'vitest'
import { encodeHex, sha256 } from '../../library/src/bytes/index.ts'
import type {
  Approved,
  FetchInit,
  PolicyOptions,
  Proposal,
} from '../../library/src/client/index.ts'
import { createMemoryLedger, createMemoryTokenStore } from '../../library/src/client/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { Market } from './market.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import type { Seller } from './seller.ts'
import { hashHex, startSeller } from './seller.ts'

const oneMsat = 11_001n

/** A seller that is reached under any name. */
async function openShop(): Promise<{
  readonly market: Market
  readonly seller: Seller
  readonly at: (policy: Partial<PolicyOptions>) => ReturnType<Market['client']>
}> {
  const market = openMarket()
  const seller = await startSeller(market)
  const ledger = createMemoryLedger()
  const tokens = createMemoryTokenStore()
  return {
    market,
    seller,
    at: (policy) =>
      market.client({
        ledger,
        tokens,
        policy: { ...openPolicy, ...policy },
        fetch: async (input, init) => {
          const { pathname, search } = new URL(input)
          return fetch(seller.origin + pathname + search, init)
        },
      }),
  }
}

function asking(answer: Approved | (() => Approved)): {
  readonly asked: Proposal[]
  readonly approve: (proposal: Proposal) => Approved
} {
  const asked: Proposal[] = []
  return {
    asked,
    approve: (proposal) => {
      asked.push(proposal)
      return typeof answer === 'function' ? answer() : answer
    },
  }
}

describe('R-PAY-82 the first payment at a new host', () => {
  test('is refused under deny, until something was paid there', async () => {
    const { market, seller, at } = await openShop()
    const { code, details } = await thrownBy(at({ newHosts: 'deny' }).fetch('https://a.test/x'))
    expect([code, details]).toEqual([
      'POLICY_REFUSED',
      {
        reason: 'new-host',
        origin: 'https://a.test',
        paymentHash: hashHex(seller.sold[0]!),
        amountMsat: '10000',
        hint: expect.stringContaining('policy.newHosts'),
      },
    ])
    expect(market.spentMsat()).toBe(0n)
    await at({ newHosts: 'allow' }).fetch('https://a.test/x')
    expect((await at({ newHosts: 'deny' }).fetch('https://a.test:8443/y')).status).toBe(200)
    expect((await thrownBy(at({ newHosts: 'deny' }).fetch('https://b.test/x'))).code).toBe(
      'POLICY_REFUSED',
    )
  })

  test('is not the first where the policy names the host in full', async () => {
    const { at } = await openShop()
    const allowHosts = ['a.test', '*.b.test', 'c.test:8443']
    const client = at({ newHosts: 'deny', allowHosts })
    expect((await client.fetch('https://a.test/x')).status).toBe(200)
    expect((await client.fetch('https://c.test:8443/x')).status).toBe(200)
    const { details } = await thrownBy(client.fetch('https://x.b.test/x'))
    expect(details['reason']).toBe('new-host')
  })

  test('is asked about under ask, and the next one is not', async () => {
    const { at } = await openShop()
    const { asked, approve } = asking(true)
    const client = at({ newHosts: 'ask', askAboveMsat: '1000 sat', approve })
    await client.fetch('https://a.test/x')
    await client.fetch('https://a.test/y')
    expect(asked.map(({ askedBecause, url }) => [askedBecause, url])).toEqual([
      ['new-host', 'https://a.test/x'],
    ])
  })

  test('is refused in a quote as well, and asked about in none', async () => {
    const { at } = await openShop()
    const denied = await at({ newHosts: 'deny' }).quote('https://a.test/x')
    expect(denied).toMatchObject({ status: 'refused', price: { amountMsat: 10_000n } })
    expect(denied.status === 'refused' && denied.error.details['reason']).toBe('new-host')
    const { asked, approve } = asking(true)
    const quoted = await at({ newHosts: 'ask', approve }).quote('https://a.test/x')
    expect([quoted.status, asked.length]).toEqual(['payable', 0])
  })

  test('stays the first when it failed', async () => {
    const { market, at } = await openShop()
    const { asked, approve } = asking(true)
    const client = at({ newHosts: 'ask', askAboveMsat: '1000 sat', approve })
    market.buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    expect((await thrownBy(client.fetch('https://a.test/x'))).code).toBe('PAYMENT_FAILED')
    await client.fetch('https://a.test/x')
    expect(asked.length).toBe(2)
  })
})

describe('R-PAY-83 what is asked about', () => {
  test('is what costs more than goes unasked, its fee ceiling included', async () => {
    const { at } = await openShop()
    for (const [askAboveMsat, times] of [
      ['14.999 sat', 1],
      ['15 sat', 0],
      ['0 msat', 1],
    ] as const) {
      const { asked, approve } = asking(true)
      await at({ askAboveMsat, approve }).fetch(
        `https://a.test/a${Number.parseInt(askAboveMsat, 10)}`,
      )
      expect(asked.map(({ askedBecause }) => askedBecause)).toEqual(Array(times).fill('amount'))
    }
  })

  test('names the body that goes with the request, however often it is read', async () => {
    const { at } = await openShop()
    const bytes = new TextEncoder().encode('{"to":"alice"}')
    const form = new FormData()
    form.set('to', 'alice')
    const other = new FormData()
    other.set('to', 'mallory')
    const proposalFor = async (
      body: NonNullable<FetchInit['body']>,
    ): Promise<readonly Partial<Proposal>[]> => {
      const { asked, approve } = asking(false)
      const init = { method: 'POST', body, duplex: 'half' } as const
      await thrownBy(at({ approve }).fetch('https://a.test/order', init))
      return asked.map(({ bodySha256, bodyBytes }) => ({ bodySha256, bodyBytes }))
    }
    const expected = [{ bodySha256: encodeHex(sha256(bytes)), bodyBytes: bytes.length }]
    for (const body of ['{"to":"alice"}', bytes, new Blob([bytes]), new Blob([bytes]).stream()]) {
      expect(await proposalFor(body)).toEqual(expected)
    }
    expect(await proposalFor('{"to":"mallory"}')).not.toEqual(expected)
    expect(await proposalFor(form)).toEqual(await proposalFor(form))
    expect(await proposalFor(form)).not.toEqual(await proposalFor(other))
  })

  test('names no body where there is none', async () => {
    const { at } = await openShop()
    const { asked, approve } = asking(false)
    await thrownBy(at({ approve }).fetch('https://a.test/order'))
    expect(asked).toMatchObject([{ bodySha256: undefined, bodyBytes: undefined }])
  })

  test('has no answer yet, and can be asked for again', async () => {
    const { market, seller, at } = await openShop()
    let answer: Approved = { pendingId: 'K7QM2ZXA' }
    const client = at({ approve: () => answer })
    const { error, code, details } = await thrownBy(client.fetch('https://a.test/x'))
    expect([code, details]).toEqual([
      'POLICY_REFUSED',
      {
        reason: 'approval-pending',
        approvalId: 'K7QM2ZXA',
        origin: 'https://a.test',
        paymentHash: hashHex(seller.sold[0]!),
        amountMsat: '10000',
        hint: expect.stringContaining('call again'),
      },
    ])
    expect(client.describe(error)).toMatchObject({
      outcome: 'refused',
      reason: 'approval-pending',
      approvalId: 'K7QM2ZXA',
      amountMsat: 10_000n,
      resume: undefined,
    })
    answer = true
    expect((await client.fetch('https://a.test/x')).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  for (const answer of [
    undefined,
    null,
    'true',
    1,
    {},
    { pendingId: '' },
    { pendingId: 5 },
    { approved: true },
    [true],
  ]) {
    test(`R-PAY-23 is declined by ${JSON.stringify(answer) ?? 'nothing'}`, async () => {
      const { market, at } = await openShop()
      const client = at({ approve: () => answer as unknown as Approved })
      const { details } = await thrownBy(client.fetch('https://a.test/x'))
      expect(details['reason']).toBe('declined')
      expect(market.spentMsat()).toBe(0n)
    })
  }

  test('R-PAY-23 is nothing for which a limit has no room', async () => {
    const { at } = await openShop()
    const { asked, approve } = asking(true)
    for (const limit of ['perHostMsat', 'perHourMsat', 'perDayMsat', 'maxTotalMsat']) {
      const client = at({ approve, [limit]: '14 sat' })
      expect((await thrownBy(client.fetch('https://a.test/x'))).code).toBe('BUDGET_EXCEEDED')
    }
    expect(asked).toEqual([])
  })

  test('R-PAY-23 is asked once for a hundred calls that want the same', async () => {
    const { market, at } = await openShop()
    const { asked, approve } = asking(true)
    const client = at({ approve })
    const calls = Array.from({ length: 100 }, () => client.fetch('https://a.test/x'))
    for (const response of await Promise.all(calls)) expect(response.status).toBe(200)
    expect(asked.length).toBe(1)
    expect(market.spentMsat()).toBe(oneMsat)
  })
})

describe('R-PAY-81 R-PAY-18 whom and where to pay', () => {
  test('is refused on a network that the policy does not name', async () => {
    const { market, at } = await openShop()
    const { details } = await thrownBy(at({ networks: ['bitcoin'] }).fetch('https://a.test/x'))
    expect(details).toMatchObject({ reason: 'network', network: 'regtest' })
    expect(market.spentMsat()).toBe(0n)
    const both = at({ networks: ['bitcoin', 'regtest'] })
    expect((await both.fetch('https://a.test/x')).status).toBe(200)
  })

  test('is refused to a payee that is denied, also when it is allowed', async () => {
    const { market, seller, at } = await openShop()
    const { invoice } = await seller.sell()
    const payee = Buffer.from(decodeInvoice(invoice).payee).toString('hex')
    for (const policy of [
      { denyPayees: [payee.toUpperCase()] },
      { denyPayees: [payee], payees: [payee] },
    ]) {
      const { details } = await thrownBy(at(policy).fetch('https://a.test/x'))
      expect(details).toMatchObject({ reason: 'payee', payee })
    }
    expect(market.spentMsat()).toBe(0n)
    const other = `02${'ab'.repeat(32)}`
    expect((await at({ denyPayees: [other] }).fetch('https://a.test/x')).status).toBe(200)
  })
})

describe('R-PAY-80 a policy that changes', () => {
  const wide: PolicyOptions = openPolicy

  test('is in force from the next decision on', async () => {
    const { market, seller } = await openShop()
    let policy: PolicyOptions = { ...wide, maxTotalMsat: '0 msat' }
    const client = market.client({ policy: () => policy })
    expect((await thrownBy(client.fetch(`${seller.origin}/x`))).code).toBe('BUDGET_EXCEEDED')
    policy = wide
    expect((await client.fetch(`${seller.origin}/x`)).status).toBe(200)
    policy = { ...wide, denyHosts: ['127.0.0.1'] }
    expect((await thrownBy(client.fetch(`${seller.origin}/y`))).details['reason']).toBe('host')
    expect((await client.fetch(`${seller.origin}/x`)).status).toBe(200)
  })

  for (const [name, broken, hint] of [
    [
      'throws',
      () => {
        throw new Error('policy.yaml: line 3: no such unit')
      },
      'policy.yaml: line 3: no such unit',
    ],
    [
      'throws something that is no error',
      () => {
        throw null
      },
      'it could not be asked for',
    ],
    [
      'has mistakes',
      () => ({ ...wide, maxPerHour: '1 sat' }) as PolicyOptions,
      'policy.maxPerHour: is not an option',
    ],
    ['is a promise', () => Promise.resolve(wide) as unknown as PolicyOptions, 'policy.maxPayment'],
    ['is nothing', () => undefined as unknown as PolicyOptions, 'policy: expected an object'],
  ] as const) {
    test(`pays nothing while it ${name}, and goes on with what needs no payment`, async () => {
      const { market, seller } = await openShop()
      let ask = (): PolicyOptions => wide
      const client = market.client({ policy: () => ask() })
      await client.fetch(`${seller.origin}/bought`)
      ask = broken

      expect((await client.fetch(`${seller.origin}/free`)).status).toBe(200)
      expect((await client.fetch(`${seller.origin}/bought`)).status).toBe(200)
      const { code, details } = await thrownBy(client.fetch(`${seller.origin}/new`))
      expect([code, details['reason'], details['origin']]).toEqual([
        'POLICY_REFUSED',
        'policy',
        seller.origin,
      ])
      expect(details['hint']).toContain(hint)
      expect(String(details['hint']).length).toBeLessThanOrEqual(220)
      const quoted = await client.quote(`${seller.origin}/new`)
      expect(quoted.status === 'refused' && quoted.error.details['reason']).toBe('policy')
      const { invoice } = await seller.sell()
      const bare = await thrownBy(client.payInvoice(invoice))
      expect(bare.details['reason']).toBe('policy')
      expect(market.spentMsat()).toBe(oneMsat)

      ask = () => wide
      expect((await client.fetch(`${seller.origin}/new`)).status).toBe(200)
    })
  }

  test('makes no exception of plain http while it is broken', async () => {
    const { seller, market } = await openShop()
    let ask = (): PolicyOptions => ({ ...wide, allowHttp: ['a.test'] })
    const client = market.client({
      policy: () => ask(),
      fetch: (input, init) => fetch(seller.origin + new URL(input).pathname, init),
    })
    expect((await client.fetch('http://a.test/x')).status).toBe(200)
    ask = () => {
      throw new Error('gone')
    }
    const before = seller.arrived.length
    expect((await thrownBy(client.fetch('http://a.test/x'))).details['reason']).toBe('insecure')
    const sent = seller.arrived.slice(before)
    expect(sent.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test('R-PAY-23 that was tightened while somebody was asked forbids what they allowed', async () => {
    const { seller, market } = await openShop()
    let tight: Partial<PolicyOptions> = {}
    for (const [change, code] of [
      [{ maxPaymentMsat: '5 sat' }, 'BUDGET_EXCEEDED'],
      [{ maxTotalMsat: '5 sat' }, 'BUDGET_EXCEEDED'],
      [{ denyHosts: ['127.0.0.1'] }, 'POLICY_REFUSED'],
      [{ networks: ['bitcoin'] }, 'POLICY_REFUSED'],
      [{ newHosts: 'deny' }, 'POLICY_REFUSED'],
      [{ nonsense: 1 }, 'POLICY_REFUSED'],
    ] as const satisfies readonly (readonly [object, string])[]) {
      tight = {}
      const approve = (): boolean => {
        tight = change as Partial<PolicyOptions>
        return true
      }
      const client = market.client({ policy: () => ({ ...wide, approve, ...tight }) })
      expect((await thrownBy(client.fetch(`${seller.origin}/x`))).code).toBe(code)
    }
    expect(market.spentMsat()).toBe(0n)
  })

  test('R-PAY-23 that was loosened meanwhile is asked about again only for what costs more', async () => {
    const { seller, market } = await openShop()
    let policy: PolicyOptions = { ...wide, maxFeeMsat: '1 sat' }
    const asked: bigint[] = []
    const approve = (proposal: Proposal): boolean => {
      asked.push(proposal.maxFeeMsat)
      policy = { ...wide, maxFeeMsat: '4 sat' }
      return true
    }
    const client = market.client({ policy: () => ({ ...policy, approve }) })
    expect((await client.fetch(`${seller.origin}/x`)).status).toBe(200)
    expect(asked).toEqual([1000n, 4000n])
  })

  test('is not needed to make a client', () => {
    const { client } = openMarket()
    const broken = (): never => {
      throw new Error('no file')
    }
    expect(() => client({ policy: broken })).not.toThrow()
  })
})

describe('R-PAY-45 what a host owes', () => {
  test('counts at all of its ports together', async () => {
    const market = openMarket()
    const shops = await Promise.all(
      Array.from({ length: 4 }, () =>
        startSeller({
          ...market,
          answer: (request, by) =>
            request.headers.authorization === undefined
              ? by.demand({ capability: `thing${request.path.slice(1)}` })
              : { status: 500 },
        }),
      ),
    )
    const client = market.client()
    for (const { origin } of shops.slice(0, 3)) {
      expect((await client.fetch(`${origin}/x`)).status).toBe(500)
    }
    const { details } = await thrownBy(client.fetch(`${shops[3]!.origin}/x`))
    expect(details['reason']).toBe('owed')
    expect(market.spentMsat()).toBe(3n * oneMsat)
    const quoted = await client.quote(`${shops[3]!.origin}/x`)
    expect(quoted.status === 'refused' && quoted.error.details['reason']).toBe('owed')
  })

  for (const maxUndelivered of [1, 2, 5]) {
    test(`is at most ${maxUndelivered} where the policy says so, one after the other and at once`, async () => {
      for (const atOnce of [false, true]) {
        const market = openMarket()
        const seller = await startSeller({
          ...market,
          answer: (request, by) =>
            request.headers.authorization === undefined
              ? by.demand({ capability: `thing${request.path.slice(1)}` })
              : { status: 500 },
        })
        const client = market.client({ policy: { ...openPolicy, maxUndelivered } })
        const calls = Array.from({ length: 8 }, (_, i) => `${seller.origin}/${i}`)
        if (atOnce) await Promise.allSettled(calls.map((url) => client.fetch(url)))
        else for (const url of calls) await client.fetch(url).catch(() => undefined)
        expect(market.spentMsat()).toBe(BigInt(maxUndelivered) * oneMsat)
      }
    })
  }
})
