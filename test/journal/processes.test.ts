import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import type { PaymentEntry } from '../../library/src/client/index.ts'
import type { ChildNews } from './child.ts'
import type { StartChild } from './children.ts'
import { buildChild } from './children.ts'
import { openAt, proofOf, scratchFolders } from './scratch-journal.ts'

const newFolder = scratchFolders()
let startChild: StartChild
beforeAll(async () => {
  startChild = await buildChild(newFolder())
})

test('R-JRN-20 two processes make a journal at once, and both have it', async () => {
  for (let round = 0; round < 5; round++) {
    const path = join(newFolder(), 'journal.db')
    const children = [0, 1, 2].map((i) =>
      startChild({ path, kind: 'budget', first: 1 + 10 * i, count: 3 }),
    )
    for (const { ended } of children) expect(await ended).toEqual({ code: 0, errors: '' })
    const journal = await openAt(path)
    expect((await journal.ledger.list()).length).toBe(9)
    await journal.close()
  }
}, 120_000)

test('R-JRN-21 100 begin at once in two processes, and never pass a budget of 2000 sat', async () => {
  const path = join(newFolder(), 'journal.db')
  const children = [1, 1001].map((first) =>
    startChild({ path, kind: 'budget', first, count: 50, maxTotalMsat: '2000000' }),
  )
  for (const { ended } of children) expect(await ended).toEqual({ code: 0, errors: '' })
  const news = children.flatMap((child) => child.news).map(({ what }) => what)
  // 101 sat each with the fee ceiling: 19 fit.
  expect(news.filter((what) => what === 'begun').length).toBe(19)
  expect(news.filter((what) => what === 'exceeded').length).toBe(81)
  const journal = await openAt(path)
  expect((await journal.ledger.spending(0)).totalMsat).toBe(19n * 101_000n)
  await journal.close()
}, 120_000)

describe('R-JRN-22 processes that are killed while they write', () => {
  test('100 times: the file is whole, nothing is lost that was told, and the sums are right', async () => {
    let told = 0
    for (let file = 0; file < 5; file++) {
      const path = join(newFolder(), 'journal.db')
      const news: ChildNews[] = []
      for (let round = 0; round < 10; round++) {
        const pair = [0, 1].map((i) => {
          const first = 1 + (round * 2 + i) * 100_000
          return startChild({ path, kind: 'storm', first, count: 1 + 4 * i })
        })
        // In the first round they may die while they make the file.
        if (round > 0) await Promise.all(pair.map((child) => child.heard('ready')))
        for (const child of pair) {
          // However slow the machine is, each gets to write something, and ends anywhere in it.
          const least = round === 0 ? 0 : randomInt(40)
          const dies = async (): Promise<void> => {
            while (child.news.length < least && child.process.exitCode === null) await pause(1)
            await pause(randomInt(round === 0 ? 500 : 20))
            child.process.kill('SIGKILL')
          }
          void dies()
        }
        for (const child of pair) expect(await child.ended).toEqual({ code: null, errors: '' })
        news.push(...pair.flatMap((child) => child.news))

        // Opening holds every row, index and sum against each other.
        const journal = await openAt(path)
        await expectAll(await journal.ledger.list(), news)
        expect((await journal.tokens.list()).length).toBeGreaterThanOrEqual(
          news.filter(({ what }) => what === 'settled').length,
        )
        if (round === 9) expect((await journal.receipts.verify()).problems).toEqual([])
        await journal.close()
      }
      told += news.length
    }
    // Children that never got to write would prove nothing.
    expect(told).toBeGreaterThan(500)
  }, 300_000)

  async function expectAll(
    entries: readonly PaymentEntry[],
    news: readonly ChildNews[],
  ): Promise<void> {
    const byHash = new Map(entries.map((entry) => [entry.paymentHash, entry]))
    for (const { what, number, fee } of news) {
      if (number === undefined) continue
      const { hash, preimage } = proofOf(number)
      const entry = byHash.get(hash)
      if (entry === undefined) throw new Error(`${number} was ${what}, and is not there`)
      if (what === 'sent') expect(entry.state).not.toBe('intent')
      if (what === 'failed') expect(entry.state).toBe('failed')
      if (what !== 'settled') continue
      expect(entry).toMatchObject({ state: 'settled', preimage, feeMsat: BigInt(fee!) })
    }
  }
})

describe('R-JRN-23 when the process that began a payment is killed', () => {
  test('its lease is over at once, and later where the order may be on its way', async () => {
    const path = join(newFolder(), 'journal.db')
    const child = startChild({ path, kind: 'wait', first: 1, count: 2 })
    await child.heard('waiting')
    const journal = await openAt(path)
    const leases = async (): Promise<readonly number[]> =>
      (await journal.ledger.unfinished()).map((entry) => entry.leaseUntilSeconds)
    const given = await leases()
    for (const until of given) expect(until).toBeGreaterThan(Date.now() / 1000 + 30)

    child.process.kill('SIGKILL')
    await child.ended
    const [intent, sent, slow] = await leases()
    const nowSeconds = Date.now() / 1000
    expect(intent).toBe(0)
    expect(sent).toBeGreaterThan(nowSeconds - 5)
    expect(sent).toBeLessThanOrEqual(nowSeconds + 1)
    expect(slow).toBe(given[2])
    await pause(20)
    // Another process that looks later counts from the first look.
    const other = await openAt(path)
    expect((await other.ledger.find(proofOf(2).hash))?.leaseUntilSeconds).toBe(sent)
    expect(await leases()).toEqual([0, sent, slow])
    await other.close()
    await journal.close()
  })

  test('an end that was recorded stays, and its lease is over', async () => {
    const path = join(newFolder(), 'journal.db')
    const child = startChild({ path, kind: 'wait', first: 1, count: 2 })
    await child.heard('waiting')
    child.process.kill('SIGKILL')
    await child.ended
    const journal = await openAt(path)
    const { hash } = proofOf(2)
    await journal.ledger.record(hash, { state: 'failed', failure: 'never-sent' }, 1, 1)
    const found = await journal.ledger.find(hash)
    expect([found?.state, found?.leaseUntilSeconds]).toEqual(['failed', 0])
    await journal.close()
  })
})
