import { isL402Error } from 'satway'
import type { Macaroon } from 'satway/macaroon'
import { decodeToken } from 'satway/macaroon'
import type { Given } from '../../cli/command.ts'
import { Failure } from '../../cli/failure.ts'
import { inSatwayFolder, readPrivateFile } from '../../keys/index.ts'
import type { Terminal } from './terminal.ts'

const maxBytes = 16_384
const advice =
  'The gateway writes it when it starts: admin.macaroon, beside its state file. Name it with --macaroon FILE or SATWAY_ADMIN_MACAROON.'

/**
 * The macaroon that a command works with: of the flag, the environment, this folder, or
 * `~/.satway`, or the folder that SATWAY_HOME names.
 *
 * @throws {Failure} when there is none, it is no macaroon, or others can read its file.
 */
export function readMacaroonFile(
  given: Given,
  { environment }: Terminal,
): { readonly file: string; readonly macaroon: Macaroon } {
  const chosen = given.text('macaroon') ?? environment['SATWAY_ADMIN_MACAROON']
  const files =
    chosen === undefined || chosen === ''
      ? ['./admin.macaroon', inSatwayFolder('admin.macaroon', environment)]
      : [chosen]
  for (const file of files) {
    const bytes = readPrivateFile(file, maxBytes)
    if (bytes !== undefined) return { file, macaroon: decode(file, bytes) }
  }
  throw new Failure(`There is no macaroon: ${files.join(' and ')} do${many(files)} not exist.`, {
    advice,
  })
}

function decode(file: string, bytes: Buffer): Macaroon {
  try {
    return decodeToken(bytes.toString('latin1').trim())
  } catch (error) {
    if (!isL402Error(error)) throw error
    throw new Failure(`${file} holds no macaroon.`, { advice })
  }
}

function many(files: readonly string[]): string {
  return files.length === 1 ? 'es' : ''
}
