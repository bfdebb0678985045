import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { satToMsat } from '../../library/src/amount/index.ts'
import { openJournal } from '../../library/src/journal/index.ts'
import { buildBuyer } from './build.ts'
import type { BuyerNews, BuyerOrder } from './buyer.ts'
import type { World } from './shop.ts'
import { openWorld } from './shop.ts'

let folder: string
let buyer: string
let world: World
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'satway-parallel-'))
  buyer = await buildBuyer(folder)
  world = await openWorld(folder)
})
afterAll(async () => {
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Two processes with the same orders and one journal, at the same time. */
async function buyTwice(
  name: string,
  plan: Pick<BuyerOrder, 'budget' | 'parallel'> & { readonly buy: readonly (readonly string[])[] },
): Promise<{ readonly news: readonly BuyerNews[]; readonly journal: string }> {
  const { walletFile, origin } = world
  const journal = join(folder, name, 'journal.db')
  const { budget, parallel = 1 } = plan
  const heard = await Promise.all(
    plan.buy.map(async (buy) => {
      const money = { budget, parallel, paymentTimeoutMs: 30_000 }
      const order: BuyerOrder = { journal, walletFile, origin, finish: [], buy, ...money }
      const child = spawn(process.execPath, [buyer, JSON.stringify(order)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let text = ''
      child.stdout.on('data', (chunk: Buffer) => {
        text += String(chunk)
      })
      const [code] = (await once(child, 'close')) as [number | null]
      expect(code).toBe(0)
      return text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as BuyerNews)
    }),
  )
  return { news: heard.flat(), journal }
}

describe('two processes that share one journal', () => {
  test('R-PAY-24 100 parallel calls against a budget of 2000 sat never pass it', async () => {
    const before = world.spentMsat()
    const items = (name: string): readonly string[] =>
      Array.from({ length: 50 }, (_, i) => `p50-${name}${i}`)
    const { news, journal } = await buyTwice('budget', {
      budget: String(satToMsat(2000n)),
      parallel: 50,
      buy: [items('a'), items('b')],
    })
    const spentMsat = world.spentMsat() - before
    const bought = news.filter(({ kind }) => kind === 'bought').length
    expect(spentMsat).toBeLessThanOrEqual(satToMsat(2000n))
    // 50 sat and a fee of about 1 sat each; the fee ceiling is 5 sat.
    expect(bought).toBeGreaterThanOrEqual(36)
    expect(news.filter((one) => one.kind === 'refused').map((one) => one.code)).toEqual(
      Array.from({ length: 100 - bought }, () => 'BUDGET_EXCEEDED'),
    )
    const opened = await openJournal({ path: journal, key: new Uint8Array(32).fill(9) })
    const { totalMsat, heldMsat } = await opened.ledger.spending(Date.now() / 1000)
    await opened.close()
    expect(totalMsat).toBe(spentMsat)
    expect(heldMsat).toBe(0n)
  })

  test('R-PAY-9 100 parallel calls for one thing pay once', async () => {
    const same = Array.from({ length: 50 }, () => 'wanted-by-all')
    const { news } = await buyTwice('once', {
      budget: String(satToMsat(2000n)),
      parallel: 50,
      buy: [same, same],
    })
    const answers = news.filter(({ kind }) => kind === 'bought' || kind === 'refused')
    expect(answers).toHaveLength(100)
    expect(answers.filter(({ kind }) => kind === 'refused')).toEqual([])
    const { settledHashes } = await world.sale('wanted-by-all')
    expect(settledHashes).toHaveLength(1)
  })
})
