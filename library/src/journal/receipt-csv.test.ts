import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Receipt, ReceiptKind } from './journal.ts'
import { formatCsv } from './receipt-csv.ts'
import { noLine } from './receipt-line.ts'

const hash = (byte: string): string => byte.repeat(32)
let seq = 0
const receipt = (kind: ReceiptKind, more: Partial<Receipt>): Receipt => ({
  seq: ++seq,
  time: `2026-03-01T00:00:${String(seq % 60).padStart(2, '0')}.000Z`,
  kind,
  previous: noLine,
  ...more,
})
const names = 'time,origin,method,path,amount_msat,fee_msat,payment_hash,decided_by,delivery\r\n'

describe('R-RCT-18 the table of payments', () => {
  test('has a line of names, and one a settled payment, in the order of settlement', () => {
    seq = 0
    const bought = {
      origin: 'https://a.example',
      method: 'GET',
      path: '/x',
      amountMsat: '10000',
      maxFeeMsat: '5000',
      decidedBy: 'policy',
    } as const
    const csv = formatCsv([
      receipt('intent', { paymentHash: hash('aa'), ...bought }),
      receipt('intent', { paymentHash: hash('bb'), ...bought, decidedBy: 'approval' }),
      receipt('intent', { paymentHash: hash('cc'), ...bought }),
      receipt('settled', { paymentHash: hash('bb'), feeMsat: '7' }),
      receipt('settled', { paymentHash: hash('aa'), feeMsat: '0' }),
      receipt('not-delivered', { paymentHash: hash('bb'), origin: bought.origin, status: 500 }),
      receipt('not-delivered', { paymentHash: hash('aa'), origin: bought.origin }),
      receipt('delivered', { paymentHash: hash('aa'), origin: bought.origin, status: 200 }),
      receipt('delivered', { paymentHash: hash('dd'), origin: bought.origin, status: 200 }),
    ])
    expect(csv).toBe(
      names +
        `2026-03-01T00:00:04.000Z,https://a.example,GET,/x,10000,7,${hash('bb')},approval,not-delivered\r\n` +
        `2026-03-01T00:00:05.000Z,https://a.example,GET,/x,10000,0,${hash('aa')},policy,delivered\r\n`,
    )
  })

  test('is its line of names alone when nothing was paid', () => {
    expect(formatCsv([])).toBe(names)
    expect(formatCsv([receipt('refused', { reason: 'host' })])).toBe(names)
  })

  for (const [path, cell] of [
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@sum(a1)', "'@sum(a1)"],
    ['\t=1', "'\t=1"],
    ['\r=1', '"\'\r=1"'],
    ['＝1', "'＝1"],
    ['/a,b', '"/a,b"'],
    ['/a"b', '"/a""b"'],
    ['=cmd|"/c calc"!a,b', '"\'=cmd|""/c calc""!a,b"'],
    ['/=1', '/=1'],
  ] as const) {
    test(`writes ${JSON.stringify(path)} so that no spreadsheet runs it`, () => {
      const csv = formatCsv([receipt('settled', { paymentHash: hash('aa'), path })])
      expect(csv).toContain(`,${cell},`)
    })
  }

  test('has as many cells in each line, whatever is in them, and none begins a formula', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (path, origin) => {
        const csv = formatCsv([receipt('settled', { paymentHash: hash('aa'), path, origin })])
        const [head, row, ...rest] = cellsOf(csv)
        expect(rest).toEqual([])
        expect(row).toHaveLength(head!.length)
        for (const cell of row!) expect(cell).not.toMatch(/^[=+\-@\t\r]/)
        expect(row![3]!.replace(/^'/, '')).toBe(path.replace(/^'/, ''))
      }),
    )
  })
})

/** Reads a table as RFC 4180 says. */
function cellsOf(csv: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  const next = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y
  while (next.lastIndex < csv.length) {
    const match = next.exec(csv)
    if (match === null) throw new Error('not a table')
    row.push(match[1]?.replaceAll('""', '"') ?? match[2]!)
    if (match[3] === ',') continue
    rows.push(row)
    row = []
  }
  return rows
}
