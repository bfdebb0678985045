/** What `Content-Range` says. Offsets are in bytes; the last one is in. */
export type ContentRange =
  | {
      readonly kind: 'part'
      readonly first: number
      readonly last: number
      /** `undefined`: the server does not say how long the whole is. */
      readonly total: number | undefined
    }
  /** Of a 416: nothing of what was asked for is there. */
  | { readonly kind: 'unsatisfied'; readonly total: number }

/** Fifteen digits hold a petabyte, and stay exact. */
const grammar = /^bytes (?:(\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)|\*\/(\d{1,15}))$/i

// Reads `bytes 100-199/1000`, the same with `*` for the length, or `bytes *` and a length.
/** What the header says; `undefined` when it is not of the form that RFC 9110 gives it. */
export function readContentRange(text: string | null): ContentRange | undefined {
  const match = grammar.exec(text ?? '')
  if (match === null) return undefined
  const [, firstText, lastText, totalText, unsatisfied] = match
  if (unsatisfied !== undefined) return { kind: 'unsatisfied', total: Number(unsatisfied) }
  const first = Number(firstText)
  const last = Number(lastText)
  const total = totalText === '*' ? undefined : Number(totalText)
  if (last < first) return undefined
  if (total !== undefined && last >= total) return undefined
  return { kind: 'part', first, last, total }
}
