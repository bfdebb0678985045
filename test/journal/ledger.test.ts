import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { maxMsat } from '../../library/src/amount/index.ts'
import type { Journal } from '../../library/src/journal/index.ts'
import { describeLedger } from '../client/ledger-contract.ts'
import { describeTokenStore } from '../client/token-store-contract.ts'
import {
  intentOf,
  noLimits,
  openAt,
  pay,
  proofOf,
  scratchFolders,
  settledBy,
} from './scratch-journal.ts'

const newFolder = scratchFolders()
const opened: Journal[] = []
afterAll(async () => {
  for (const journal of opened) await journal.close()
})

async function openNew(): Promise<Journal> {
  const journal = await openAt(join(newFolder(), 'journal.db'))
  opened.push(journal)
  return journal
}

describeLedger('in a file', async () => (await openNew()).ledger)
describeTokenStore('in a file', async () => (await openNew()).tokens)

describe('R-JRN-10 what settles', () => {
  test('is a token in the same moment, and there is nothing left to keep', async () => {
    const { ledger, tokens } = await openNew()
    const intent = intentOf(1)
    await ledger.begin(intent, noLimits)
    await ledger.send(intent.paymentHash, 1)
    await ledger.record(intent.paymentHash, settledBy(1), 1005, 1)
    const [token] = await tokens.list()
    expect(token).toMatchObject({
      origin: intent.origin,
      token: intent.token,
      paymentHash: intent.paymentHash,
      preimage: proofOf(1).preimage,
      amountMsat: 1000n,
      feeMsat: 1n,
      boughtAtSeconds: 1005,
      enforces: ['exp', 'req'],
      standing: 'new',
    })
    expect(await ledger.unfinished()).toEqual([])
    await tokens.put({ ...token!, standing: 'good' })
    await ledger.noteTokenStored(intent.paymentHash)
    expect(await tokens.list()).toEqual([token])
  })

  test('after nobody waited any more, is a token that is owed', async () => {
    const { ledger, tokens } = await openNew()
    await ledger.begin(intentOf(1), noLimits)
    await ledger.record(proofOf(1).hash, { ...settledBy(1), owed: true } as never, 1005, 1)
    expect((await tokens.list())[0]?.standing).toBe('owed')
    expect(await tokens.countOwed('a.test', 1006)).toBe(1)
    expect(await tokens.countOwed('b.test', 1006)).toBe(0)
  })

  test('as a bare invoice, is no token', async () => {
    const { ledger, tokens } = await openNew()
    await ledger.begin(intentOf(1, { token: undefined }), noLimits)
    await ledger.record(proofOf(1).hash, settledBy(1), 1005, 1)
    expect(await tokens.list()).toEqual([])
    expect(await ledger.find(proofOf(1).hash)).toMatchObject({
      tokenStored: true,
      token: undefined,
    })
    expect(await ledger.unfinished()).toEqual([])
  })
})

describe('R-JRN-11 every step of a payment', () => {
  test('is a receipt of the same transaction, and what changes nothing is none', async () => {
    const { ledger, receipts } = await openNew()
    await ledger.begin(intentOf(1), noLimits)
    await ledger.send(proofOf(1).hash, 1)
    await ledger.send(proofOf(1).hash, 1)
    for (let i = 0; i < 2; i++) await ledger.record(proofOf(1).hash, { state: 'unknown' }, 1002, 1)
    for (let i = 0; i < 2; i++) await ledger.abandon(proofOf(1).hash)
    for (let i = 0; i < 2; i++) {
      await ledger.record(proofOf(1).hash, { state: 'failed', failure: 'no-route' }, 1003, 1)
    }
    for (let i = 0; i < 2; i++) await ledger.record(proofOf(1).hash, settledBy(1), 1004, 1)
    const list = await receipts.list()
    expect(list.map(({ kind }) => kind)).toEqual([
      'intent',
      'sending',
      'unknown',
      'abandoned',
      'failed',
      'settled',
    ])
    expect(list[4]).toMatchObject({ reason: 'no-route', amountMsat: '1000', path: '/data' })
    expect(list[5]).toMatchObject({ feeMsat: '1', paymentHash: proofOf(1).hash })
    expect((await receipts.verify()).problems).toEqual([])
  })

  test('that a limit forbids, leaves no receipt', async () => {
    const { ledger, receipts } = await openNew()
    const begun = await ledger.begin(intentOf(1), { ...noLimits, maxTotalMsat: 5n as never })
    expect(begun.status).toBe('exceeded')
    expect(await receipts.list()).toEqual([])
  })
})

