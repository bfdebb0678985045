/**
 * Lets `JSON.stringify` write a value that holds amounts, which it refuses to otherwise: each bigint
 * becomes its digits. Keys and members of the value stay as they are; a copy of it is a plain object.
 *
 * @returns The value itself.
 * @spec server.md R-SRV-50
 * @spec client.md R-PAY-75
 */
export function printable<Value extends object>(value: Value): Value {
  return Object.defineProperty(value, 'toJSON', { value: toDigits })
}

/** For a `toJSON`: the members of an object, its bigints as digits. */
export function toDigits(this: object): Readonly<Record<string, unknown>> {
  const members: readonly [string, unknown][] = Object.entries(this)
  return Object.fromEntries(
    members.map(([name, value]) => [name, typeof value === 'bigint' ? String(value) : value]),
  )
}
