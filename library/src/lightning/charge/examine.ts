import type { Network } from '../../invoice/index.ts'
import type { Fields, NodeLink } from '../adapter/index.ts'
import { inTime, readFields } from '../adapter/index.ts'
import type { WalletFacts } from '../index.ts'
import { noAnswer } from './answers.ts'

/** As Core Lightning calls them. */
const networks: ReadonlyMap<unknown, Network> = new Map([
  ['bitcoin', 'bitcoin'],
  ['testnet', 'testnet'],
  ['signet', 'signet'],
  ['regtest', 'regtest'],
])

/** @throws {L402Error} NODE_UNAVAILABLE, with what to mend. */
export async function examineCharge(
  {
    kind,
    link,
    timeoutMs,
  }: { readonly kind: string; readonly link: NodeLink; readonly timeoutMs: number },
  caller: AbortSignal | undefined,
): Promise<WalletFacts> {
  return inTime(kind, timeoutMs, caller, async (signal) => {
    const reply = await link.request({ method: 'GET', path: '/info' }, signal)
    const isAnswer = reply.kind === 'answered' && reply.status === 200
    const info = isAnswer ? readFields(reply.text) : undefined
    if (info === undefined || typeof info['id'] !== 'string') throw noAnswer(kind, reply)
    return factsOf(info, link.serverSeconds)
  })
}

/** Of `getinfo`, as Charge passes it on. */
function factsOf(info: Fields, nowSeconds: number | undefined): WalletFacts {
  const isSyncing =
    info['warning_bitcoind_sync'] !== undefined || info['warning_lightningd_sync'] !== undefined
  return {
    network: networks.get(info['network']),
    notReady: isSyncing ? 'its Lightning node is still catching up with the chain' : undefined,
    powers: {
      receive: true,
      // There is no call that pays.
      spend: false,
      beyond: ['delete invoices', 'have Charge call any URL (webhooks)'],
    },
    nowSeconds,
  }
}
