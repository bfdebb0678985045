import { msat } from 'satway'
import type { PaymentEntry, StoredToken } from 'satway/client'
import type { Journal } from 'satway/journal'
import { describe, expect, test } from 'vitest'
import type { Screen } from '../cli/screen.ts'
import { resumableList } from '../schema/index.ts'
import { findResumable, renderResumable } from './resumable.ts'

const plain = (text: string): string => text
const screen = { width: 80, dim: plain, bad: plain, warn: plain } as Screen
const hash = (digit: string): string => digit.repeat(64)

function entry(digit: string, more: Partial<PaymentEntry> = {}): PaymentEntry {
  return {
    paymentHash: hash(digit),
    origin: 'https://shop.example',
    method: 'GET',
    url: 'https://shop.example/data?key=secret',
    hasBody: false,
    token: 'AgEC',
    amountMsat: msat(10_000n),
    maxFeeMsat: msat(5000n),
    feeMsat: undefined,
    state: 'unknown',
    abandoned: false,
    createdAtSeconds: 1_700_000_000 + Number.parseInt(digit, 16),
    ...more,
  } as PaymentEntry
}

function journal(
  unfinished: readonly PaymentEntry[],
  owed: readonly PaymentEntry[] = [],
  others: readonly StoredToken['standing'][] = [],
): Pick<Journal, 'ledger' | 'tokens'> {
  const tokens = [
    ...owed.map(({ paymentHash }) => ({ paymentHash, standing: 'owed' })),
    ...others.map((standing) => ({ paymentHash: hash('f'), standing })),
  ]
  return {
    ledger: {
      unfinished: async () => unfinished,
      find: async (paymentHash: string) =>
        [...unfinished, ...owed].find((one) => one.paymentHash === paymentHash),
    },
    tokens: { list: async () => tokens },
  } as unknown as Pick<Journal, 'ledger' | 'tokens'>
}

describe('R-GET-22 what can be gone on with', () => {
  test('is what has no end, and what was paid for and did not come, latest first', async () => {
    const settled = { state: 'settled', feeMsat: msat(1n) } as const
    const found = await findResumable(
      journal([entry('1'), entry('2', settled)], [entry('3', settled)], ['good', 'spent', 'new']),
    )
    expect(found.payments.map(({ paymentHash, outcome }) => [paymentHash[0], outcome])).toEqual([
      ['3', 'paid_not_delivered'],
      ['2', 'paid_not_delivered'],
      ['1', 'unknown'],
    ])
    expect(resumableList.parse(found)).toEqual(found)
  })

  test('is not what was written off, nor a bare invoice', async () => {
    const found = await findResumable(
      journal([entry('1', { abandoned: true }), entry('2', { token: undefined })]),
    )
    expect(found.payments).toEqual([])
    expect(renderResumable(screen, found, 0)).toMatch(/^Nothing is open/)
  })

  test('is shown in 80 columns, with the whole hash and without the query', async () => {
    const found = await findResumable(
      journal([entry('1', { hasBody: true, method: 'POST' }), entry('2')]),
    )
    const text = renderResumable(screen, found, 1_700_000_000 + 7300)
    expect(text).toBe(
      [
        'unknown end          10 sat     2 hours ago',
        '  GET https://shop.example/data',
        `  ${hash('2')}`,
        '',
        'unknown end          10 sat     2 hours ago',
        '  POST https://shop.example/data, with a body',
        `  ${hash('1')}`,
        '',
        'To go on with one, without paying: satway resume PAYMENT_HASH',
        '',
      ].join('\n'),
    )
  })
})
