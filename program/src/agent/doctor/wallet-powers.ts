import type { WalletFacts } from 'satway/lightning'
import { describePlace, leastPrivilege } from 'satway/lightning/wallet'
import type { DoctorCheck } from '../../schema/index.ts'
import type { AgentWallet } from '../wallet.ts'
import { failure, ok, skipped, warning } from './verdicts.ts'

/** So many of them are named; a macaroon of an administrator allows dozens. */
const maxNamed = 6

/**
 * What the wallet's credential allows: to pay, and better nothing else.
 *
 * @spec agent.md R-AGT-47
 */
export function checkPowers(
  { kind, url, secretPlace }: AgentWallet,
  facts: WalletFacts | undefined,
): DoctorCheck {
  const name = 'privilege'
  if (kind === 'none' || facts === undefined) return skipped(name, 'the wallet did not tell')
  const { spend, receive, beyond } = facts.powers
  const advice = leastPrivilege(kind, 'pay')
  if (spend === false) return failure(name, 'its credential does not allow to pay', advice)
  if (beyond.length > 0) {
    const named = beyond.slice(0, maxNamed).join(', ')
    const more = beyond.length > maxNamed ? `, and ${beyond.length - maxNamed} more` : ''
    return warning(name, `its credential allows more than to pay: ${named}${more}`, advice)
  }
  if (kind === 'devnet') {
    return ok(name, 'a wallet of the embedded network pays, and does nothing else')
  }
  const isOpen = kind === 'http' && secretPlace === undefined
  if (isOpen && url?.startsWith('http:') === true) {
    return ok(name, 'no token is sent, to this machine')
  }
  if (isOpen) {
    const ask = 'Whoever finds the URL can spend: let the wallet ask for one.'
    return warning(name, 'no token is sent', ask)
  }
  if (spend === undefined) return ok(name, `nobody can tell from here. ${advice}`)
  return ok(name, receive === true ? 'it pays and is paid, and nothing else' : 'it pays, no more')
}

/**
 * Where the wallet's secret is. Whoever can read it there can spend as well.
 *
 * @spec agent.md R-AGT-41
 */
export function checkCredential({ secretPlace }: AgentWallet): readonly DoctorCheck[] {
  const name = 'credential'
  if (secretPlace === undefined) return []
  if (secretPlace.from !== 'env') return [ok(name, `in ${describePlace(secretPlace)}, yours alone`)]
  const text = `in the variable ${secretPlace.name}, which every program started here sees`
  return [warning(name, text, 'Put it into a file of mode 0600, and name that: file:/path')]
}
