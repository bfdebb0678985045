import { isL402Error } from 'satway'
import type { Wallet, WalletFacts } from 'satway/lightning'
import type { WalletKind } from 'satway/lightning/wallet'
import { leastPrivilege } from 'satway/lightning/wallet'

/** Whether a wallet is to be paid. */
export type Verdict =
  | { readonly kind: 'good'; readonly warnings: readonly string[] }
  /** It may be good when it is asked again. */
  | { readonly kind: 'away'; readonly reason: string }
  /** Waiting does not help. */
  | { readonly kind: 'refused'; readonly reason: string; readonly advice: string }

export type VerdictOptions = {
  /** Takes a credential that can spend. */
  readonly allowSpending: boolean
  readonly signal: AbortSignal
  /** Seconds since 1970. */
  readonly now: () => number
}

/** By how much the clock of a wallet may differ, in seconds. */
const maxSkewSeconds = 60

/**
 * Asks a wallet how it is and what its credential may do, and says whether a gateway sells with it.
 * Never rejects.
 *
 * @spec gateway.md R-GWW-10 to R-GWW-12
 */
export async function judgeWallet(wallet: Wallet, options: VerdictOptions): Promise<Verdict> {
  const kind = wallet.kind as WalletKind
  if (wallet.payee === undefined) {
    return { kind: 'refused', reason: `${kind}: it only pays`, advice: howTo(kind) }
  }
  try {
    return judgeFacts(wallet, await wallet.examine(options.signal), options)
  } catch (error) {
    const reason = reasonOf(kind, error)
    if (isL402Error(error) && error.details['refused'] === true) {
      return { kind: 'refused', reason, advice: howTo(kind) }
    }
    if (!isAboutTls(reason)) return { kind: 'away', reason }
    return { kind: 'refused', reason, advice: 'Mend that, and start again.' }
  }
}

function judgeFacts(
  wallet: Wallet,
  { network, notReady, powers, nowSeconds }: WalletFacts,
  { allowSpending, now }: VerdictOptions,
): Verdict {
  const kind = wallet.kind as WalletKind
  if (network !== undefined && network !== wallet.network) {
    return {
      kind: 'refused',
      reason: `${kind}: it is on ${network}, and it was named as one of ${wallet.network}`,
      advice: `Write network=${network} into its URI if that is meant, or name another wallet.`,
    }
  }
  if (powers.receive === false) {
    const reason = `${kind}: its credential does not allow to be paid`
    return { kind: 'refused', reason, advice: howTo(kind) }
  }
  if (powers.spend === true && !allowSpending) {
    const reason = `${kind}: its credential can spend, and a gateway needs none that does`
    const force =
      'To use it all the same: allow_spending: true beside its uri, or --allow-spending.'
    return { kind: 'refused', reason, advice: `${howTo(kind)} ${force}` }
  }
  if (notReady !== undefined) return { kind: 'away', reason: `${kind}: ${notReady}` }
  return {
    kind: 'good',
    warnings: [
      ...(powers.spend === true
        ? [`${kind}: whoever gets the credential of this gateway can spend. ${howTo(kind)}`]
        : []),
      ...(powers.spend === undefined
        ? [`${kind}: nobody can tell from here whether its credential can spend. ${howTo(kind)}`]
        : []),
      ...(powers.beyond.length === 0
        ? []
        : [`${kind}: its credential also allows: ${powers.beyond.join(', ')}. ${howTo(kind)}`]),
      ...clockWarning(kind, nowSeconds, now()),
    ],
  }
}

function clockWarning(kind: string, theirs: number | undefined, ours: number): readonly string[] {
  if (theirs === undefined || Math.abs(theirs - ours) <= maxSkewSeconds) return []
  const seconds = Math.round(Math.abs(theirs - ours))
  const which = theirs > ours ? 'ahead of' : 'behind'
  return [
    `${kind}: its clock is ${seconds} s ${which} this one: invoices end too early or too late`,
  ]
}

function howTo(kind: WalletKind): string {
  return leastPrivilege(kind, 'receive')
}

function reasonOf(kind: string, error: unknown): string {
  const reason = isL402Error(error) ? error.details['reason'] : undefined
  return typeof reason === 'string' ? reason : `${kind}: it did not answer properly`
}

/** A wallet that is down comes back. A certificate does not mend itself. */
function isAboutTls(reason: string): boolean {
  return /\b(?:certificate|speak TLS)\b/.test(reason)
}
