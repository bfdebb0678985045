import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvLine } from './csv.ts'

/** A reader of RFC 4180, written against the text of the standard. */
function read(line: string): readonly string[] {
  const cells: string[] = []
  const next = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n$)/y
  while (next.lastIndex < line.length) {
    const match = next.exec(line)
    if (match === null) throw new Error(`no CSV: ${line}`)
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
  }
  return cells
}

describe('R-ADM-19 a line of CSV', () => {
  for (const [cell, written] of [
    ['report', 'report'],
    ['', ''],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ['a\nb', '"a\nb"'],
    ['=1+1', `"'=1+1"`],
    ['+1', `"'+1"`],
    ['-1', `"'-1"`],
    ['@SUM(A1)', `"'@SUM(A1)"`],
    ['＝1', `"'＝1"`],
    [' =1', `"' =1"`],
    ['\t=1', `"'\t=1"`],
    ['\rx', `"'\rx"`],
    ['a=1', 'a=1'],
    ['2026-11-25', '2026-11-25'],
    ["it's", `"it's"`],
  ] as const) {
    test(`writes ${JSON.stringify(cell)} as ${JSON.stringify(written)}`, () => {
      expect(csvLine([cell])).toBe(`${written}\r\n`)
    })
  }

  test('has numbers, truths and nothing as they are', () => {
    expect(csvLine([1, true, null, -5])).toBe('1,true,,-5\r\n')
  })

  test('is read back as what it was, but for the apostrophe', () => {
    const cells = fc.array(fc.string({ unit: 'binary', maxLength: 12 }), { minLength: 1 })
    fc.assert(
      fc.property(cells, (values) => {
        const back = read(csvLine(values))
        expect(back.map((cell, i) => (cell === values[i] ? cell : cell.slice(1)))).toEqual(values)
        for (const cell of back) expect(cell).not.toMatch(/^\s*[=+\-@]/)
      }),
    )
  })
})
