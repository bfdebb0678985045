import { hash } from 'node:crypto'
import type { Proposal } from 'satway/client'
import { printable } from './printable.ts'

const maxCharacters = 2000

/** The request that somebody is asked about, whole: an answer is for this very one. */
export function wholeRequest({ method, url }: Pick<Proposal, 'method' | 'url'>): string {
  const shown = printable(`${method} ${url}`)
  const more = shown.length - maxCharacters
  if (more <= 0) return shown
  return `${shown.slice(0, maxCharacters)} … and ${more} more characters, sha256 of the URL ${hash('sha256', url)}`
}

/** What the request carries. `undefined`: nothing. */
export function bodyWords({ bodySha256, bodyBytes }: Proposal): string | undefined {
  return bodySha256 === undefined ? undefined : `${bodyBytes ?? '?'} bytes, sha256 ${bodySha256}`
}
