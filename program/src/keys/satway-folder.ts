import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/**
 * A file of the folder that Satway keeps its own in: SATWAY_HOME, or else `~/.satway`.
 *
 * @param name - Of the file.
 */
export function inSatwayFolder(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const { SATWAY_HOME: chosen, HOME: own } = environment
  return join(resolve(chosen || join(own || homedir(), '.satway')), name)
}
