import { constants, open } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { env, platform } from 'node:process'
import { encodeUtf8 } from '../../bytes/index.ts'
import type { HeldPlace, SecretUse } from './secret-place.ts'
import { unusable } from './secret-place.ts'

/** Longer is no macaroon, no key and no certificate. */
const maxBytes = 64 * 1024

/**
 * Reads what a place holds: a regular file of at most 64 KiB, or a variable of this process. A file with
 * a secret has to be its owner's alone (0600); a certificate may be read by others, and changed by none.
 *
 * @throws {L402Error} CONFIG_INVALID with `details.reason`, naming the place and never what is in it.
 * @spec wallets.md R-WAL-10
 */
export async function readSecretPlace(place: HeldPlace, use: SecretUse): Promise<Uint8Array> {
  if (place.from === 'env') {
    const value = env[place.name] ?? ''
    if (value !== '') return encodeUtf8(value)
    throw unusable(place, use, 'is not set')
  }
  return await readFileOf(place, use)
}

async function readFileOf(
  place: HeldPlace & { readonly from: 'file' },
  use: SecretUse,
): Promise<Uint8Array> {
  const path = place.path.startsWith('~/') ? join(homedir(), place.path.slice(2)) : place.path
  // Without waiting: a named pipe in its place would hold us for ever.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(
    (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'ENOENT' || error.code === 'ENOTDIR'
      throw unusable(place, use, isMissing ? 'is not there' : `cannot be read (${error.code})`)
    },
  )
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw unusable(place, use, 'is no regular file')
    const problem = platform === 'win32' ? undefined : modeProblem(stat.mode, use)
    if (problem !== undefined) throw unusable(place, use, `${problem} ${place.path}`)
    if (stat.size > maxBytes) throw unusable(place, use, `is longer than ${maxBytes} bytes`)
    const buffer = new Uint8Array(maxBytes + 1)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    if (bytesRead > maxBytes) throw unusable(place, use, `is longer than ${maxBytes} bytes`)
    if (bytesRead === 0) throw unusable(place, use, 'is empty')
    return buffer.slice(0, bytesRead)
  } finally {
    await file.close()
  }
}

function modeProblem(mode: number, use: SecretUse): string | undefined {
  if (use === 'certificate') {
    return (mode & 0o022) === 0 ? undefined : 'can be changed by others: chmod go-w'
  }
  return (mode & 0o077) === 0 ? undefined : 'can be read or changed by others: chmod 600'
}
