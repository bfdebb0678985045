import { isL402Error, L402Error } from 'satway'
import type { PolicyOptions } from 'satway/client'
import { createClient } from 'satway/client'
import type { Journal, JournalOptions } from 'satway/journal'
import type { Payer } from 'satway/lightning'
import { createTransport } from 'satway/transport'
import { Failure } from '../cli/failure.ts'
import type { Agent, AgentOptions } from './agent.ts'
import { createApprover } from './approver.ts'
import { listening } from './asked.ts'
import type { AgentConfig } from './config-file.ts'
import { downloadsMaxBytes, readAgentConfig } from './config-file.ts'
import { openDelegate } from './delegate-agent.ts'
import type { Home } from './home.ts'
import { absolute, homeOf, makeHome, requireOwnHome } from './home.ts'
import type { LazyPayer } from './lazy-payer.ts'
import { createLazyPayer, namingWallet } from './lazy-payer.ts'
import { openPolicyBook } from './policy-file.ts'
import { rememberPolicy } from './policy-seen.ts'
import { createReconciler } from './reconciler.ts'
import { terminalOf } from './terminal.ts'
import { unusableJournal } from './unusable-journal.ts'
import type { AgentWallet } from './wallet.ts'
import { openWallet } from './wallet.ts'
import type { Watch } from './watching.ts'
import { watchedApproval, watchedPayer } from './watching.ts'

/**
 * Opens everything of one spender. A journal that cannot be used stops payments, and not what is
 * free: every use of it rejects with the reason.
 *
 * @throws {Failure} when the home or the configuration cannot be used, or the wallet that was named.
 * @spec agent.md R-AGT-1 to R-AGT-15
 */
export async function openAgent(options: AgentOptions): Promise<Agent> {
  const home = homeOf(options.home)
  const { verifyTls = true, credential, paymentTimeoutMs, watch = () => undefined } = options
  if (credential !== undefined) return openDelegate(home, credential, { verifyTls, watch })

  requireOwnHome(home)
  const config = await readAgentConfig(home)
  // -k is about servers that are asked, never about the wallet.
  const transport = createTransport({ verifyTls })
  const walletTransport = verifyTls ? transport : createTransport()
  const opening = openJournalOf(home, config)
  const [wallet, policy, journal] = await Promise.all([
    openWallet(options.wallet, {
      home,
      config,
      fetch: (url, init) => walletTransport.fetch(url, init),
      ...patienceFor(paymentTimeoutMs),
    }),
    openPolicyBook(home, options.narrowing),
    opening,
  ]).catch(async (error: unknown) => {
    await (await opening).close()
    throw error
  })
  const approve = createApprover({
    ask: options.ask,
    approvals: journal.approvals,
    terminal: terminalOf(process.env),
    waitSeconds: config.approval_wait_seconds ?? 0,
    waits: (approvalId, seconds) => watch({ kind: 'waiting', approvalId, seconds }),
  })
  rememberPolicy(home)
  const closing = new AbortController()
  const payer = spendingPayer(wallet, closing.signal, watch)
  const client = createClient({
    policy: asking(
      () => {
        rememberPolicy(home)
        return policy.current()
      },
      watchedApproval(approve, watch),
    ),
    ...(payer !== undefined && { payer }),
    ...(paymentTimeoutMs !== undefined && { paymentTimeoutMs }),
    ledger: payer === undefined ? journal.ledger : namingWallet(journal.ledger, payer),
    tokens: journal.tokens,
    receipts: journal.receipts,
    fetch: listening((url, init, route) => transport.fetch(url, init, route), watch),
  })
  const reconciler = createReconciler(client)
  return {
    home: withDownloads(home, config),
    client,
    journal,
    policy,
    payer: wallet.payer,
    walletKind: wallet.kind,
    openWallet: wallet.open,
    walletLooksUp: wallet.looksUp,
    realMoney: wallet.realMoney,
    downloadsMaxBytes: downloadsMaxBytes(config),
    transport,
    keepReconciling: () => reconciler.start(),
    close: async () => {
      closing.abort()
      await reconciler.stop()
      wallet.close()
      transport.close()
      walletTransport.close()
      await journal.close()
    },
  }
}

/** What the client pays with: opened at its first order or question, watched, and let go at the end. */
function spendingPayer(
  wallet: AgentWallet,
  closing: AbortSignal,
  watch: Watch,
): LazyPayer | undefined {
  const { network } = wallet
  if (network === undefined) return undefined
  return createLazyPayer(network, async () => {
    const { payer } = await wallet.open()
    return watchedPayer(askedUntil(payer, closing), watch)
  })
}

/** Not before the client itself has given up; no adapter waits for more than an hour. */
function patienceFor(paymentTimeoutMs = 0): { readonly orderTimeoutMs?: number } {
  if (paymentTimeoutMs <= usualPaymentMs) return {}
  return { orderTimeoutMs: Math.min(paymentTimeoutMs + marginMs, maxOrderMs) }
}

const [usualPaymentMs, marginMs, maxOrderMs] = [60_000, 15_000, 3_600_000]

/**
 * The same wallet, which is asked about payments only until a signal: one that hangs must not keep the
 * agent from closing. What it did not tell is asked again next time.
 */
function askedUntil(payer: Payer, closing: AbortSignal): Payer {
  return {
    ...payer,
    pay: (invoice, limits) => payer.pay(invoice, limits),
    lookupPayment: (hash, signal) =>
      payer.lookupPayment(
        hash,
        signal === undefined ? closing : AbortSignal.any([signal, closing]),
      ),
  }
}

async function openJournalOf(home: Home, config: AgentConfig): Promise<Journal> {
  const { journalFile: path, receiptsFile: receiptsPath } = home
  const options: JournalOptions = {
    path,
    receiptsPath,
    ...(config.key !== undefined && { key: config.key }),
  }
  try {
    makeHome(home)
    const { openJournal } = await import('satway/journal')
    return await openJournal(options)
  } catch (error) {
    const reason = isL402Error(error) ? error : unmakable(error)
    return unusableJournal(reason, { path, receiptsPath })
  }
}

/** @throws whatever is a fault of the program. */
function unmakable(error: unknown): L402Error {
  if (!(error instanceof Failure)) throw error
  const hint = error.advice ?? 'look at the folder'
  return new L402Error('STORE_UNAVAILABLE', { reason: error.message, hint }, error)
}

function withDownloads(home: Home, { downloads }: AgentConfig): Home {
  if (downloads === undefined) return home
  return { ...home, downloadFolder: absolute(downloads, 'downloads') }
}

/**
 * A policy that asks where it says so. The same value as long as the file says the same, so that it
 * is checked once and not at every payment.
 */
function asking(
  current: () => PolicyOptions,
  approve: NonNullable<PolicyOptions['approve']>,
): () => PolicyOptions {
  let plain: PolicyOptions | undefined
  let complete: PolicyOptions | undefined
  return () => {
    const now = current()
    if (complete !== undefined && now === plain) return complete
    plain = now
    complete = now.askAboveMsat === undefined ? now : { ...now, approve }
    return complete
  }
}
