import { describe, expect, test } from 'vitest'
import type { Client, ClientOptions, Note } from '../../library/src/client/index.ts'
import { createMemoryTokenStore } from '../../library/src/client/index.ts'
import { createTransport } from '../../library/src/transport/index.ts'
import type { Market } from './market.ts'
import { openMarket, thrownBy } from './market.ts'
import type { Reply, Seller } from './seller.ts'
import { hashHex, startSeller } from './seller.ts'

const oneMsat = 11_001n

/** The beginning of an answer, and a broken connection. */
const broken: Reply = {
  raw: (response) => {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('x', () => setImmediate(() => response.destroy()))
  },
}

type Shop = {
  readonly market: Market
  readonly seller: Seller
  readonly notes: readonly Note[]
  readonly client: Client
  readonly url: string
  standings(): Promise<readonly string[]>
}

/** A shop whose first answers under a credential are these, and honest ones from then on. */
async function openShop(
  replies: readonly Reply[],
  options: Partial<ClientOptions> & { readonly uses?: number } = {},
): Promise<Shop> {
  const { uses, ...given } = options
  const market = openMarket()
  const queue = [...replies]
  const seller = await startSeller({
    ...market,
    answer: async (request, by) => {
      const next = request.headers.authorization === undefined ? undefined : queue[0]
      if (next !== undefined && (next.status === 402 || by.isPaid(request))) {
        queue.shift()
        return next.status === 402 ? by.demand() : next
      }
      return by.serve(request, uses === undefined ? {} : { uses })
    },
  })
  const notes: Note[] = []
  const receipts = {
    note: async (note: Note) => {
      notes.push(note)
    },
  }
  const tokens = createMemoryTokenStore()
  return {
    market,
    seller,
    notes,
    client: market.client({ tokens, receipts, ...given }),
    url: `${seller.origin}/data`,
    standings: async () => (await tokens.list()).map(({ standing }) => standing),
  }
}

const kinds = (notes: readonly Note[]): readonly string[] => notes.map(({ kind }) => kind)

