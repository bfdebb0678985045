import { stripVTControlCharacters, styleText } from 'node:util'

type Style = (text: string) => string

/** Somewhere to write for people, and what it can show. */
export type Screen = {
  /** Whether a person is looking at it. */
  readonly interactive: boolean
  /** Columns to use, 40 to 120. */
  readonly width: number
  /** Lines that are to be seen at once. `undefined` without a terminal. */
  readonly rows: number | undefined
  readonly bold: Style
  readonly dim: Style
  readonly good: Style
  readonly bad: Style
  readonly warn: Style
  readonly name: Style
  write(text: string): void
}

/** Colours follow the stream, NO_COLOR and FORCE_COLOR; without a terminal there are none. */
export function openScreen(stream: NodeJS.WriteStream): Screen {
  const paint =
    (style: Parameters<typeof styleText>[0]): Style =>
    (text) =>
      styleText(style, text, { stream })
  return {
    interactive: stream.isTTY === true,
    width: Math.min(120, Math.max(40, stream.columns ?? 100)),
    rows: stream.isTTY === true ? stream.rows : undefined,
    bold: paint('bold'),
    dim: paint('dim'),
    good: paint('green'),
    bad: paint('red'),
    warn: paint('yellow'),
    name: paint('cyan'),
    write: (text) => {
      stream.write(text)
    },
  }
}

/** Keeps both ends of a long text. */
export function shorten(text: string, head: number, tail: number): string {
  if (text.length <= head + tail + 1) return text
  return `${text.slice(0, head)}…${tail === 0 ? '' : text.slice(-tail)}`
}

/** Lines of at most `width` columns. Breaks at spaces, and inside words that are too long. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`
    if (columns(joined) <= width) {
      line = joined
      continue
    }
    if (line !== '') lines.push(line)
    line = word
    while (columns(line) > width) {
      const head = fitting(line, width)
      if (head === line) break // one character that is too wide by itself
      lines.push(head)
      line = line.slice(head.length)
    }
  }
  lines.push(line)
  return lines
}

/** A name and what it stands for. Values are plain text: they are wrapped first and styled then. */
export type Row = readonly [name: string, value: string, style?: Style]

/** Rows as two columns. Ends with a line break unless there are no rows. */
export function table(screen: Screen, rows: readonly Row[], indent = 2): string {
  const nameWidth = Math.max(0, ...rows.map(([name]) => columns(name)))
  const valueWidth = Math.max(16, screen.width - indent - nameWidth - 2)
  let text = ''
  for (const [name, value, style] of rows) {
    for (const [i, line] of wrap(value, valueWidth).entries()) {
      const left = i === 0 ? screen.dim(pad(name, nameWidth)) : ' '.repeat(nameWidth)
      text += `${' '.repeat(indent)}${left}  ${style?.(line) ?? line}\n`
    }
  }
  return text
}

/** Plain text, wrapped; `first` stands before its first line, and as much space before the others. */
export function paragraph(screen: Screen, first: string, text: string, style?: Style): string {
  const indent = columns(first)
  return wrap(text, screen.width - indent)
    .map((line, i) => `${i === 0 ? first : ' '.repeat(indent)}${style?.(line) ?? line}\n`)
    .join('')
}

/** Fills up with spaces to `width` columns. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columns(text)))
}

/** Fills up on the left. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - columns(text))) + text
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u

/** Columns that a text takes: two for a character of East Asian width, none for styles. */
export function columns(text: string): number {
  let count = 0
  for (const character of stripVTControlCharacters(text)) count += wide.test(character) ? 2 : 1
  return count
}

function fitting(text: string, width: number): string {
  let head = ''
  let used = 0
  for (const character of text) {
    used += wide.test(character) ? 2 : 1
    if (used > width && head !== '') return head
    head += character
  }
  return head
}
