import { describe, expect, test } from 'vitest'
import { decode } from './decode.ts'
import { demo } from './demo.ts'
import { get } from './get.ts'
import { renderHelp } from './help.ts'
import type { Screen } from './screen.ts'
import { columns } from './screen.ts'

const plain = (text: string): string => text
const screenOf = (width: number): Screen => ({
  interactive: true,
  width,
  rows: 24,
  bold: plain,
  dim: plain,
  good: plain,
  bad: plain,
  warn: plain,
  name: plain,
  write: () => undefined,
})

describe('help', () => {
  for (const command of [demo, get, decode]) {
    for (const width of [60, 80]) {
      test(`of ${command.name} breaks no word at ${width} columns`, () => {
        const page = renderHelp(screenOf(width), command)
        for (const line of page.split('\n')) expect(columns(line)).toBeLessThanOrEqual(width)
        const shown = new Set(page.split(/\s+/))
        const texts = [
          ...command.about,
          ...Object.values(command.flags).map(({ about }) => about),
          ...command.sections.flatMap(({ rows }) =>
            rows.flatMap(([name, value]) => `${name} ${value}`),
          ),
          ...command.examples,
        ]
        for (const word of texts.join(' ').split(' ')) expect(shown).toContain(word)
      })
    }
  }

  test('has examples that a shell puts together again', () => {
    const page = renderHelp(screenOf(60), get)
    const examples = page.slice(page.indexOf('Examples\n')).replaceAll(/ \\\n +/g, ' ')
    for (const example of get.examples) expect(examples).toContain(`  ${example}\n`)
  })
})
