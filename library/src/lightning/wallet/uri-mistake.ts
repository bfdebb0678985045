/** What is wrong with a URI, in one sentence that repeats no part which may be a secret. */
export class UriMistake extends Error {
  override readonly name = 'UriMistake'
}

/** `; did you mean cert?`, where one of the names is near. Nothing else. */
export function didYouMean(name: string, known: readonly string[]): string {
  const [best] = known
    .map((candidate) => ({ candidate, edits: editsBetween(folded(name), folded(candidate)) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.edits - b.edits)
  return best === undefined ? '' : `; did you mean ${best.candidate}?`
}

/** `maxFee`, `max-fee` and `MAX_FEE` are the same to whoever writes them. */
function folded(name: string): string {
  return name.slice(0, 32).toLowerCase().replace(/[-_ ]/g, '')
}

/** How many characters are to be added, taken out or replaced. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
