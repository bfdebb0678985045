import { appendFileSync } from 'node:fs'

const required = (process.env['SATWAY_REQUIRE'] ?? '').split(',').filter((name) => name !== '')

/**
 * Whether a part of the tests that needs something from the machine is to be skipped.
 *
 * @param part - Its name, as `SATWAY_REQUIRE` spells it.
 * @param lack - What is missing, or `undefined` when everything is there.
 * @throws {Error} when the part is required and something is missing: the run fails.
 */
export function skipPart(part: string, lack: string | undefined): boolean {
  if (lack === undefined) return false
  if (required.includes(part) || required.includes('all')) {
    throw new Error(`SATWAY_REQUIRE names "${part}", but ${lack}`)
  }
  const file = process.env['SATWAY_SKIPS_FILE']
  if (file !== undefined) appendFileSync(file, `${part} (${lack})\n`)
  return true
}
