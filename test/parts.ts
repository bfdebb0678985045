import { appendFileSync } from 'node:fs'

const required = (process.env['SATWAY_REQUIRE'] ?? '').split(',').filter((name) => name !== '')

/** What `all` does not mean: programs that no package brings and nobody must have. */
const neverRequired: ReadonlySet<string> = new Set(['core-lightning', 'phoenixd'])

/**
 * Whether a part of the tests that needs something from the machine is to be skipped.
 *
 * @param part - Its name, as `SATWAY_REQUIRE` spells it.
 * @param lack - What is missing, or `undefined` when everything is there.
 * @throws {Error} when the part is required and something is missing: the run fails.
 */
export function skipPart(part: string, lack: string | undefined): boolean {
  if (lack === undefined) return false
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
