/**
 * Reads a JSON object.
 *
 * @param names - If given, the only members that may be there.
 * @returns `undefined` for anything else. The caller has bounded the length of the text.
 */
export function readObject(
  text: string,
  names?: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  // Without a prototype: `constructor` is a member only if the text says so.
  const members: Record<string, unknown> = Object.assign(Object.create(null), value)
  if (names !== undefined && Object.keys(members).some((name) => !names.includes(name))) {
    return undefined
  }
  return members
}
