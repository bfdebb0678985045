import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { decodeHex, formatCredential, preimage } from 'satway'
import type { Ledger } from 'satway/client'
import { Failure } from '../cli/failure.ts'

/** A file for what was bought. Made before anything is paid: what costs money must have a place. */
export type CredentialFile = {
  /**
   * Writes what a payment bought.
   *
   * @returns The file's name, or `null` when there is none, or nothing was bought.
   */
  write(
    ledger: Pick<Ledger, 'find'> | undefined,
    paymentHash: string | null,
  ): Promise<string | null>
  /** Removes the file where nothing was written. */
  close(): void
}

/** @throws {Failure} when the file cannot be made, or is there already. */
export function openCredentialFile(path: string | undefined): CredentialFile {
  if (path === undefined) return { write: async () => null, close: () => undefined }
  const file = openNew(path)
  let isWritten = false
  return {
    async write(ledger, paymentHash) {
      const bought = paymentHash === null ? undefined : await ledger?.find(paymentHash)
      if (bought?.preimage === undefined || bought.token === undefined) return null
      const { scheme, token } = bought
      const proof = preimage(decodeHex(bought.preimage))
      const value = formatCredential({ scheme, token, preimage: proof })
      writeSync(file, `Authorization: ${value}\n`)
      isWritten = true
      return path
    },
    close() {
      closeSync(file)
      if (!isWritten) rmSync(path, { force: true })
    },
  }
}

function openNew(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reason = code === 'EEXIST' ? 'it is there already' : (code ?? 'unknown reason')
    throw new Failure(`--credential: ${path} cannot be written (${reason}).`, {
      advice: 'Nothing was sent.',
    })
  }
}
