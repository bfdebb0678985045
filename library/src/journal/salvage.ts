import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { msat } from '../amount/index.ts'
import type { PaymentRecord } from '../client/index.ts'
import type { Seal } from './seal.ts'
import { syncFolder } from './sync-folder.ts'

/** That a payment settled, as it is told to the ledger. */
export type Settlement = {
  readonly paymentHash: string
  readonly news: PaymentRecord & { readonly state: 'settled' }
  readonly atSeconds: number
  readonly attempt: number
}

/** Settlements that could not be written into the journal: a file of one sealed line for each. */
export type Salvage = {
  /** @returns The file, which is on the disk; `undefined`: that is not possible either. */
  write(settlement: Settlement): string | undefined
  /** What can be read of what is there. What cannot is left as it is. */
  read(): readonly { readonly file: string; readonly settlement: Settlement }[]
  /** Once its settlement is in the journal. */
  remove(file: string): void
}

const context = 'journal.salvage'
const maxBytes = 4096

/**
 * Beside the journal, `journal.db.salvage-<digits>`, with mode 0600. A file appears whole or not at
 * all, is never changed, and its name never comes again: any number of processes may write, read and
 * remove at once.
 *
 * @param journal - The path of the journal.
 */
export function createSalvage(journal: string, seal: Seal): Salvage {
  const folder = dirname(journal)
  const prefix = `${basename(journal)}.salvage-`
  const isName = (name: string): boolean =>
    name.startsWith(prefix) && /^[0-9a-f]{16}$/.test(name.slice(prefix.length))

  return {
    write(settlement) {
      const file = join(folder, `${prefix}${randomBytes(8).toString('hex')}`)
      try {
        publish(file, `${sealed(settlement, seal)}\n`)
        return file
      } catch {
        // It is tried again, like the journal itself.
        return undefined
      }
    },
    read() {
      const files = readdirSync(folder).filter(isName)
      return files.flatMap((name) => {
        const file = join(folder, name)
        const settlement = readSettlement(contentOf(file), seal)
        return settlement === undefined ? [] : [{ file, settlement }]
      })
    },
    remove(file) {
      // Another process may have been faster. One that stays is applied again, which changes nothing.
      rmSync(file, { force: true })
    },
  }
}

function sealed({ paymentHash, news, atSeconds, attempt }: Settlement, seal: Seal): string {
  const { preimage, feeMsat, owed } = news
  const fields = [paymentHash, preimage, `${feeMsat}`, owed, atSeconds, attempt]
  return Buffer.from(seal.seal(JSON.stringify(fields), context)).toString('base64')
}

/**
 * Reads what a salvage file holds.
 *
 * @returns `undefined` for what was sealed with another key, was changed, or is none.
 */
export function readSettlement(text: string, seal: Seal): Settlement | undefined {
  try {
    const plain = seal.open(Buffer.from(text, 'base64'), context)
    const fields = JSON.parse(plain) as [string, string, string, boolean, number, number]
    const [paymentHash, preimage, feeMsat, owed, atSeconds, attempt] = fields
    const isProof = createHash('sha256').update(preimage, 'hex').digest('hex') === paymentHash
    if (!isProof) return undefined
    const news = { state: 'settled', preimage, feeMsat: msat(BigInt(feeMsat)), owed } as const
    return { paymentHash, news, atSeconds, attempt }
  } catch {
    return undefined
  }
}

function contentOf(file: string): string {
  try {
    const stats = statSync(file)
    return stats.isFile() && stats.size <= maxBytes ? readFileSync(file, 'latin1') : ''
  } catch {
    return ''
  }
}

function publish(file: string, text: string): void {
  const draft = `${file}.new`
  try {
    const descriptor = openSync(draft, 'wx', 0o600)
    try {
      writeSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(draft, file)
  } finally {
    rmSync(draft, { force: true })
  }
  syncFolder(dirname(file))
}
