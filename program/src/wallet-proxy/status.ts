import { randomBytes } from 'node:crypto'
import { isL402Error, L402Error, paymentHash } from 'satway'
import type { Payer } from 'satway/lightning'
import type { Agent } from '../agent/index.ts'
import { homeOf, openAgent } from '../agent/index.ts'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { printable } from '../cli/printable.ts'
import type { Row } from '../cli/screen.ts'
import { table } from '../cli/screen.ts'
import { amountWords } from '../cli/wording.ts'
import type { Desk } from '../desk/index.ts'
import { openDesk, writeOne } from '../desk/index.ts'
import type { WalletStatus } from '../schema/index.ts'

/** How long the wallet may take to answer. */
const patienceMs = 5000

/** Runs `satway wallet status`. */
export async function runWalletStatus(given: Given, desk: Desk = openDesk()): Promise<number> {
  const wallet = given.text('wallet')
  const agent = await openAgent({
    home: homeOf(undefined, desk.environment).folder,
    ...(wallet !== undefined && { wallet }),
    ask: { kind: 'queue', waitSeconds: 0 },
  })
  try {
    const status = await statusOf(agent)
    writeOne(given, desk, status, () => words(desk, status))
    if (status.reachable) return exitCodes.ok
    return status.kind === 'none' ? exitCodes.failed : exitCodes.network
  } finally {
    await agent.close()
  }
}

/**
 * Asks the wallet for a payment that nobody made: whoever answers that can be relied on to tell how
 * a payment ended.
 */
export async function statusOf(agent: Agent, cancel?: AbortSignal): Promise<WalletStatus> {
  const { payer, walletKind, realMoney } = agent
  if (payer === undefined) {
    return {
      kind: walletKind,
      network: null,
      reachable: false,
      realMoney: false,
      balanceMsat: null,
      problem: 'No wallet is set up: what is free, and what was bought before, can still be had.',
    }
  }
  const { network } = payer
  const known = { kind: walletKind, network, realMoney }
  const limit = AbortSignal.timeout(patienceMs)
  const signal = cancel === undefined ? limit : AbortSignal.any([cancel, limit])
  try {
    await payer.lookupPayment(paymentHash(randomBytes(32)), signal)
    await requireServer(agent, signal)
    return {
      ...known,
      reachable: true,
      balanceMsat: (await balanceOf(payer, signal)) ?? null,
      problem: null,
    }
  } catch (error) {
    if (!isL402Error(error)) throw error
    const reason = error.details['reason'] ?? error.code
    return { ...known, reachable: false, balanceMsat: null, problem: `${reason}` }
  }
}

/**
 * A wallet over HTTP that cannot be asked about payments says so without being asked. An answer of
 * whatever status: the place is there.
 *
 * @throws {L402Error} NODE_UNAVAILABLE
 */
async function requireServer(
  { walletUrl, transport }: Pick<Agent, 'walletUrl' | 'transport'>,
  signal: AbortSignal,
): Promise<void> {
  if (walletUrl === undefined) return
  try {
    const { body } = await transport.fetch(walletUrl, { signal })
    await body?.cancel()
  } catch (cause) {
    throw new L402Error('NODE_UNAVAILABLE', { reason: 'the wallet: it cannot be reached' }, cause)
  }
}

/** Payers need not know it; some tell. Without a balance the rest is still true. */
async function balanceOf(payer: Payer, signal: AbortSignal): Promise<string | undefined> {
  if (!('info' in payer) || typeof payer.info !== 'function') return undefined
  try {
    const info: unknown = await payer.info(signal)
    if (typeof info !== 'object' || info === null || !('balanceMsat' in info)) return undefined
    return typeof info.balanceMsat === 'bigint' ? `${info.balanceMsat}` : undefined
  } catch {
    return undefined
  }
}

function words({ screen }: Desk, status: WalletStatus): string {
  const { kind, network, reachable, realMoney, balanceMsat, problem } = status
  const rows: readonly Row[] = [
    ['Wallet', kind],
    [
      'Network',
      network === null ? '-' : `${network}${realMoney ? ': real money' : ': no real money'}`,
    ],
    reachable ? ['Answers', 'yes', screen.good] : ['Answers', 'no', screen.bad],
    ['Balance', balanceMsat === null ? 'it does not say' : amountWords(balanceMsat)],
  ]
  const why = problem === null ? [] : [['Problem', printable(problem)] as const]
  return table(screen, [...rows, ...why], 0)
}
