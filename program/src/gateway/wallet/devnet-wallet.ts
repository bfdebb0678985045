import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { msat } from 'satway'
import type { DevnetNode, WalletServer } from 'satway/lightning/devnet'
import { connectWallet, createDevnet, readWalletFile, serveWallet } from 'satway/lightning/devnet'
import type { WalletConfig } from '../config/index.ts'
import { walletCheck } from '../operations/index.ts'
import type { OpenWallet } from './open-wallet.ts'

/**
 * The embedded network: a seller's node for the gateway, and a buyer's whose wallet is served on the
 * loopback address, so that a second terminal can pay. No real money.
 *
 * @throws {L402Error} CONFIG_INVALID in production, unless forced.
 */
export async function openDevnetWallet(
  config: Extract<WalletConfig, { readonly kind: 'devnet' }>,
): Promise<OpenWallet> {
  const devnet = createDevnet({ force: config.force })
  const seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
  const buyer = devnet.addNode('buyer', { balanceMsat: config.balanceMsat })
  const about = `devnet (${seller.network}): the embedded network; no real money moves`
  const { file } = config
  const wallet = {
    kind: 'devnet',
    payee: seller,
    isRealMoney: false,
    about,
    check: walletCheck(seller),
  } as const
  const served = file === undefined ? undefined : await serve(buyer, file)
  if (file === undefined || served === undefined) {
    const warnings =
      file === undefined
        ? []
        : [
            `${file} is the wallet of another embedded network, which cannot pay here. For a wallet of this one: wallet: { devnet: { file: ./wallet.json } }`,
          ]
    const close = async (): Promise<void> => undefined
    return { ...wallet, buyerWallet: undefined, begin: async () => warnings, close }
  }
  const remove = (): void => removeOurs(file, served.address.secret)
  process.once('exit', remove)
  return {
    ...wallet,
    buyerWallet: file,
    begin: async () => [],
    close: async () => {
      process.off('exit', remove)
      remove()
      await served.close()
    },
  }
}

/** @returns `undefined` where another network's wallet is served under that name and answers. */
async function serve(buyer: DevnetNode, file: string): Promise<WalletServer | undefined> {
  if (await isInUse(file)) return undefined
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  return await serveWallet(buyer, { file })
}

async function isInUse(file: string): Promise<boolean> {
  try {
    await connectWallet(await readWalletFile(file), { timeoutMs: 1000 }).info()
    return true
  } catch {
    return false
  }
}

/** Synchronous: it also runs while the process ends. */
function removeOurs(file: string, secret: string): void {
  try {
    if (readFileSync(file, 'utf8').includes(secret)) rmSync(file, { force: true })
  } catch {
    return // it is gone
  }
}