describe('R-PAY-49 an answer that was paid for and breaks off', () => {
  for (const name of ['the platform’s fetch', 'the transport'] as const) {
    test(`is not delivered, with ${name}, and says so before its reader knows`, async () => {
      const transport = createTransport()
      const fetch = name === 'the transport' ? { fetch: transport.fetch } : {}
      try {
        const { seller, client, notes, url, standings } = await openShop([broken], fetch)
        const response = await client.fetch(url)
        expect(client.outcomeOf(response)).toBe('paid_delivered')
        expect(await standings()).toEqual(['good'])
        expect(notes).toEqual([])

        await expect(response.text()).rejects.toThrow(TypeError)
        const paymentHash = hashHex(seller.sold[0]!)
        expect(client.describe(response)).toMatchObject({
          outcome: 'paid_not_delivered',
          status: 200,
          paymentHash,
          resume: paymentHash,
          hint: expect.stringContaining('resume'),
        })
        expect(client.outcomeOf(response)).toBe('paid_not_delivered')
        expect(client.purchaseOf(response)).toMatchObject({ resumed: false })
        expect(await standings()).toEqual(['owed'])
        expect(notes).toMatchObject([{ kind: 'not-delivered', status: 200, paymentHash }])
      } finally {
        await transport.close()
      }
    })
  }

  test('is not bought again: the next call asks for it with what was bought', async () => {
    const { market, client, notes, url, standings } = await openShop([broken, broken])
    for (let i = 0; i < 2; i++) {
      const response = await client.fetch(url)
      await expect(response.text()).rejects.toThrow(TypeError)
      expect(client.outcomeOf(response)).toBe('paid_not_delivered')
    }
    const response = await client.fetch(url)
    expect(await response.text()).toBe('paid /data')
    expect(client.describe(response)).toMatchObject({ outcome: 'not_paid', resume: undefined })
    expect(market.spentMsat()).toBe(oneMsat)
    expect(await standings()).toEqual(['good'])
    expect(kinds(notes)).toEqual(['not-delivered', 'not-delivered', 'delivered'])
  })

  test('and whose token was for one request costs one payment, however often it is wanted', async () => {
    const { market, client, url, standings } = await openShop([broken], { uses: 1 })
    await expect((await client.fetch(url)).text()).rejects.toThrow(TypeError)
    for (let i = 0; i < 3; i++) {
      expect((await thrownBy(client.fetch(url))).code).toBe('PAYMENT_NOT_DELIVERED')
    }
    expect(market.spentMsat()).toBe(oneMsat)
    expect(await standings()).toEqual(['owed'])
  })

  test('after it was refused first is owed still', async () => {
    const { market, client, url, standings } = await openShop([{ status: 402 }, broken])
    await thrownBy(client.fetch(url))
    const response = await client.fetch(url)
    await expect(response.text()).rejects.toThrow(TypeError)
    expect(client.describe(response)).toMatchObject({ outcome: 'paid_not_delivered' })
    expect(await standings()).toEqual(['owed'])
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('is resumed, and breaks off again, and is resumed', async () => {
    const { market, client, notes, url } = await openShop([broken, broken])
    const first = await client.fetch(url)
    await expect(first.text()).rejects.toThrow(TypeError)
    const { resume } = client.describe(first)
    const second = await client.resume(resume)
    await expect(second.text()).rejects.toThrow(TypeError)
    expect(client.describe(second)).toMatchObject({ outcome: 'paid_not_delivered', resume })
    expect(client.purchaseOf(second)).toMatchObject({ resumed: true })
    expect(await (await client.resume(resume)).text()).toBe('paid /data')
    expect(market.spentMsat()).toBe(oneMsat)
    expect(kinds(notes)).toEqual(['not-delivered', 'not-delivered', 'delivered'])
  })

  test('under a token that delivered before is a trouble of that request alone', async () => {
    const { client, notes, url, standings } = await openShop([{ body: 'paid' }, broken])
    await (await client.fetch(url)).text()
    const response = await client.fetch(url)
    await expect(response.text()).rejects.toThrow(TypeError)
    expect(client.outcomeOf(response)).toBe('not_paid')
    expect(await standings()).toEqual(['good'])
    expect(kinds(notes)).toEqual(['delivered'])
  })

  test('because its reader cancels, or its caller gives up, or nobody reads it, is no trouble', async () => {
    const endless: Reply = {
      raw: (response) => {
        response.writeHead(200).write('x')
      },
    }
    for (const give of ['cancel', 'abort', 'nothing'] as const) {
      const { client, notes, url, standings } = await openShop([endless])
      const controller = new AbortController()
      const response = await client.fetch(url, { signal: controller.signal })
      if (give === 'cancel') await response.body!.cancel()
      if (give === 'abort') {
        const text = response.text()
        controller.abort(new Error('enough'))
        await expect(text).rejects.toThrow('enough')
      }
      expect(client.outcomeOf(response)).toBe('paid_delivered')
      expect([give, await standings(), notes]).toEqual([give, ['good'], []])
    }
  })

  for (const [name, reply] of [
    ['has no body', { status: 204 }],
    ['leads elsewhere', { status: 302, headers: { location: '/free' }, body: 'there' }],
  ] as const) {
    test(`R-RCT-2 but one that ${name} is delivered with its head`, async () => {
      const { client, notes, url, standings } = await openShop([reply])
      const response = await client.fetch(url)
      expect(client.outcomeOf(response)).toBe('paid_delivered')
      expect(kinds(notes)).toEqual(['delivered'])
      expect(await standings()).toEqual(['good'])
    })
  }

  test('and a store that fails meanwhile does not change what its reader gets', async () => {
    const tokens = createMemoryTokenStore()
    let isFull = false
    const { client, url } = await openShop([broken], {
      tokens: {
        ...tokens,
        mark: async (id, mark) => {
          if (isFull) throw new Error('disk full')
          await tokens.mark(id, mark)
        },
      },
    })
    const response = await client.fetch(url)
    isFull = true
    await expect(response.text()).rejects.toThrow(TypeError)
    expect(client.outcomeOf(response)).toBe('paid_not_delivered')
  })
})
