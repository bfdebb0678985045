import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isL402Error } from '../../library/src/errors.ts'
import { proposalOf } from './proposal.ts'
import { intentOf, noLimits, openAt, pay, proofOf, scratchFolders } from './scratch-journal.ts'

const newFolder = scratchFolders()

/** Everything that is about money, as it is read. */
async function contentOf(path: string, receiptsPath: string): Promise<unknown> {
  const journal = await openAt(path, { receiptsPath })
  try {
    const { ledger, tokens, receipts, approvals } = journal
    return {
      payments: await ledger.list(),
      unfinished: await ledger.unfinished(),
      spending: await ledger.spending(1001),
      tokens: await tokens.list(),
      usable: await tokens.usable('https://a.test', 1001),
      owed: await tokens.countOwed('a.test', 1001),
      approvals: await approvals.list(1001),
      receipts: await receipts.list(),
    }
  } finally {
    await journal.close()
  }
}

test('R-JRN-26 300 times some bits flip: what is read is right, or JOURNAL_UNUSABLE says that it is not', async () => {
  const made = join(newFolder(), 'journal.db')
  const journal = await openAt(made)
  for (let number = 1; number <= 25; number++) await pay(journal, number)
  for (let number = 26; number <= 30; number++) {
    await journal.ledger.begin(
      intentOf(number, { coverage: undefined, target: `GET /${number}` }),
      noLimits,
    )
  }
  await journal.ledger.record(proofOf(26).hash, { state: 'failed', failure: 'expired' }, 1001, 1)
  await journal.ledger.abandon(proofOf(27).hash)
  await journal.approvals.ask(proposalOf(), 1000)
  await journal.close()

  const whole = readFileSync(made)
  const folder = newFolder()
  const path = join(folder, 'journal.db')
  const copy = (bytes: Uint8Array): void => writeFileSync(path, bytes, { mode: 0o600 })
  copy(whole)
  // The receipts have a chain of their own, which `verify` follows: R-RCT-15.
  const { receipts, ...expected } = (await contentOf(path, join(folder, 'a.jsonl'))) as Record<
    string,
    unknown
  >
  expect((expected['payments'] as unknown[]).length).toBe(30)

  const ends = { whole: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ at: fc.nat(whole.length - 1), bit: fc.nat(7) }), {
        minLength: 1,
        maxLength: 3,
      }),
      async (flips) => {
        const bytes = Buffer.from(whole)
        for (const { at, bit } of flips) bytes[at]! ^= 1 << bit
        copy(bytes)
        try {
          const { receipts: _, ...found } = (await contentOf(
            path,
            join(folder, 'b.jsonl'),
          )) as Record<string, unknown>
          expect(found).toEqual(expected)
          ends.whole++
        } catch (error) {
          if (!isL402Error(error)) throw error
          expect(['JOURNAL_UNUSABLE', 'STORE_UNAVAILABLE']).toContain(error.code)
          expect(error.message).not.toContain(proofOf(1).preimage)
          ends.refused++
        }
      },
    ),
    { numRuns: 300 },
  )
  // Both happen: bits of free space do no harm, and bits of rows are noticed.
  expect(ends.whole).toBeGreaterThan(10)
  expect(ends.refused).toBeGreaterThan(100)
}, 240_000)
