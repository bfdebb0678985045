import { cpus, totalmem } from 'node:os'
import type { Figure } from './figures.ts'
import { meetsTarget } from './figures.ts'

/** What the figures depend on. No host name and no path: results are committed. */
export type Machine = {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly node: string
  readonly platform: string
  readonly date: string
}

export type ChapterResult = {
  readonly name: string
  readonly title: string
  readonly figures: readonly Figure[]
}

export function describeMachine(): Machine {
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    date: new Date().toISOString().slice(0, 10),
  }
}

/** The chapter's table, for a terminal. */
export function formatTable(result: ChapterResult): string {
  const rows = [heading, ...result.figures.map(cells)]
  const widths = heading.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        rightAligned.has(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  )
  const notes = notesOf(result).map((note) => `  ${note}`)
  return [result.title, '', ...lines, ...(notes.length > 0 ? ['', ...notes] : []), ''].join('\n')
}

/** All chapters, as the Markdown page that is committed. */
export function formatMarkdown(
  machine: Machine,
  results: readonly ChapterResult[],
  script = 'bench',
): string {
  const facts = `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.platform}, Node ${machine.node.slice(1)}, ${machine.date}`
  const chapters = results.flatMap((result) => [
    `## ${result.title}`,
    '',
    `| ${heading.join(' | ')} |`,
    `| ${heading.map((_, column) => (rightAligned.has(column) ? '---:' : '---')).join(' | ')} |`,
    ...result.figures.map((figure) => `| ${cells(figure).join(' | ')} |`),
    '',
    ...notesOf(result).flatMap((note) => [`- ${note}`]),
    '',
  ])
  return [
    '# Figures',
    '',
    `Written by \`npm run ${script}\`: ${facts}.`,
    'Every figure is the median of interleaved rounds, with the lowest and the highest round behind it;',
    'peers ran in the same run. What is measured, and how: [README.md](../README.md).',
    '',
    ...chapters,
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/\n+$/, '\n')
}

const heading = ['what', 'who', 'figure', 'rounds', 'target', ''] as const
const rightAligned = new Set([2, 3, 4])

function cells(figure: Figure): readonly string[] {
  return [
    figure.what,
    figure.who,
    formatValue(figure.value, figure.unit),
    figure.range === undefined ? '' : figure.range.map((value) => formatNumber(value)).join('–'),
    formatTarget(figure),
    verdict(figure),
  ]
}

function notesOf(result: ChapterResult): readonly string[] {
  return result.figures.flatMap((figure) =>
    figure.note === undefined ? [] : [`${figure.what} (${figure.who}): ${figure.note}`],
  )
}

function verdict(figure: Figure): string {
  const met = meetsTarget(figure)
  if (met === undefined) return ''
  return met ? 'met' : 'MISSED'
}

function formatTarget(figure: Figure): string {
  if (figure.target === undefined) return ''
  if ('atMost' in figure.target) return `≤ ${formatValue(figure.target.atMost, figure.unit)}`
  return `≥ ${formatValue(figure.target.atLeast, figure.unit)}`
}

function formatValue(value: number, unit: Figure['unit']): string {
  switch (unit) {
    case 'bytes':
      return value < 1000 ? `${value} B` : `${formatNumber(value / 1000)} kB`
    case 'per second':
      return `${formatNumber(value)}/s`
    case 'of bare':
      return value.toFixed(2)
    case 'count':
      return String(value)
    case 'µs':
    case 'ms':
    case 'MiB':
      return `${formatNumber(value)} ${unit}`
    default:
      return unit satisfies never
  }
}

function formatNumber(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en').replaceAll(',', '\u2009')
  if (value >= 100) return value.toFixed(0)
  if (value >= 10) return value.toFixed(1)
  return value.toFixed(2)
}
