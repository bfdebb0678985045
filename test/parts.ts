import { appendFileSync } from 'node:fs'

/** Everything that a test may need of the machine. */
const parts: ReadonlySet<string> = new Set([
  ...['caddy', 'curl', 'jq', 'lsat-js', 'nginx', 'root', 'script'],
  ...['lnd', 'core-lightning', 'phoenixd'],
])

/** What `all` does not mean: programs that no package brings and nobody must have. */
const neverRequired: ReadonlySet<string> = new Set(['core-lightning', 'phoenixd'])

const required = readRequired(process.env['SATWAY_REQUIRE'] ?? '')

/**
 * The names of a comma list, each of a part, or `all`, or of a part that `all` is not to mean.
 *
 * @throws {Error} for another name: what is misspelt would require nothing.
 */
export function readRequired(list: string): readonly string[] {
  const names = list.split(',').map((name) => name.trim())
  const known = names.filter((name) => name !== '')
  for (const name of known) {
    if (name === 'all' || parts.has(name) || (name[0] === '-' && parts.has(name.slice(1)))) continue
    const all = [...parts].join(', ')
    throw new Error(`SATWAY_REQUIRE names "${name}", which is no part: there are all, ${all}`)
  }
  return known
}

/**
 * Whether a part of the tests that needs something from the machine is to be skipped.
 *
 * @param part - Its name, as `SATWAY_REQUIRE` spells it.
 * @param lack - What is missing, or `undefined` when everything is there.
 * @throws {Error} when the part is required and something is missing: the run fails.
 */
export function skipPart(part: string, lack: string | undefined): boolean {
  if (lack === undefined) return false
  if (!parts.has(part)) throw new Error(`"${part}" is no part that test/parts.ts knows`)
  if (isRequired(part)) {
    throw new Error(`SATWAY_REQUIRE names "${part}", but ${lack}`)
  }
  const file = process.env['SATWAY_SKIPS_FILE']
  if (file !== undefined) appendFileSync(file, `${part} (${lack})\n`)
  return true
}

/** By its own name, or by `all` where no `-name` takes it out: `SATWAY_REQUIRE=all,-lnd`. */
function isRequired(part: string): boolean {
  if (required.includes(part)) return true
  return required.includes('all') && !required.includes(`-${part}`) && !neverRequired.has(part)
}
