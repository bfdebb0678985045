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
    ['a tab', 'a:\n\tb: 1\n', ['2:2 YAML: a tab does not indent; write spaces']],
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

describe('R-CONF-26 the first mistake of the syntax, where it stands', () => {
  for (const [name, text, expected, source] of [
    [
      'a line that is indented less than its neighbours',
      'a:\n    b: 1\n\n    # more\n   c: 2\n    d: 3\n',
      '5:4 YAML: begins in another column than its neighbours; look at the indentation of lines 2 to 5',
      '   c: 2',
    ],
    [
      'a line that is indented more',
      'wallet: devnet\n listen: x\nb: 1\n',
      '2:2 YAML: is indented deeper than the line it follows; look at the indentation of lines 1 to 2',
      ' listen: x',
    ],
    [
      'a member of an item that is indented more',
      'services:\n  - name: weather\n      upstream: x\n    routes: y\n',
      '3:7 YAML: is indented deeper than the line it follows; look at the indentation of lines 2 to 3',
      '      upstream: x',
    ],
    [
      'a member of an item that is indented less',
      'services:\n  - name: weather\n   upstream: x\n    routes: y\n',
      '3:4 YAML: is no item of the list above (those begin with -), and in the wrong column; look at the indentation of lines 2 to 3',
      '   upstream: x',
    ],
    [
      'an item without its space',
      'services:\n  -name: x\n   upstream: y\n',
      '2:3 YAML: an item of a list has a space after its -',
      '  -name: x',
    ],
    [
      'a name without its colon',
      'a:\n  b x\n  c: 1\n',
      '2:3 YAML: a name has a colon and a space after it',
      '  b x',
    ],
    [
      'two colons',
      'a: b: c\n',
      '1:4 YAML: a second ": " in one value; put a text that has one in quotes',
      'a: b: c',
    ],
    [
      'a bracket that is not closed',
      'a: { b: 1\nc: 2\n',
      '2:1 YAML: a { or [ before it is not closed',
      'c: 2',
    ],
    [
      'a quote that is not closed',
      'a: "b\nc: 2\n',
      '3:1 YAML: a text in quotes has no end',
      undefined,
    ],
    [
      'a star without quotes',
      'routes:\n  * /x: free\n',
      '2:3 YAML: what begins with * is put in quotes, such as "* /v1/*"',
      '  * /x: free',
    ],
    ['a tab', 'a:\n\tb: 1\n', '2:2 YAML: a tab does not indent; write spaces', ' b: 1'],
    [
      'a sign that YAML keeps for itself',
      'a: @b\n',
      '1:4 YAML: Plain value cannot start with reserved character @',
      'a: @b',
    ],
  ] as const) {
    test(name, () => {
      expect(mistakesOf(text)).toEqual([expected])
      const reading = readYaml(text)
      expect('mistakes' in reading ? reading.mistakes[0]?.source : 'none').toBe(source)
    })
  }

  test('words of the line that could be a secret are dotted out, and the column stays', () => {
    const reading = readYaml(
      'headers: { X-Key: "hunter2-hunter2", Y: sk_live_51Habcdef, Z: 1500msat: 127.0.0.1:8402 ]\n',
    )
    const [mistake] = 'mistakes' in reading ? reading.mistakes : []
    expect(mistake?.source).toBe(
      'headers: { X-Key: "•••••••••••••••", Y: •••••••••••••••••, Z: 1500msat: 127.0.0.1:8402 ]',
    )
  })

  test('a line without end is cut', () => {
    const reading = readYaml(`a: [${'x '.repeat(100_000)}\nb: 1\n`)
    const [mistake] = 'mistakes' in reading ? reading.mistakes : []
    expect((mistake?.source ?? '').length).toBeLessThanOrEqual(300)
  })
})
