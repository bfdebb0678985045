/** The members of an object that somebody wrote, and the list of what is wrong with them. */
export type Fields = {
  mistake(key: string, expected: string): void
  /** Every other name is a mistake. */
  only(keys: ReadonlySet<string>): void
  required(keys: readonly string[], expected: string): void
  /** A member that is left out is `undefined`, and so is one that is not what was expected. */
  value<Value>(
    key: string,
    isOne: (value: unknown) => value is Value,
    expected: string,
  ): Value | undefined
  parsed<Value>(
    key: string,
    expected: string,
    parse: (value: unknown) => Value | undefined,
  ): Value | undefined
  /** A list of texts, each of which must parse. */
  list<Item>(
    key: string,
    expected: string,
    parse: (text: string) => Item | undefined,
  ): readonly Item[] | undefined
}

/**
 * Reads the members of an object.
 *
 * @param name - Of the object, before the name of each member.
 * @param mistakes - Gets what was expected, by the path of the member.
 */
export function fieldsOf(given: object, name: string, mistakes: Record<string, string>): Fields {
  const memberOf = (key: string): unknown => Reflect.get(given, key)
  const mistake = (key: string, expected: string): void => {
    mistakes[`${name}.${key}`] = expected
  }
  const parsed: Fields['parsed'] = (key, expected, parse) => {
    const value = memberOf(key)
    if (value === undefined) return undefined
    const result = parse(value)
    if (result === undefined) mistake(key, expected)
    return result
  }

  return {
    mistake,
    parsed,
    only: (keys) => {
      for (const key of Object.keys(given)) {
        if (!keys.has(key)) mistake(key.slice(0, 64), 'is not an option')
      }
    },
    required: (keys, expected) => {
      for (const key of keys) if (memberOf(key) === undefined) mistake(key, expected)
    },
    value: (key, isOne, expected) =>
      parsed(key, expected, (value) => (isOne(value) ? value : undefined)),
    list: (key, expected, parse) => {
      const value = memberOf(key)
      if (value === undefined) return undefined
      if (!Array.isArray(value)) {
        mistake(key, 'expected a list')
        return undefined
      }
      const items: ReturnType<typeof parse>[] = Array.from(value, (text: unknown, i) => {
        const item = typeof text === 'string' ? parse(text) : undefined
        if (item === undefined) mistake(`${key}[${i}]`, expected)
        return item
      })
      return items.filter((item) => item !== undefined)
    },
  }
}
