import type {
  CombineOptions,
  ConfigReading,
  ServiceDocument,
  ServiceReadingResult,
} from './read.ts'
import type { Where } from './references.ts'

/**
 * Reads a configuration file.
 *
 * @param text - YAML, at most 1 048 576 characters.
 * @returns The configuration, frozen, with the services as they were written and what may be a
 *   mistake; or every mistake, by line. No message repeats what a reference stands for.
 * @spec gateway.md R-CONF-1
 */
export async function readConfig(
  text: string,
  where: Where,
  options: Pick<CombineOptions, 'limits'> = {},
): Promise<ConfigReading> {
  const { readWhole } = await import('./read.ts')
  return readWhole(text, [], where, options)
}

/**
 * Reads a configuration file together with the services that the admin API made. Those come after
 * the file's; none of them may have the name, or a host with the mount, of another one.
 *
 * @param stored - Documents as the admin API was given them. They read no files, and of the
 *   environment only variables whose names start with `SATWAY_`.
 * @param options - `fresh` names the one of `stored` that is not stored yet: its mistakes have paths
 *   that begin in the document, and where it collides with another service, it is the one that is
 *   wrong. Mistakes of the others say how to delete them. `limits` are those of the wallet: a price
 *   that it cannot say in an invoice is a mistake.
 * @spec gateway.md R-CONF-16, R-CONF-17
 */
export async function combine(
  text: string,
  stored: readonly ServiceDocument[],
  where: Where,
  options: CombineOptions = {},
): Promise<ConfigReading> {
  const { readWhole } = await import('./read.ts')
  return readWhole(text, stored, where, options)
}

/**
 * Reads one service document of the admin API for itself. Whether it goes with the rest is for
 * {@link combine}.
 *
 * @param document - What `JSON.parse` gave.
 * @returns The service, or every mistake; paths begin in the document.
 * @spec gateway.md R-CONF-16
 */
export async function readServiceDocument(
  document: unknown,
  where: Where,
): Promise<ServiceReadingResult> {
  const { readOne } = await import('./read.ts')
  return readOne(document, where)
}
