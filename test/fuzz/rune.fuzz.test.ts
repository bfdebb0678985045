import { describe, expect, test } from 'vitest'
import type { Rune } from '../../library/src/lightning/cln/rune.ts'
import { allows, readRune } from '../../library/src/lightning/cln/rune.ts'
import { createRuneMaster } from '../../library/src/testing/look-alike/cln-rune.ts'
import { fuzzText } from './harness.ts'

const master = createRuneMaster(new Uint8Array(32).fill(3))
const nowSeconds = 1_800_000_000

/** A rune over restrictions as they stand in it, so that noise meets the grammar and not the base64. */
function runeOver(restrictions: string): string {
  return Buffer.concat([Buffer.alloc(32), Buffer.from(restrictions)]).toString('base64url')
}

describe('the reader of runes under noise', () => {
  test('R-CLN-15 is total, and keeps neither more nor less than the text', () => {
    const report = fuzzText({
      name: 'readRune',
      seeds: [
        master.mint(),
        master.mint([['method=invoice', 'method=listinvoices']]),
        master.mint([['method^list', 'method^get'], ['method/listdatastore'], ['time<1800000000']]),
        'N0cI__dxndWXnsh11WzSKG9tPPfsMXo7JWMqqyjsN7s=',
      ],
      words: ['=', '-', '_', '/', '+', 'AAAA'],
      read: readRune,
      codes: [],
      holds: (text, result) => {
        const rune = result as Rune | undefined
        if (rune !== undefined && !/^[\w-]+={0,2}$/.test(text)) throw new Error('no base64url')
      },
    })
    expect(report.accepted).toBe(report.cases)
  })

  test('R-CLN-16 reads every grammar of restrictions, and answers about it', () => {
    const told = new Set<boolean | undefined>()
    let refused = 0
    fuzzText({
      name: 'restrictions',
      seeds: [
        '=1',
        '=1-2&method=pay|method=xpay&rate=60',
        'method^list|method^get|method=summary&method/listdatastore',
        'time<1800000001&time>-5&pnamelabel~\\|\\&\\\\',
        'id^02|method!&comment#here&pinvbolt11_amount<10',
      ],
      words: ['&', '|', '\\', 'method=pay', 'method/', 'time<', '=', '!', '#', '\0', '&&', '||'],
      read: (text) => readRune(runeOver(text)),
      codes: [],
      holds: (_, result) => {
        const rune = result as Rune | undefined
        if (rune === undefined) {
          refused++
          return
        }
        if (rune.restrictions.some(({ length }) => length === 0)) throw new Error('no choice')
        const more = { restrictions: [...rune.restrictions, [neverHolds]] }
        const isNarrower = allows(more, 'pay', nowSeconds) === false
        if (!isNarrower) throw new Error('a restriction that never holds allows')
        told.add(allows(rune, 'pay', nowSeconds))
      },
    })
    expect(refused).toBeGreaterThan(0)
    expect(told).toEqual(new Set([true, false, undefined]))
  })
})

const neverHolds = { field: 'method', operator: '!', value: '' } as const
