import { randomBytes } from 'node:crypto'
import type { Network } from 'satway'
import { isL402Error, paymentHash } from 'satway'
import type { WalletFacts } from 'satway/lightning'
import { leastPrivilege } from 'satway/lightning/wallet'
import type { DoctorCheck } from '../../schema/index.ts'
import type { AgentConfig } from '../config-file.ts'
import type { Environment } from '../home.ts'
import type { PolicyBook } from '../policy-book.ts'
import type { AgentWallet } from '../wallet.ts'
import { openWallet, walletAdvice } from '../wallet.ts'
import { failure, failureOf, ok, skipped, warning } from './verdicts.ts'
import { checkCredential, checkPowers } from './wallet-powers.ts'

/** What was found about the wallet, and what it told of itself. */
export type WalletFindings = {
  readonly checks: readonly DoctorCheck[]
  readonly wallet: AgentWallet | undefined
  /** `undefined`: it did not answer. */
  readonly facts: WalletFacts | undefined
}

const patienceMs = 10_000

/**
 * Whether the wallet answers, can be used, and how much it may do. Nothing is paid: it is asked how it
 * is, and about a payment that nobody made.
 *
 * @param given - A wallet URI of the command line. Default: the wallet that would pay.
 * @spec agent.md R-AGT-40, R-AGT-41
 */
export async function checkWallet(
  given: string | undefined,
  config: AgentConfig,
  environment: Environment,
): Promise<WalletFindings> {
  let wallet: AgentWallet
  try {
    wallet = await openWallet(given, { config, environment })
  } catch (error) {
    return { checks: [failureOf('wallet', error)], wallet: undefined, facts: undefined }
  }
  if (wallet.payer === undefined) {
    const text = wallet.namedBy === undefined ? 'there is none' : `${wallet.namedBy} says none`
    const check = warning(
      'wallet',
      `${text}: what is free and what was bought goes on`,
      walletAdvice,
    )
    return { checks: [check], wallet, facts: undefined }
  }
  try {
    const signal = AbortSignal.timeout(patienceMs)
    const { check, facts } = await askWallet(wallet, signal)
    const checks = [
      check,
      checkMoney(wallet),
      checkPowers(wallet, facts),
      ...checkCredential(wallet),
    ]
    return { checks, wallet, facts }
  } finally {
    wallet.close()
  }
}

/** Whether it is on the network that its URI says, and the policy lets anything be paid there. */
export function checkNetwork(
  wallet: AgentWallet | undefined,
  facts: WalletFacts | undefined,
  book: PolicyBook,
): DoctorCheck {
  const network = wallet?.network
  if (network === undefined) return skipped('network', 'there is no wallet')
  const itself = facts?.network
  if (itself !== undefined && itself !== network) return isElsewhere(network, itself)
  if (!book.view().inForce) return skipped('network', `${network}; the policy cannot be read`)
  const { networks } = book.current()
  if (networks?.includes(network) ?? true) return ok('network', network)
  const text = `the wallet pays on ${network}, and the policy allows ${networks?.join(', ')}`
  return failure('network', text, 'Nothing can be paid. Name another wallet, or change `networks`.')
}

function isElsewhere(named: Network, itself: Network): DoctorCheck {
  const text = `the wallet is on ${itself}, and its URI says ${named}`
  const mend = itself === 'bitcoin' ? 'take network= out of it' : `write network=${itself} into it`
  return failure('network', text, `Nothing can be paid. If that wallet is meant, ${mend}.`)
}

/** What a wallet answers to two questions, and what it told of itself. */
async function askWallet(
  wallet: AgentWallet,
  signal: AbortSignal,
): Promise<{ readonly check: DoctorCheck; readonly facts: WalletFacts | undefined }> {
  const which = `${wallet.kind}, named by ${wallet.namedBy}`
  let facts: WalletFacts
  try {
    facts = await (await wallet.open()).examine(signal)
  } catch (error) {
    const text = `${which}; it cannot be used: ${reasonOf(error)}`
    const advice =
      isRefusal(error) && wallet.kind !== 'none' ? leastPrivilege(wallet.kind, 'pay') : start
    return { check: failure('wallet', text, advice), facts: undefined }
  }
  const say = (check: DoctorCheck): { check: DoctorCheck; facts: WalletFacts } => ({ check, facts })
  if (facts.notReady !== undefined) {
    return say(failure('wallet', `${which}; it answers, and cannot pay: ${facts.notReady}`, wait))
  }
  if (!wallet.looksUp) {
    const text = `${which}; it answers, and cannot be asked about payments`
    return say(warning('wallet', text, lookup))
  }
  try {
    await wallet.payer?.lookupPayment(paymentHash(randomBytes(32)), signal)
  } catch (error) {
    return say(notAboutPayments(wallet, which, reasonOf(error)))
  }
  return say(ok('wallet', `${which}; it answers`))
}

/** It is there, and does not tell of a payment that nobody made that it does not know it. */
function notAboutPayments({ kind }: AgentWallet, which: string, reason: string): DoctorCheck {
  if (kind !== 'http') {
    const text = `${which}; it answers, and does not tell of payments: ${reason}`
    return failure('wallet', text, unasked)
  }
  if (/\b40[13]$/.test(reason)) {
    return failure('wallet', `${which}; it refuses us: ${reason}`, token)
  }
  return warning('wallet', `${which}; it answers, and not about payments: ${reason}`, unclear)
}

function checkMoney({ realMoney, network }: AgentWallet): DoctorCheck {
  if (realMoney) return ok('money', 'real money')
  return ok('money', `no real money: ${network}`)
}

/** Whether the wallet itself does not take the credential. */
function isRefusal(error: unknown): boolean {
  return isL402Error(error) && error.details['refused'] === true
}

function reasonOf(error: unknown): string {
  const reason = isL402Error(error) ? error.details['reason'] : undefined
  return typeof reason === 'string' ? reason : 'it does not answer'
}

const start = 'Mend that, or name another wallet: satway config set wallet URI'
const wait = 'Nothing can be paid until that is mended.'
const lookup =
  'After a time-out nobody could tell whether it was paid. Add where it tells: lookup=/…/{hash}'
const token = 'Look at its token: it must allow to pay, and to look payments up.'
const unasked =
  'After a time-out nobody could tell whether it was paid. Let its credential look payments up as well.'
const unclear =
  'Asked about a payment that nobody made, it should say so and name the hash. Look at lookup=: a payment that it never got could stay unknown.'
