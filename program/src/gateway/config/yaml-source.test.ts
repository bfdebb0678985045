import { describe, expect, test } from 'vitest'
import { readYaml } from './yaml-source.ts'

function mistakesOf(text: string): readonly string[] {
  const source = readYaml(text)
  if (!('mistakes' in source)) return []
  return source.mistakes.map(({ line, column, path, message }) =>
    [line === undefined ? '-' : `${line}:${column}`, path, message]
      .filter((part) => part !== '')
      .join(' '),
  )
}

describe('R-CONF-2 the file is plain YAML 1.2', () => {
  test('it is data: mappings, lists, text, numbers, true, false, null', () => {
    const text = 'a: [1, x, true, null]\nb: { c: off, d: yes, e: 0x10 }\nf: |\n  two\n  lines\n'
    const source = readYaml(text)
    expect(source).toMatchObject({
      value: { a: [1, 'x', true, null], b: { c: 'off', d: 'yes', e: 16 }, f: 'two\nlines\n' },
    })
  })

  test('an alias is what it stands for, with the place of the alias', () => {
    const source = readYaml('a: &x { b: 1 }\nc: *x\n')
    expect(source).toMatchObject({ value: { a: { b: 1 }, c: { b: 1 } } })
    const places = 'places' in source ? source.places : undefined
    expect(places?.members.get('c')).toMatchObject({ line: 2, column: 4 })
  })

  test('nothing at all is an empty document', () => {
    expect(readYaml('')).toMatchObject({ value: null })
    expect(readYaml('# only a comment\n')).toMatchObject({ value: null })
  })

  for (const [name, text, expected] of [
    ['a name twice', 'a: 1\nb: 2\na: 3\n', ['3:1 a is there twice']],
    ['a name twice in two spellings', 'a: 1\n"a": 3\n', ['2:1 a is there twice']],
    ['a tag', 'a: !secret x\n', ['1:4 YAML: Unresolved tag: !secret']],
    ['a second document', 'a: 1\n---\nb: 2\n', ['2:1 YAML: one document only; take the --- out']],
    ['an alias of nothing', 'a: *x\n', ['1:4 a is an alias of nothing before it']],
    ['another version', '%YAML 1.1\n---\na: yes\n', ['- is YAML 1.2; take the %YAML line out']],
    ['a name that is a mapping', '? { a: 1 }\n: 2\n', ['1:3 YAML: names are text']],
    ['a tab', 'a:\n\tb: 1\n', ['2:1 YAML: Tabs are not allowed as indentation']],
  ] as const) {
    test(`${name} is a mistake`, () => {
      expect(mistakesOf(text)).toEqual(expected)
    })
  }

  test('__proto__ does not become a prototype', () => {
    expect(mistakesOf('a: { __proto__: { b: 1 } }')).toEqual([
      '1:1 a __proto__ cannot be used as a name',
    ])
  })

  test('what has no end has one here', () => {
    expect(mistakesOf('a: &x [*x]').join()).toContain('is nested too deeply')
    const bomb = [
      'a: &a [x]',
      ...'bcdefgh'.split('').map((name, index) => {
        const last = 'abcdefgh'[index]
        return `${name}: &${name} [${new Array(10).fill(`*${last}`).join(', ')}]`
      }),
    ].join('\n')
    expect(mistakesOf(bomb).join()).toContain('more than 100000 values')
    expect(mistakesOf('['.repeat(200_000)).length).toBeGreaterThan(0)
    expect(mistakesOf(`a: ${'x'.repeat(1_100_000)}`)).toEqual([
      '- is longer than 1048576 characters',
    ])
  })
})
