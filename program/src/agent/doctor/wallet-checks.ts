import { randomBytes } from 'node:crypto'
import { isL402Error, paymentHash } from 'satway'
import type { DoctorCheck } from '../../schema/index.ts'
import type { AgentConfig } from '../config-file.ts'
import type { Environment } from '../home.ts'
import type { PolicyBook } from '../policy-book.ts'
import type { Wallet } from '../wallet.ts'
import { openWallet, walletAdvice } from '../wallet.ts'
import { failure, failureOf, ok, skipped, warning } from './verdicts.ts'

/** What was found about the wallet, and the time that its server says it is. */
export type WalletFindings = {
  readonly checks: readonly DoctorCheck[]
  readonly wallet: Wallet | undefined
  readonly serverSeconds: number | undefined
}

const patienceMs = 5000

/**
 * Whether the wallet answers, for which network, and how much it may do. Nothing is paid: it is asked
 * about a payment that nobody made.
 *
 * @spec agent.md R-AGT-40, R-AGT-41
 */
export async function checkWallet(
  config: AgentConfig,
  environment: Environment,
): Promise<WalletFindings> {
  let serverSeconds: number | undefined
  const fetchDated = async (url: string, init: RequestInit): Promise<Response> => {
    const response = await fetch(url, init)
    serverSeconds = secondsOf(response.headers.get('date')) ?? serverSeconds
    return response
  }
  let wallet: Wallet
  try {
    wallet = await openWallet(undefined, { config, environment, fetch: fetchDated })
  } catch (error) {
    return { checks: [failureOf('wallet', error)], wallet: undefined, serverSeconds }
  }
  if (wallet.payer === undefined) {
    const text = wallet.namedBy === undefined ? 'there is none' : `${wallet.namedBy} says none`
    const check = warning(
      'wallet',
      `${text}: what is free and what was bought goes on`,
      walletAdvice,
    )
    return { checks: [check], wallet, serverSeconds }
  }
  const checks = [await checkAnswer(wallet, fetchDated), checkMoney(wallet), checkPrivilege(wallet)]
  return { checks, wallet, serverSeconds }
}

/** Whether the policy lets anything be paid on the wallet's network. */
export function checkNetwork(wallet: Wallet | undefined, book: PolicyBook): DoctorCheck {
  const network = wallet?.network
  if (network === undefined) return skipped('network', 'there is no wallet')
  if (!book.view().inForce) return skipped('network', `${network}; the policy cannot be read`)
  const { networks } = book.current()
  if (networks?.includes(network) ?? true) return ok('network', network)
  const text = `the wallet pays on ${network}, and the policy allows ${networks?.join(', ')}`
  return failure('network', text, 'Nothing can be paid. Name another wallet, or change `networks`.')
}

async function checkAnswer(
  { payer, kind, url, namedBy, looksUp }: Wallet,
  fetchDated: (url: string, init: RequestInit) => Promise<Response>,
): Promise<DoctorCheck> {
  const which = `${kind}, named by ${namedBy}`
  const signal = AbortSignal.timeout(patienceMs)
  let isThere = false
  try {
    // An answer of whatever status: the place is there. Without the token, and no order.
    if (url !== undefined) {
      await (await fetchDated(url, { signal, redirect: 'manual' })).body?.cancel()
      isThere = true
    }
    await payer?.lookupPayment(paymentHash(randomBytes(32)), signal)
  } catch (error) {
    const reason = isL402Error(error) ? error.details['reason'] : undefined
    const why = typeof reason === 'string' ? `: ${reason}` : ''
    if (!isThere) {
      const advice = 'Start it, or name another: satway config set wallet URI'
      return failure('wallet', `${which}; it does not answer${why}`, advice)
    }
    if (/\b40[13]$/.test(why)) return failure('wallet', `${which}; it refuses us${why}`, token)
    return warning('wallet', `${which}; it answers, and not about payments${why}`, unclear)
  }
  if (looksUp) return ok('wallet', `${which}; it answers`)
  return warning('wallet', `${which}; it answers, and cannot be asked about payments`, lookup)
}

const lookup =
  'After a time-out nobody could tell whether it was paid. Add where it tells: lookup=/…/{hash}'
const token = 'Look at its token: it must allow to pay, and to look payments up.'
const unclear =
  'Asked about a payment that nobody made, it should say so and name the hash. Look at lookup=: a payment that it never got could stay unknown.'

function checkMoney({ realMoney, network }: Wallet): DoctorCheck {
  if (realMoney) return ok('money', 'real money')
  return ok('money', `no real money: ${network}`)
}

/** What can be told from here of what the wallet's credential may do. */
function checkPrivilege({ kind, url, tokenPlace }: Wallet): DoctorCheck {
  const name = 'privilege'
  if (kind === 'devnet')
    return ok(name, 'a wallet of the embedded network pays, and does nothing else')
  const isNear = url?.startsWith('http:') === true
  if (tokenPlace === undefined) {
    if (isNear) return ok(name, 'no token is sent, to this machine')
    return warning(
      name,
      'no token is sent',
      'Whoever finds the URL can spend: let the wallet ask for one.',
    )
  }
  if (tokenPlace.from === 'env') {
    const text = `the token is in the variable ${tokenPlace.name}, which every program started here sees`
    return warning(name, text, 'Put it into a file of mode 0600, and name that: token=file:/path')
  }
  return ok(
    name,
    `the token is in ${tokenPlace.path}, yours alone; let it pay and look up, and nothing else`,
  )
}

function secondsOf(date: string | null): number | undefined {
  const milliseconds = Date.parse(date ?? '')
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000
}
