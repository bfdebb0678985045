import type { Wallet } from 'satway/lightning'
import type { WalletUri } from 'satway/lightning/wallet'
import { openWallet as openNamed } from 'satway/lightning/wallet'
import type { WalletConfig } from '../config/index.ts'
import { pause } from '../pause.ts'
import { guardPayee } from './guarded-payee.ts'
import type { OpenWallet } from './open-wallet.ts'
import { WalletRefusal } from './open-wallet.ts'
import type { Verdict } from './verdict.ts'
import { judgeWallet } from './verdict.ts'

export type NodeWalletConfig = Extract<WalletConfig, { readonly kind: 'uri' }>

export type NodeWalletOptions = {
  /** Opens the wallet of a URI. Default: the library's. */
  readonly open?: (uri: WalletUri) => Promise<Wallet>
  /** How long the wallet may take to say how it is, in ms. Default 5000. */
  readonly timeoutMs?: number
  /** The first wait before a wallet that is away is asked again, in ms; the others are at most 4 s. Default 1000. */
  readonly firstDelayMs?: number
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

const longestDelayMs = 4000

/**
 * The wallet of a real node. Nothing is asked of it before `begin`.
 *
 * @throws {L402Error} CONFIG_INVALID with `details.reason`.
 * @spec gateway.md R-GWW-10 to R-GWW-13
 */
export async function openNodeWallet(
  { uri, network, allowSpending }: NodeWalletConfig,
  options: NodeWalletOptions = {},
): Promise<OpenWallet> {
  const { open = openNamed, timeoutMs = 5000, firstDelayMs = 1000, now = systemSeconds } = options
  const wallet = await open(uri)
  const { kind } = wallet
  const closing = new AbortController()
  let verdict: Verdict | undefined

  const judge = async (caller: AbortSignal): Promise<Verdict> => {
    const limit = AbortSignal.timeout(timeoutMs)
    const signal = AbortSignal.any([caller, limit, closing.signal])
    return await judgeWallet(wallet, { allowSpending, signal, now })
  }
  /** Until it is there; then it is good for this process, or is not used by it. */
  const wait = async (log: Parameters<OpenWallet['begin']>[0]): Promise<void> => {
    for (let delayMs = firstDelayMs; verdict?.kind === 'away'; delayMs *= 2) {
      await pause(Math.min(delayMs, longestDelayMs), closing.signal)
      verdict = await judge(closing.signal)
    }
    if (verdict?.kind === 'refused') {
      log.error(`the wallet is there and is not used: ${verdict.reason}. ${verdict.advice}`)
    } else if (verdict?.kind === 'good') {
      log.info(`the wallet is there: ${kind}, ${network}`)
      for (const warning of verdict.warnings) log.warn(warning)
    }
  }

  return {
    kind,
    payee: guardPayee(payeeOf(wallet), () => verdict),
    isRealMoney: network === 'bitcoin',
    about: `${kind} (${network}): ${network === 'bitcoin' ? 'real money' : 'no real money moves'}`,
    buyerWallet: undefined,
    check: {
      name: 'wallet',
      isOurs: true,
      check: async (signal) => {
        if (verdict?.kind === 'refused') return { ok: false, detail: verdict.reason }
        const current = await judge(signal)
        if (current.kind !== 'good') return { ok: false, detail: current.reason }
        // It is back, and the next look will find it.
        if (verdict?.kind !== 'good') return { ok: false, detail: `${kind}: it comes back` }
        return { ok: true, detail: `${kind} answers, ${network}` }
      },
    },
    begin: async (log) => {
      verdict = await judge(closing.signal)
      if (verdict.kind === 'good') return verdict.warnings
      if (verdict.kind === 'refused') throw new WalletRefusal(verdict.reason, verdict.advice)
      wait(log).catch(() => undefined) // closed
      return [
        `${verdict.reason}. What was sold works; nothing is sold until the wallet is there, which is looked for every few seconds`,
      ]
    },
    close: async () => {
      closing.abort()
      wallet.close()
    },
  }
}

/** One that only pays is refused at the start; until then it makes no invoice. */
function payeeOf({ kind, network, payee }: Wallet): NonNullable<Wallet['payee']> {
  if (payee !== undefined) return payee
  const refuse = (): never => {
    throw new WalletRefusal(`${kind}: it only pays`, 'Name a wallet that is paid.')
  }
  return {
    network,
    createInvoice: async () => refuse(),
    lookupInvoice: async () => refuse(),
    settlements: () => refuse(),
  }
}

function systemSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
