import { isL402Error } from 'satway'
import { openWallet } from 'satway/lightning/wallet'
import type { InvoiceLimits } from '../config/index.ts'
import { invoiceLimitsOf } from './invoice-limits.ts'
import type { NodeWalletConfig } from './node-wallet.ts'
import { judgeWallet } from './verdict.ts'

const timeoutMs = 10_000

/**
 * Opens a wallet for a check, with its secrets; where `isOnline`, also asks it what a start would ask.
 *
 * @spec gateway.md R-GWW-14
 */
export async function checkNodeWallet(
  { uri, allowSpending }: NodeWalletConfig,
  isOnline: boolean,
): Promise<
  | { readonly mistake: string }
  | { readonly limits: InvoiceLimits; readonly warnings: readonly string[] }
> {
  let wallet: Awaited<ReturnType<typeof openWallet>>
  try {
    wallet = await openWallet(uri)
  } catch (error) {
    if (!isL402Error(error)) throw error
    return { mistake: String(error.details['reason'] ?? error.code) }
  }
  try {
    const { kind, payee } = wallet
    if (payee === undefined) return { mistake: `${kind} only pays: name a wallet that is paid` }
    const limits = invoiceLimitsOf({ kind, payee })
    if (!isOnline) return { limits, warnings: [] }
    const verdict = await judgeWallet(wallet, {
      allowSpending,
      signal: AbortSignal.timeout(timeoutMs),
      now: () => Math.floor(Date.now() / 1000),
    })
    if (verdict.kind === 'good') return { limits, warnings: verdict.warnings }
    const advice = verdict.kind === 'refused' ? `. ${verdict.advice}` : ''
    return { mistake: `${verdict.reason}${advice}` }
  } finally {
    wallet.close()
  }
}
