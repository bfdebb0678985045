/**
 * One line of CSV (RFC 4180), with its end.
 *
 * Text that a spreadsheet would take for a formula gets an apostrophe before it.
 *
 * @spec gateway.md R-ADM-19
 */
export function csvLine(cells: readonly (string | number | boolean | null)[]): string {
  return `${cells.map(cell).join(',')}\r\n`
}

/** Also after white space, and in the wide forms that East Asian spreadsheets read alike. */
const formula = /^[\s\0]*[=+\-@＝＋－＠]|^[\t\r\n]/

function cell(value: string | number | boolean | null): string {
  if (value === null) return ''
  if (typeof value !== 'string') return String(value)
  const harmless = formula.test(value) ? `'${value}` : value
  return /[",\r\n']/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
