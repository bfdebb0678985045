/**
 * The values of one query parameter, as any handler behind could read them.
 *
 * A spelling such as `name[]=`, `name[0]=`, `[name]=` or `name.x=` counts as the same parameter: some
 * frameworks fold it into one. Some stop reading after so many parameters, Node after 1000.
 *
 * @param query - As sent, with its `?`.
 * @returns Each value, decoded; `undefined` when a percent-encoding in the query is malformed, and
 *   when there are more than 100 parameters.
 * @spec server.md R-SRV-16
 */
export function readQuery(query: string, name: string): readonly string[] | undefined {
  const values: string[] = []
  const pairs = query.slice(1).split('&')
  if (pairs.length > maxPairs) return undefined
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const key = decode(equals === -1 ? pair : pair.slice(0, equals))
    const value = decode(equals === -1 ? '' : pair.slice(equals + 1))
    if (key === undefined || value === undefined) return undefined
    if (pair === '') continue
    if (key === name) values.push(value)
    // Twice, so that it is refused: only the plain spelling is known to be read in one way.
    if (isFolded(key, name)) values.push(value, value)
  }
  return values
}

const maxPairs = 100

/** Whether some framework could read `key` as a part of the parameter `name`. */
function isFolded(key: string, name: string): boolean {
  if (key.startsWith(`[${name}]`)) return true
  return key.startsWith(name) && (key[name.length] === '[' || key[name.length] === '.')
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
