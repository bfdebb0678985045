import { msat } from 'satway'
import { describe, expect, test } from 'vitest'
import type { Screen } from '../cli/screen.ts'
import { createTeller } from './teller.ts'

const plain = (text: string): string => text

function screenOf(rows: number | undefined): { readonly screen: Screen; written(): string } {
  let written = ''
  const screen: Screen = {
    interactive: rows !== undefined,
    width: 80,
    rows,
    bold: plain,
    dim: plain,
    good: plain,
    bad: plain,
    warn: plain,
    name: plain,
    write: (text) => {
      written += text
    },
  }
  return { screen, written: () => written }
}

function tellAll(rows: number | undefined, asJson = false): string {
  const { screen, written } = screenOf(rows)
  const tell = createTeller(screen, asJson)
  tell({ event: 'start', notice: 'No real money moves.' })
  const balanceMsat = msat(0n)
  tell({
    event: 'network',
    network: 'regtest',
    nodes: [{ role: 'buyer', balanceMsat, nodeId: '02' }],
  })
  tell({ event: 'done' })
  tell({ event: 'done' })
  return written()
}

describe('a story', () => {
  test('that is longer than its screen ends with where it begins, once', () => {
    expect(tellAll(6).match(/scroll back/g)).toHaveLength(1)
    expect(tellAll(6)).not.toMatch(/scroll back[\s\S]*Satway: an API/)
  })

  test('that fits, or that nobody sees on a screen, does not', () => {
    expect(tellAll(60)).not.toContain('scroll')
    expect(tellAll(undefined)).not.toContain('scroll')
  })

  test('for a program is JSON, one document a line', () => {
    const lines = tellAll(6, true).trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual([
      'start',
      'network',
      'done',
      'done',
    ])
  })
})
