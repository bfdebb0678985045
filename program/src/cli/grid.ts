import { printable } from './printable.ts'
import type { Screen } from './screen.ts'
import { columns as columnsOf, pad, padStart, shorten } from './screen.ts'

export type Column = {
  readonly title: string
  /** Numbers stand under each other. */
  readonly right?: boolean
  readonly style?: (cell: string) => string
}

const gap = 2
const leastWidth = 8

/**
 * Rows under titles, aligned. What does not fit on the screen is cut from the widest columns of text.
 *
 * @param rows - As many cells in each as there are columns. Made printable here.
 */
export function grid(
  screen: Screen,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const cells = rows.map((row) => row.map((cell) => printable(cell)))
  const widths = fit(screen.width, columns, [columns.map(({ title }) => title), ...cells])
  const line = (row: readonly string[], isTitle: boolean): string => {
    const parts = columns.map(({ right, style }, i) => {
      const cut = shorten(row[i] ?? '', Math.max(1, widths[i]! - 1), 0)
      const text = columnsOf(row[i] ?? '') > widths[i]! ? cut : (row[i] ?? '')
      const isLast = i === columns.length - 1
      const filled = isLast ? text : pad(text, widths[i]!)
      const padded = right === true ? padStart(text, widths[i]!) : filled
      if (isTitle) return screen.dim(padded)
      return style?.(padded) ?? padded
    })
    return `${parts.join(' '.repeat(gap))}\n`
  }
  const titles = line(
    columns.map(({ title }) => title),
    true,
  )
  return titles + cells.map((row) => line(row, false)).join('')
}

function fit(
  room: number,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly number[] {
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => columnsOf(row[i] ?? ''))))
  const text = columns.flatMap(({ right }, i) => (right === true ? [] : [i]))
  const total = (): number => widths.reduce((sum, width) => sum + width + gap, -gap)
  while (total() > room) {
    const widest = text.reduce((best, i) => (widths[i]! > widths[best]! ? i : best), text[0] ?? 0)
    if ((widths[widest] ?? 0) <= leastWidth) break
    widths[widest]!--
  }
  return widths
}
