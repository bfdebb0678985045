import { homedir } from 'node:os'
import { join } from 'node:path'
import { isL402Error } from 'satway'
import type { Payer } from 'satway/lightning'
import { connectWallet, readWalletFile } from 'satway/lightning/devnet'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure, UsageMistake } from '../cli/failure.ts'

/** Where this program keeps what it must find again. */
export function satwayFolder(): string {
  return join(homedir(), '.satway')
}

/** The wallet of a running `satway demo`. */
export function defaultWalletFile(): string {
  return join(satwayFolder(), 'devnet.json')
}

/**
 * The wallet that pays.
 *
 * @param chosen - `devnet:FILE`, from the flag or the environment. `undefined`: the demo's, if it
 *   runs.
 * @returns `undefined` when none was chosen and no demo runs: what is free can still be had.
 * @throws {UsageMistake} for a wallet of another kind.
 * @throws {Failure} when the chosen one cannot be opened.
 */
export async function openWallet(chosen: string | undefined): Promise<Payer | undefined> {
  if (chosen !== undefined) {
    const file = /^devnet:(.+)$/s.exec(chosen)?.[1]
    if (file === undefined) throw new UsageMistake('--wallet: expected devnet:FILE')
    return await open(file)
  }
  try {
    return connectWallet(await readWalletFile(defaultWalletFile()))
  } catch (error) {
    if (isL402Error(error, 'NODE_UNAVAILABLE')) return undefined
    throw unusable(error, defaultWalletFile())
  }
}

/** What to do when there is something to pay and nothing to pay with. */
export const walletAdvice =
  'Start `npm start` (or `satway demo`) in another terminal, or name a wallet: --wallet devnet:FILE'

async function open(file: string): Promise<Payer> {
  try {
    return connectWallet(await readWalletFile(file))
  } catch (error) {
    throw unusable(error, file)
  }
}

function unusable(error: unknown, file: string): unknown {
  if (!isL402Error(error)) return error
  const { reason } = error.details
  return new Failure(`The wallet ${file} cannot be used: ${reason ?? error.code}.`, {
    exitCode: exitCodes.network,
    advice: walletAdvice,
  })
}
