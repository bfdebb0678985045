import { randomBytes } from 'node:crypto'
import { Failure } from '../cli/failure.ts'
import type { AdminConfig } from '../gateway/config/index.ts'
import { createPrivateFile, readPrivateFile } from '../keys/index.ts'
import { isMintedWith, mintFull } from './permit.ts'

const keyBytes = 32
const maxMacaroonBytes = 16_384

/**
 * The root key of admin macaroons, and the first macaroon in its file: both are made where they are
 * missing, and never replaced.
 *
 * @throws {Failure} for a key file of another size, a file that others can read, and a macaroon that
 *   was not minted with this key.
 * @spec gateway.md R-ADM-3, R-ADM-4
 */
export function openAuthority(config: Pick<AdminConfig, 'keyFile' | 'macaroonFile'>): Uint8Array {
  const key = openKey(config.keyFile)
  openMacaroon(config.macaroonFile, key)
  return key
}

function openKey(file: string): Uint8Array {
  createOnce(file, () => randomBytes(keyBytes))
  const key = readPrivateFile(file, keyBytes)
  if (key?.length === keyBytes && key.some((byte) => byte !== 0)) return key
  throw new Failure(`${file} is no admin key: expected ${keyBytes} random bytes.`, {
    advice: 'Remove it, and the macaroon beside it, to have new ones made.',
  })
}

function openMacaroon(file: string, key: Uint8Array): void {
  createOnce(file, () => `${mintFull(key)}\n`)
  const text = readPrivateFile(file, maxMacaroonBytes)?.toString('latin1').trim() ?? ''
  if (isMintedWith(text, key)) return
  throw new Failure(`${file} holds no macaroon of this gateway's admin key.`, {
    advice: 'Remove it to have a new one made; copies of the old one stay refused.',
  })
}

function createOnce(file: string, content: () => Uint8Array | string): void {
  if (readPrivateFile(file, maxMacaroonBytes) === undefined) createPrivateFile(file, content())
}