test('R-JRN-12 a clock that gives no number, and a hash that is not known, are refused', async () => {
  const { ledger } = await openNew()
  const noTime = intentOf(1, { createdAtSeconds: Number.NaN })
  await expect(ledger.begin(noTime, noLimits)).rejects.toThrow(RangeError)
  await expect(ledger.spending(Number.NaN)).rejects.toThrow(RangeError)
  await expect(ledger.record(proofOf(9).hash, { state: 'unknown' }, 1, 1)).rejects.toThrow(
    RangeError,
  )
  await expect(ledger.abandon(proofOf(9).hash)).rejects.toThrow(RangeError)
  await expect(ledger.noteTokenStored(proofOf(9).hash)).rejects.toThrow(RangeError)
  const tooMuch = intentOf(1, { amountMsat: (2n ** 62n) as never })
  await expect(ledger.begin(tooMuch, noLimits)).rejects.toThrow(RangeError)
  expect(await ledger.list()).toEqual([])
})

test('R-JRN-13 an amount of 20 million bitcoin, and a time with a fraction, come back as they went in', async () => {
  const folder = newFolder()
  const first = await openAt(join(folder, 'journal.db'))
  const large = intentOf(1, {
    amountMsat: 2_000_000_000_000_000_001n as never,
    createdAtSeconds: 1_799_999_999.123,
  })
  await first.ledger.begin(large, { ...noLimits, maxTotalMsat: maxMsat })
  await first.close()
  const second = await openAt(join(folder, 'journal.db'))
  expect(await second.ledger.find(large.paymentHash)).toMatchObject(large)
  expect((await second.ledger.spending(0)).heldMsat).toBe(2_000_000_000_000_000_011n)
  await second.close()
})

test('R-JRN-14 the latest time at which a payment began is remembered, and no mere look', async () => {
  const path = join(newFolder(), 'journal.db')
  const first = await openAt(path)
  await pay(first, 1)
  const payment = { host: 'a.test', costMsat: 1n as never, nowSeconds: 4_000_000_000 }
  expect(await first.ledger.limitReached(payment, noLimits)).toBeUndefined()
  expect((await first.ledger.spending(4_000_000_000)).dayMsat).toBe(0n)
  await first.close()
  const second = await openAt(path)
  expect((await second.ledger.spending(1001)).hourMsat).toBe(1001n)
  await second.ledger.begin(intentOf(2, { createdAtSeconds: 1001 + 3600 }), noLimits)
  await second.close()
  const third = await openAt(path)
  expect((await third.ledger.spending(1001)).hourMsat).toBe(1010n)
  expect((await third.ledger.spending(1001)).dayMsat).toBe(2011n)
  await third.close()
})

test('R-JRN-15 neither token nor preimage stands in the file as it is', async () => {
  const folder = newFolder()
  const journal = await openAt(join(folder, 'journal.db'))
  const intent = intentOf(1, { token: 'AgEEverysecrettoken' })
  await journal.ledger.begin(intent, noLimits)
  await journal.ledger.record(intent.paymentHash, settledBy(1), 1001, 1)
  const { readFileSync } = await import('node:fs')
  const log = readFileSync(join(folder, 'journal.db-wal'), 'latin1')
  expect(log).toContain('lnbcrt11')
  expect(log).not.toContain('AgEEverysecrettoken')
  expect(log).not.toContain(proofOf(1).preimage)
  await journal.close()
})
