import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { printable } from './printable.ts'
import { columns, openScreen, pad, shorten, table, wrap } from './screen.ts'

function screenOf(facts: { isTTY: boolean; columns?: number }): {
  readonly screen: ReturnType<typeof openScreen>
} {
  const stream = Object.assign(new Writable({ write: (_, __, done) => done() }), facts)
  return { screen: openScreen(stream as unknown as NodeJS.WriteStream) }
}

describe('a screen', () => {
  test('without a terminal has no colours', () => {
    const { screen } = screenOf({ isTTY: false })
    expect(screen.bold('x') + screen.good('y') + screen.dim('z')).toBe('xyz')
  })

  test('uses the width there is, within bounds', () => {
    expect(screenOf({ isTTY: true, columns: 80 }).screen.width).toBe(80)
    expect(screenOf({ isTTY: true, columns: 5 }).screen.width).toBe(40)
    expect(screenOf({ isTTY: true, columns: 500 }).screen.width).toBe(120)
    expect(screenOf({ isTTY: false }).screen.width).toBe(100)
  })

  test('keeps every line of a table within its width', () => {
    const { screen } = screenOf({ isTTY: false, columns: 40 })
    const text = table(screen, [
      ['name', 'a value of many short words that does not fit on a line'],
      ['key', '02'.repeat(33)],
      ['wide', 'ナンセンス '.repeat(10)],
    ])
    for (const line of text.split('\n')) expect(columns(line)).toBeLessThanOrEqual(40)
    expect(text.replace(/\s/g, '')).toContain('02'.repeat(33))
  })
})

describe('wrapping', () => {
  for (const [text, width, lines] of [
    ['', 10, ['']],
    ['a b c', 3, ['a b', 'c']],
    ['abcdef', 4, ['abcd', 'ef']],
    ['ab cdefgh i', 4, ['ab', 'cdef', 'gh i']],
    ['ナンセン', 4, ['ナン', 'セン']],
    ['ナ', 1, ['ナ']],
  ] as const) {
    test(`${JSON.stringify(text)} at ${width}`, () => {
      expect(wrap(text, width)).toEqual(lines)
    })
  }
})

describe('text', () => {
  test('is as wide as a terminal shows it', () => {
    expect(columns('1杯')).toBe(3)
    expect(columns('\u001b[1mab\u001b[22m')).toBe(2)
    expect(pad('1杯', 5)).toBe('1杯  ')
  })

  test('is shortened in the middle, and only when it is long', () => {
    expect(shorten('abcdefgh', 3, 2)).toBe('abc…gh')
    expect(shorten('abcdef', 3, 2)).toBe('abcdef')
    expect(shorten('abcdefgh', 3, 0)).toBe('abc…')
  })

  test('from elsewhere loses what could act on a terminal', () => {
    expect(printable('a\u001b[2Jb\nc\u202ed\u0085e\u2028f')).toBe('a�[2Jb�c�d�e�f')
    expect(printable('ナンセンス 1杯 – "ok"')).toBe('ナンセンス 1杯 – "ok"')
  })
})
