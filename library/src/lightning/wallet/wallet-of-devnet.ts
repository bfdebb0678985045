import { connectWallet, readWalletFile } from '../devnet/index.ts'
import type { Wallet } from '../index.ts'

/**
 * The wallet of a running process of the embedded network.
 *
 * @throws {L402Error} NODE_UNAVAILABLE when there is no such file, CONFIG_INVALID when it is something
 *   else or open to others.
 */
export async function openDevnetFile(file: string): Promise<Wallet> {
  const payer = connectWallet(await readWalletFile(file))
  return {
    kind: 'devnet',
    network: payer.network,
    payee: undefined,
    payer,
    examine: async (signal) => {
      await payer.info(signal)
      return {
        network: payer.network,
        notReady: undefined,
        powers: { receive: false, spend: true, beyond: [] },
        nowSeconds: undefined,
      }
    },
    balanceMsat: async (signal) => (await payer.info(signal)).balanceMsat,
    // Every exchange has a connection of its own, which ends with it.
    close: () => undefined,
  }
}
