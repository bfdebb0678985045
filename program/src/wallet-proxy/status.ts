import { randomBytes } from 'node:crypto'
import type { Network } from 'satway'
import { isL402Error, paymentHash } from 'satway'
import type { Payer, Wallet, WalletFacts } from 'satway/lightning'
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
    if (status.reachable) return status.problem === null ? exitCodes.ok : exitCodes.failed
    return status.kind === 'none' ? exitCodes.failed : exitCodes.network
  } finally {
    await agent.close()
  }
}

/**
 * Asks the wallet how it is, and for a payment that nobody made: whoever answers that can be relied on
 * to tell how a payment ended.
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
    const wallet = await agent.openWallet()
    const facts = await wallet.examine(signal)
    const problem = problemIn(facts, network) ?? (await lookUpProblem(payer, signal))
    return { ...known, reachable: true, balanceMsat: await balanceOf(wallet, signal), problem }
  } catch (error) {
    if (!isL402Error(error)) throw error
    const reason = error.details['reason'] ?? error.code
    return { ...known, reachable: false, balanceMsat: null, problem: `${reason}` }
  }
}

/** Why nothing would be paid, of a wallet that answers. */
function problemIn(facts: WalletFacts, network: Network): string | null {
  if (facts.notReady !== undefined) return facts.notReady
  if (facts.network !== undefined && facts.network !== network) {
    return `it is on ${facts.network}, and its URI says ${network}: &network=${facts.network}`
  }
  return facts.powers.spend === false ? 'its credential does not allow to pay' : null
}

/** Why nobody could find out how a payment ended, of a wallet that answers. */
async function lookUpProblem(payer: Payer, signal: AbortSignal): Promise<string | null> {
  try {
    await payer.lookupPayment(paymentHash(randomBytes(32)), signal)
    return null
  } catch (error) {
    if (!isL402Error(error)) throw error
    return `it does not tell about payments: ${error.details['reason'] ?? error.code}`
  }
}

/** Not every wallet tells it. Without a balance the rest is still true. */
async function balanceOf(wallet: Wallet, signal: AbortSignal): Promise<string | null> {
  try {
    const balanceMsat = await wallet.balanceMsat?.(signal)
    return balanceMsat === undefined ? null : `${balanceMsat}`
  } catch {
    return null
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
