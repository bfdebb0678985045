import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Given } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import type { Place } from './place/index.ts'
import {
  noProgress,
  openProgress,
  outputFile,
  standardOutput,
  terminalOutput,
} from './place/index.ts'

/**
 * The file that the flags name; `-` is standard output as it is; `undefined`: none was named.
 *
 * @throws {UsageMistake}
 */
export function readOutput(given: Given, url: URL | undefined): string | undefined {
  const output = given.text('output')
  if (!given.has('remote-name')) return output
  if (output !== undefined) throw new UsageMistake('--output and --remote-name: give one')
  const name = url?.pathname.split('/').at(-1) ?? ''
  // `.profile` and the like are no names that a server should give to a file here.
  if (name === '' || name.startsWith('.')) {
    throw new UsageMistake('--remote-name: the URL ends in no name for a file; use --output')
  }
  return name
}

/**
 * Where the body goes, opened before anything is sent. `undefined`: into the report.
 *
 * @throws {Failure} when it cannot be written.
 */
export async function openPlace(
  given: Given,
  options: {
    readonly output: string | undefined
    readonly url: URL
    /** For what is no text, when a terminal is all there is. */
    readonly downloadFolder: string
  },
): Promise<Place | undefined> {
  const { output, url, downloadFolder } = options
  const isLoud = process.stderr.isTTY === true && !given.has('json')
  const showsProgress = isLoud && !given.has('quiet') && !given.has('no-progress')
  const progress = showsProgress ? openProgress(process.stderr) : noProgress
  if (output !== undefined && output !== '-') {
    return await outputFile({ path: output, url, continues: given.has('continue'), progress })
  }
  if (given.has('json')) return undefined
  if (output === '-' || process.stdout.isTTY !== true) return standardOutput(process.stdout)
  return terminalOutput(process.stdout, async () => {
    await mkdir(downloadFolder, { recursive: true, mode: 0o700 })
    const path = join(downloadFolder, nameFor(url))
    return await outputFile({ path, url, continues: false, progress })
  })
}

/** A name that is on no other file, ends as the URL does, and holds nothing but plain letters. */
function nameFor(url: URL): string {
  const name =
    url.pathname
      .split('/')
      .at(-1)
      ?.replace(/[^A-Za-z0-9._-]/g, '') ?? ''
  return `${randomBytes(4).toString('hex')}-${name.slice(-60) || 'body'}`
}
