import { readFileSync, writeFileSync } from 'node:fs'
import { codes } from '../library/src/errors.ts'

// Writes the table of spec/errors.md anew from library/src/errors.ts. The text around it stays.
const page = new URL('../spec/errors.md', import.meta.url)
const text = readFileSync(page, 'utf8')
const rows = Object.entries(codes).map(([code, meaning]) => `| \`${code}\` | ${meaning} |\n`)
writeFileSync(page, text.slice(0, text.indexOf('| `')) + rows.join(''))
