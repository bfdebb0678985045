import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Client } from '../../library/src/client/index.ts'
import type { Journal } from '../../library/src/journal/index.ts'
import type { Market } from '../client/market.ts'
import { openMarket, thrownBy } from '../client/market.ts'
import type { Arrived, Reply, Seller } from '../client/seller.ts'
import { startSeller } from '../client/seller.ts'
import {
  intentOf,
  noLimits,
  openAt,
  proofOf,
  scratchFolders,
  settledBy,
} from './scratch-journal.ts'

const newFolder = scratchFolders()
const opened: Journal[] = []
afterAll(async () => {
  for (const journal of opened) await journal.close()
})

async function openNew(
  path = join(newFolder(), 'journal.db'),
  now?: () => number,
): Promise<Journal> {
  const journal = await openAt(path, now === undefined ? {} : { now })
  opened.push(journal)
  return journal
}

const limits = { ...noLimits, maxUndelivered: 2 }

describe('R-PAY-89 what a host owes, as the journal counts it', () => {
  const begin = async ({ ledger }: Journal, number: number, seconds = 1000): Promise<string> => {
    const intent = intentOf(number, {
      origin: `https://a.test:${number}`,
      createdAtSeconds: seconds,
      leaseUntilSeconds: seconds + 90,
    })
    const begun = await ledger.begin(intent, limits)
    return begun.status === 'crowded' ? `crowded, passes: ${begun.passes}` : begun.status
  }
  const settle = ({ ledger }: Journal, number: number, owed: boolean): Promise<void> =>
    ledger.record(proofOf(number).hash, { ...settledBy(number), owed } as never, 1001, 1)

  test('is what was bought and nobody judged yet, for a day', async () => {
    const journal = await openNew()
    for (const number of [1, 2]) {
      expect(await begin(journal, number)).toBe('begun')
      await settle(journal, number, false)
    }
    expect(await begin(journal, 3)).toBe('crowded, passes: true')
    expect(await begin(journal, 3, 1001 + 86_399)).toBe('crowded, passes: true')
    expect(await begin(journal, 3, 1001 + 86_400)).toBe('begun')
  })

  test('is what it owes, for as long as it owes it', async () => {
    const journal = await openNew()
    for (const number of [1, 2]) {
      await begin(journal, number)
      await settle(journal, number, true)
    }
    expect(await begin(journal, 3)).toBe('crowded, passes: false')
    expect(await begin(journal, 3, 1001 + 86_400)).toBe('begun')
  })

  test('is nothing once a token of it was good, whatever became of that one', async () => {
    for (const ends of [false, true]) {
      const journal = await openNew()
      for (const number of [1, 2]) {
        await begin(journal, number)
        await settle(journal, number, number === 2)
      }
      const good = (await journal.tokens.list())[0]!
      const { target } = good
      await journal.tokens.mark(good.id, { kind: 'served', target, used: true, asked: true })
      if (ends) await journal.tokens.mark(good.id, { kind: 'refused', target, sells: undefined })
      expect((await journal.tokens.find(good.id))?.standing).toBe(ends ? 'spent' : 'good')
      for (const number of [3, 4, 5]) expect(await begin(journal, number)).toBe('begun')
    }
  })

  test('is not what somebody handed over, nor what was written off', async () => {
    const journal = await openNew()
    await begin(journal, 1)
    await settle(journal, 1, false)
    const [token] = await journal.tokens.list()
    for (const id of ['a', 'b', 'c']) {
      const paymentHash = id.repeat(64)
      await journal.tokens.put({ ...token!, id: id.repeat(32), paymentHash })
    }
    expect(await begin(journal, 2)).toBe('begun')
    await journal.ledger.abandon(proofOf(2).hash)
    expect(await begin(journal, 3)).toBe('begun')
    expect(await begin(journal, 4)).toBe('crowded, passes: true')
  })
})

describe('R-PAY-89 processes that share a journal', () => {
  /** Each client has its own handle on the file, and nothing else in common with the others. */
  async function openOffice(
    count: number,
    answer: (request: Arrived, by: Seller) => Reply | Promise<Reply>,
    paymentTimeoutMs = 60_000,
  ): Promise<{ readonly market: Market; readonly seller: Seller; readonly clients: Client[] }> {
    const market = openMarket()
    const seller = await startSeller({ ...market, answer })
    const path = join(newFolder(), 'journal.db')
    const clients: Client[] = []
    for (let i = 0; i < count; i++) {
      const { ledger, tokens } = await openNew(path, market.now)
      clients.push(market.client({ ledger, tokens, paymentTimeoutMs }))
    }
    return { market, seller, clients }
  }

  const broken = async (request: Arrived, by: Seller): Promise<Reply> =>
    request.headers.authorization === undefined ? by.serve(request) : { status: 503 }

  test('pay three times in all where nothing is delivered, however many there are', async () => {
    const { market, seller, clients } = await openOffice(8, broken)
    const reasons = await Promise.all(
      clients.map((client, i) =>
        client.fetch(`${seller.origin}/${i}`).then(
          ({ status }) => status,
          (error) => error.details.reason,
        ),
      ),
    )
    expect(reasons.filter((reason) => reason === 503).length).toBe(3)
    expect(reasons.filter((reason) => reason === 'owed').length).toBe(5)
    expect(market.spentMsat()).toBe(3n * 11_001n)
  })

  test('wait for the first to be delivered, and all get what they want', async () => {
    const { market, seller, clients } = await openOffice(8, (request, by) => by.serve(request))
    const all = await Promise.all(clients.map((one, i) => one.fetch(`${seller.origin}/${i}`)))
    expect(all.map(({ status }) => status)).toEqual(clients.map(() => 200))
    expect(market.spentMsat()).toBe(8n * 11_001n)
  })

  test('wait for no longer than for the wallet', async () => {
    const hanging = async (request: Arrived, by: Seller): Promise<Reply> =>
      request.headers.authorization === undefined
        ? by.serve(request, { uses: 5 })
        : { raw: () => undefined }
    const { market, seller, clients } = await openOffice(4, hanging, 400)
    const impatience = new AbortController()
    const { signal } = impatience
    const first = clients
      .slice(0, 3)
      .map((one, i) => one.fetch(`${seller.origin}/${i}`, { signal }))
    for (const one of first) one.catch(() => undefined)
    while (market.spentMsat() < 3n * 11_001n) await new Promise(setImmediate)
    const { code, details } = await thrownBy(clients[3]!.fetch(`${seller.origin}/3`))
    expect([code, details['reason']]).toEqual(['POLICY_REFUSED', 'owed'])
    expect(details['paymentHash']).toMatch(/^[0-9a-f]{64}$/)
    expect(market.spentMsat()).toBe(3n * 11_001n)
    impatience.abort()
    await Promise.allSettled(first)
  })
})
