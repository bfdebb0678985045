import type { NodeLink } from '../adapter/index.ts'
import { readFields } from '../adapter/index.ts'
import type { WalletFacts } from '../index.ts'
import { requireAnswer, requireSense } from './requests.ts'

/** What the admin key allows beside paying and being paid. */
const beyond = ['make wallets for its owner', 'use the extensions of its owner'] as const

/** Asks LNbits about the wallet: its id is told to the admin key alone. The network is not told. */
export async function examineLnbits(
  link: NodeLink,
  timeoutMs: number,
  caller: AbortSignal | undefined,
): Promise<WalletFacts> {
  const limit = AbortSignal.timeout(timeoutMs)
  const signal = caller === undefined ? limit : AbortSignal.any([caller, limit])
  const reply = await link.request({ method: 'GET', path: '/api/v1/wallet' }, signal)
  const { name, balance, id } = readFields(requireAnswer(reply)) ?? {}
  const isWallet = typeof name === 'string' && typeof balance === 'number'
  requireSense(isWallet ? true : undefined)
  const spend = id !== undefined
  return {
    network: undefined,
    notReady: undefined,
    powers: { receive: true, spend, beyond: spend ? beyond : [] },
    nowSeconds: link.serverSeconds,
  }
}
