import { msat } from 'satway'
import type { PaymentEntry, StoredToken } from 'satway/client'
import type { Journal } from 'satway/journal'
import { describe, expect, test } from 'vitest'
import { findResumable } from '../agent/index.ts'
import type { Screen } from '../cli/screen.ts'
import { resumableList } from '../schema/index.ts'
import { renderResumable } from './resumable.ts'

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
    tokens: {
      latest: async ({ standing }: { readonly standing?: string }) =>
        tokens.filter((token) => token.standing === standing),
    },
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
    expect(renderResumable(screen, found, { nowSeconds: 0, walletTells: false })).toMatch(
      /^Nothing is open/,
    )
  })

  test('is shown in 80 columns, with the whole hash and without the query', async () => {
    const found = await findResumable(
      journal([entry('1', { hasBody: true, method: 'POST' }), entry('2')]),
    )
    const nowSeconds = 1_700_000_000 + 7300
    const text = renderResumable(screen, found, { nowSeconds, walletTells: false })
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

  test('says how to end a payment of which no wallet tells, once it is a day old', async () => {
    const nowSeconds = 1_700_000_000 + 2 * 86_400
    const settled = { state: 'settled', feeMsat: msat(1n) } as const
    const unknown = await findResumable(journal([entry('1')]))
    const owed = await findResumable(journal([entry('1', settled)]))
    const command = 'satway tokens abandon PAYMENT_HASH --release'
    const text = renderResumable(screen, unknown, { nowSeconds, walletTells: false })
    expect(text).toContain(command)
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(84)
    for (const [found, view] of [
      [unknown, { nowSeconds, walletTells: true }],
      [unknown, { nowSeconds: nowSeconds - 86_400, walletTells: false }],
      [owed, { nowSeconds, walletTells: false }],
    ] as const) {
      expect(renderResumable(screen, found, view)).not.toContain(command)
    }
  })
})
