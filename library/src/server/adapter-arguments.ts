import { isGate } from './gate-mark.ts'

/**
 * Checks what an adapter was given, when it is given: a mistake shows at the start, and not as a
 * route that is free or broken.
 *
 * @param adapter - Its name, for the error.
 * @param given - `handler`: only where the adapter takes one.
 * @param kinds - What `options` may have, and of which type.
 * @throws {TypeError} for a gate that is none, a handler that is no function, and an option that is
 *   not known or of another type.
 * @spec server.md R-SRV-65
 */
export function requireArguments(
  adapter: string,
  given: { readonly gate: unknown; readonly options: unknown; readonly handler?: unknown },
  kinds: Readonly<Record<string, 'function' | 'boolean'>>,
): void {
  const { gate, options } = given
  const expected = (what: string): TypeError => new TypeError(`${adapter}: expected ${what}`)
  if (!isGate(gate)) throw expected('a gate, as paywall.charge() or createRoutes() gives')
  if ('handler' in given && typeof given.handler !== 'function') {
    throw expected('a function after the gate')
  }
  if (typeof options !== 'object' || options === null) throw expected('an object of options')
  for (const [name, value] of Object.entries<unknown>(
    Object.fromEntries(Object.entries(options)),
  )) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
    if (kind === undefined) throw new TypeError(`${adapter}: ${name.slice(0, 64)} is not an option`)
    if (value !== undefined && typeof value !== kind) throw expected(`${name} to be a ${kind}`)
  }
}
