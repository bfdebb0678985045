import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { intentOf, noLimits, openAt, pay, proofOf, scratchFolders } from './scratch-journal.ts'

const newFolder = scratchFolders()

test('R-JRN-17 payments are counted, added up and named, and nothing sealed is opened for it', async () => {
  const path = join(newFolder(), 'journal.db')
  const journal = await openAt(path)
  const { ledger, tokens } = journal
  expect(await ledger.summary()).toEqual({
    counts: { intent: 0, sending: 0, unknown: 0, settled: 0, failed: 0 },
    hosts: [],
  })

  for (const number of [1, 2, 3]) await pay(journal, number)
  const other = { origin: 'https://b.test', host: 'b.test', amountMsat: msat(50_000n) }
  for (const number of [4, 5, 6]) await ledger.begin(intentOf(number, other), noLimits)
  await ledger.begin(intentOf(7, { origin: 'https://c.test', host: 'c.test' }), noLimits)
  await ledger.record(proofOf(7).hash, { state: 'failed', failure: 'no-route' }, 1001, 1)
  await ledger.send(proofOf(5).hash, 1)
  await ledger.record(proofOf(6).hash, { state: 'unknown' }, 1001, 1)
  const [first] = await tokens.list()
  await tokens.mark(first!.id, { kind: 'undelivered', accepted: false })

  const costs = new Map<string, bigint>()
  for (const { state, host, amountMsat, feeMsat, maxFeeMsat } of await ledger.list()) {
    if (state === 'failed') continue
    costs.set(host, (costs.get(host) ?? 0n) + amountMsat + (feeMsat ?? maxFeeMsat))
  }
  const stranger = new DatabaseSync(path)
  stranger.exec("UPDATE payments SET token = x'00', preimage = x'00' WHERE state <> 'failed'")
  stranger.close()
  await expect(ledger.list()).rejects.toMatchObject({ code: 'JOURNAL_UNUSABLE' })

  expect(await ledger.summary()).toEqual({
    counts: { intent: 1, sending: 1, unknown: 1, settled: 3, failed: 1 },
    hosts: [
      { host: 'b.test', takenMsat: costs.get('b.test') },
      { host: 'a.test', takenMsat: costs.get('a.test') },
    ],
  })
  const { hash } = proofOf(4)
  expect(await ledger.named(hash)).toEqual([hash])
  expect(await ledger.named(hash.slice(0, 12))).toEqual([hash])
  expect(await ledger.named('')).toHaveLength(7)
  expect(await ledger.named(`${hash}0`)).toEqual([])

  expect((await tokens.latest({ standing: 'owed' })).map(({ id }) => id)).toEqual([first!.id])
  expect(await tokens.latest({ standing: 'new' })).toHaveLength(2)
  expect(await tokens.latest({ standing: 'new', limit: 1 })).toHaveLength(1)
  expect(await tokens.latest({ standing: 'new', origin: 'https://b.test' })).toEqual([])
  await journal.close()
})

test('R-JRN-17 what was good for a number of requests and is used up opens nothing now', async () => {
  const journal = await openAt(join(newFolder(), 'journal.db'))
  const { tokens } = journal
  for (const number of [1, 2]) await pay(journal, number)
  const [bought] = await tokens.list()
  const facts = {
    paymentHash: bought!.paymentHash,
    service: undefined,
    capability: undefined,
    validUntilSeconds: undefined,
    coverage: undefined,
  }
  const put = async (id: string, uses: number | undefined): Promise<void> =>
    await tokens.put({ ...bought!, id: id.repeat(32), facts: { ...facts, uses } })
  await put('c', 2)
  await put('d', undefined)
  const open = async (): Promise<readonly string[]> =>
    (await tokens.latest({ openAtSeconds: 1001 })).map(({ id }) => id.slice(0, 1))
  const { target } = bought!
  const served = { kind: 'served', target, used: true, asked: true } as const
  for (const id of ['c', 'd']) await tokens.mark(id.repeat(32), served)
  expect((await open()).slice(0, 2)).toEqual(['d', 'c'])
  for (const id of ['c', 'd']) await tokens.mark(id.repeat(32), served)
  expect(await open()).toContain('d')
  expect(await open()).not.toContain('c')
  expect((await tokens.latest()).map(({ id }) => id)).toContain('c'.repeat(32))
  await journal.close()
})
