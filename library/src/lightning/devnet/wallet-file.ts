import type { FileHandle } from 'node:fs/promises'
import { constants, open, rename, rm } from 'node:fs/promises'
import { platform } from 'node:process'
import { encodeHex, randomBytes } from '../../bytes/index.ts'
import { L402Error } from '../../errors.ts'
import type { WalletAddress } from './wallet-address.ts'
import { formatWalletFile, parseWalletFile } from './wallet-address.ts'

/** Longest wallet file we read, in bytes. */
const maxBytes = 1024

/**
 * Writes an address for other processes of the same user: mode 0600, whole or not at all.
 *
 * @throws {L402Error} CONFIG_INVALID when the file cannot be written.
 * @spec lightning.md R-LN-47
 */
export async function writeWalletFile(path: string, address: WalletAddress): Promise<void> {
  const draft = `${path}.${encodeHex(randomBytes(6))}.tmp`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(formatWalletFile(address))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw unusable(path, 'cannot be written', error)
  }
}

/** Removes the file, unless another wallet has written its own address there since. */
export async function removeWalletFile(path: string, address: WalletAddress): Promise<void> {
  try {
    const written = await readWalletFile(path)
    if (written.secret !== address.secret || written.url !== address.url) return
    await rm(path)
  } catch {
    // Gone, changed or locked away: not ours to remove.
  }
}

/**
 * Reads the address that a wallet endpoint of this user wrote.
 *
 * @throws {L402Error} NODE_UNAVAILABLE when there is no file: no wallet runs. CONFIG_INVALID when
 *   others than its owner may read or write it (not on Windows), or it has another form.
 * @spec lightning.md R-LN-47, R-LN-48
 */
export async function readWalletFile(path: string): Promise<WalletAddress> {
  const file = await openFile(path)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw unusable(path, 'not a regular file')
    if (platform !== 'win32' && (stat.mode & 0o077) !== 0) {
      throw unusable(path, 'open to others than its owner: set mode 0600')
    }
    if (stat.size > maxBytes) throw unusable(path, 'too long for a wallet file')
    const buffer = new Uint8Array(maxBytes)
    const { bytesRead } = await file.read(buffer, 0, maxBytes, 0)
    return parseWalletFile(new TextDecoder().decode(buffer.subarray(0, bytesRead)))
  } finally {
    await file.close()
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Without waiting: a named pipe in its place would hold us for ever.
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw new L402Error('NODE_UNAVAILABLE', { reason: 'no wallet file', file: path }, error)
    }
    throw unusable(path, 'cannot be read', error)
  }
}

function unusable(path: string, reason: string, cause?: unknown): L402Error {
  return new L402Error('CONFIG_INVALID', { what: 'wallet file', file: path, reason }, cause)
}

function systemCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
