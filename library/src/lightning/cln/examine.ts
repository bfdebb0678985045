import type { Network } from '../../invoice/index.ts'
import type { Fields } from '../adapter/index.ts'
import { refused, unavailable } from '../adapter/index.ts'
import type { WalletFacts, WalletPowers } from '../index.ts'
import { allPowers, powersOf } from './powers.ts'
import type { Rpc } from './rpc.ts'
import { codes, kind, requireAnswer } from './rpc.ts'
import type { Rune } from './rune.ts'
import { allows } from './rune.ts'
import type { Settings } from './settings.ts'

/** Its names of networks, as far as they are ours. */
const networks: ReadonlyMap<unknown, Network> = new Map([
  ['bitcoin', 'bitcoin'],
  ['testnet', 'testnet'],
  ['signet', 'signet'],
  ['regtest', 'regtest'],
])

/** Of no invoice and no payment. */
const nobodysHash = '00'.repeat(32)

/** Harmless questions, the most telling first. A rune that is good for anything allows one. */
const questions: readonly (readonly [method: string, params: Fields])[] = [
  ['getinfo', {}],
  ['listinvoices', { payment_hash: nobodysHash }],
  ['listpays', { payment_hash: nobodysHash }],
]

/**
 * Asks a node how it is. What the rune allows is read from its own text, which the node has signed.
 *
 * @throws {L402Error} NODE_UNAVAILABLE when it cannot be reached, or does not take the rune.
 */
export async function examineNode(
  rpc: Rpc,
  { place, timeoutMs, now }: Settings,
  caller: AbortSignal | undefined,
): Promise<WalletFacts> {
  if (caller?.aborted === true) throw unavailable(kind, 'aborted')
  const limit = AbortSignal.timeout(timeoutMs)
  const signal = caller === undefined ? limit : AbortSignal.any([caller, limit])
  for (const [method, params] of questions) {
    const reply = await rpc.call(method, params, signal)
    const isForbidden = reply.kind === 'refused' && reply.code === codes.runeNotPermitted
    if (isForbidden) continue
    const answer = requireAnswer(method, reply)
    const info = method === 'getinfo' ? answer : undefined
    const rune = place.via === 'clnrest' ? place.restrictions : undefined
    const nowSeconds = rpc.nowSeconds()
    return {
      network: networks.get(info?.['network']),
      notReady: whyNotReady(info) ?? whyNotUsable(rune, nowSeconds ?? now()),
      powers: powers(rune, nowSeconds ?? now()),
      nowSeconds,
    }
  }
  throw refused(
    kind,
    'the rune allows nothing that a wallet needs, or has expired: make another, with lightning-cli createrune',
  )
}

function powers(rune: Rune | undefined, nowSeconds: number): WalletPowers {
  return rune === undefined ? allPowers : powersOf(rune, nowSeconds)
}

function whyNotReady(info: Fields | undefined): string | undefined {
  if (info === undefined) return undefined
  const isSyncing = 'warning_bitcoind_sync' in info || 'warning_lightningd_sync' in info
  if (isSyncing) return 'it is still catching up with the chain'
  const { network } = info
  const isOurs = network === undefined || networks.has(network)
  return isOurs ? undefined : 'it is on a network that is not known here'
}

/** What is allowed is of no use where how it ends may not be asked. */
function whyNotUsable(rune: Rune | undefined, nowSeconds: number): string | undefined {
  if (rune === undefined) return undefined
  const may = (method: string): boolean => allows(rune, method, nowSeconds) !== false
  if ((may('xpay') || may('pay')) && !may('listpays')) {
    return 'the rune allows to pay and not to ask how it ended: allow listpays, too'
  }
  if (may('invoice') && !may('listinvoices')) {
    return 'the rune allows to make invoices and not to ask whether they were paid: allow listinvoices, too'
  }
  return undefined
}
