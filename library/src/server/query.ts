/**
 * The values of one query parameter, as any handler behind could read them.
 *
 * A spelling such as `name[]=` or `name[0]=` counts as the same parameter: some frameworks fold it
 * into one.
 *
 * @param query - As sent, with its `?`.
 * @returns Each value, decoded; `undefined` when a percent-encoding in the query is malformed.
 * @spec server.md R-SRV-16
 */
export function readQuery(query: string, name: string): readonly string[] | undefined {
  const values: string[] = []
  for (const pair of query.slice(1).split('&')) {
    const equals = pair.indexOf('=')
    const key = decode(equals === -1 ? pair : pair.slice(0, equals))
    const value = decode(equals === -1 ? '' : pair.slice(equals + 1))
    if (key === undefined || value === undefined) return undefined
    if (pair === '') continue
    if (key === name) values.push(value)
    // Twice, so that it is refused: only the plain spelling is known to be read in one way.
    if (key.startsWith(`${name}[`)) values.push(value, value)
  }
  return values
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
