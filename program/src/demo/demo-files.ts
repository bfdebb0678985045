import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectWallet, readWalletFile } from 'satway/lightning/devnet'
import { defaultWalletFile, satwayFolder } from '../agent/index.ts'

/** The files by which a second terminal takes part. All of them are the user's alone. */
export type DemoFiles = {
  /** Where the address of the buyer's wallet is to be written. */
  readonly walletFile: string
  /** Whether `satway get` finds it by itself. */
  readonly isDefaultWallet: boolean
  /** A folder of mode 0700 for what the printed commands read and write. */
  readonly folder: string
  /** Puts a file into the folder, mode 0600, and gives its path. */
  write(name: string, text: string): string
  /**
   * Removes the folder, and the wallet file if it is still ours. Synchronous: it also runs while the
   * process ends.
   */
  remove(secret: string): void
}

/** Makes room for the files of one demonstration. */
export async function openDemoFiles(): Promise<DemoFiles> {
  const folder = makeFolder()
  const isDefaultWallet = folder.startsWith(satwayFolder()) && !(await isInUse(defaultWalletFile()))
  const walletFile = isDefaultWallet ? defaultWalletFile() : join(folder, 'wallet.json')
  return {
    walletFile,
    isDefaultWallet,
    folder,
    write: (name, text) => {
      const path = join(folder, name)
      writeFileSync(path, text, { mode: 0o600 })
      return path
    },
    remove: (secret) => {
      rmSync(folder, { recursive: true, force: true })
      if (contains(walletFile, secret)) rmSync(walletFile, { force: true })
    },
  }
}

/** Removes what killed demonstrations left behind. Total: what cannot be removed stays. */
export function sweepDemoFiles(): void {
  try {
    for (const name of readdirSync(satwayFolder())) {
      const owner = /^demo-([1-9]\d{0,9})$/.exec(name)?.[1]
      if (owner === undefined || isRunning(Number(owner))) continue
      rmSync(join(satwayFolder(), name), { recursive: true, force: true })
    }
  } catch {
    return // there is no such folder, or it is not ours to change
  }
}

/** In the user's own folder, or among the temporary files where that cannot be written. */
function makeFolder(): string {
  const folder = join(satwayFolder(), `demo-${process.pid}`)
  try {
    mkdirSync(satwayFolder(), { recursive: true, mode: 0o700 })
    // A killed demonstration may have had the number that is ours now.
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { mode: 0o700 })
    return folder
  } catch {
    return mkdtempSync(join(tmpdir(), 'satway-demo-'))
  }
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    // It may be somebody else's, who may not be asked.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function contains(file: string, text: string): boolean {
  try {
    return readFileSync(file, 'utf8').includes(text)
  } catch {
    return false // it is gone
  }
}

/** Whether the wallet that a file names is there. A killed demonstration leaves its file behind. */
async function isInUse(file: string): Promise<boolean> {
  try {
    await connectWallet(await readWalletFile(file), { timeoutMs: 1000 }).info()
    return true
  } catch {
    return false
  }
}
