import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder of this package, wherever in it this code lies: as source, compiled or bundled. */
export const packageFolder: string = find(import.meta.dirname)

function find(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : find(dirname(folder))
}
