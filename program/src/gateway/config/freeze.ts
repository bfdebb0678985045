/** Freezes a value and all in it; maps refuse to change. A `URL` cannot be frozen: nobody sets its parts. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (value instanceof Map) {
    for (const item of value.values()) deepFreeze(item)
    for (const name of ['set', 'delete', 'clear'])
      Object.defineProperty(value, name, { value: refuse })
  }
  Object.freeze(value)
  for (const member of Object.values(value)) deepFreeze(member)
  return value
}

function refuse(): never {
  throw new TypeError('a configuration is not changed in place; make a new one')
}
