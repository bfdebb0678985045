/** Where something stands in a document: names of members and positions in lists. */
export type Path = readonly (string | number)[]

export type Spot = { readonly line: number; readonly column: number }

/** One thing that is wrong with a settings file. */
export type Mistake = {
  /** `hosts.allow[0]`; empty for the file as a whole. */
  readonly path: string
  /** From 1. */
  readonly line: number | undefined
  readonly column: number | undefined
  /** A sentence without its subject, which is the path: `is there twice`. */
  readonly message: string
}

/** A document as data, and where its parts stand. */
export type Source = {
  readonly value: unknown
  /** @param isAboutName - Where the name of the member stands, and not its value. */
  spotOf(path: Path, isAboutName: boolean): Spot | undefined
}

export type SourceReading = Source | { readonly mistakes: readonly Mistake[] }

/** `hosts.allow[0]`. Names are cut to 40 characters. */
export function formatPath(path: Path): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (/^[A-Za-z_]\w{0,39}$/.test(part)) text += text === '' ? part : `.${part}`
    else text += `[${JSON.stringify(plain(part))}]`
  }
  return text
}

/** `3:14 per_payment is there twice`. */
export function formatMistake({ path, line, column, message }: Mistake): string {
  const spot = line === undefined ? '' : `${line}:${column} `
  return path === '' ? `${spot}${message}` : `${spot}${path} ${message}`
}

/** `policy.yaml:3:14 per_payment is there twice`, which editors and terminals follow. */
export function formatMistakeIn(file: string, mistake: Mistake): string {
  return `${file}:${mistake.line === undefined ? ' ' : ''}${formatMistake(mistake)}`
}

/** Text out of a file, cut and safe to show. */
export function plain(text: string): string {
  return text.slice(0, 40).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd')
}
