import type { DoctorCheck, DoctorReport } from '../../schema/index.ts'
import type { Environment } from '../home.ts'
import { homeOf } from '../home.ts'
import { openPolicyBook } from '../policy-file.ts'
import { checkConfig, checkModes, checkPolicy, checkPolicyOwner } from './file-checks.ts'
import { checkJournal } from './journal-checks.ts'
import { checkClock, checkDisk, checkNode } from './machine-checks.ts'
import { failureOf } from './verdicts.ts'
import { checkNetwork, checkWallet } from './wallet-checks.ts'

/**
 * Looks at everything that a payment depends on. Pays and mends nothing. Receipts that the file still
 * lacks are added to it before it is verified; nothing else is written.
 *
 * @param given - A wallet URI of the command line. Default: the wallet that would pay.
 * @throws {Failure} for a home that cannot be named.
 * @spec agent.md R-AGT-40 to R-AGT-47
 */
export async function examine(
  environment: Environment = process.env,
  given?: string,
): Promise<DoctorReport> {
  const startedAt = { wall: Date.now(), elapsed: performance.now() }
  const home = homeOf(undefined, environment)
  const settings = await checkConfig(home)
  const book = await openPolicyBook(home)
  const {
    checks: walletChecks,
    wallet,
    facts,
  } = await checkWallet(given, settings.config ?? { wallet: 'none' }, environment)
  const realMoney = wallet?.realMoney ?? false
  const journal = await checkJournal(home, settings.config, wallet)
  const jumpMs = Date.now() - startedAt.wall - (performance.now() - startedAt.elapsed)
  const checks = [
    attempt('node', () => checkNode()),
    ...(settings.config === undefined && given === undefined ? [] : walletChecks),
    attempt('network', () => checkNetwork(wallet, facts, book)),
    attempt('policy', () => checkPolicy(book, realMoney)),
    attempt('policy owner', () => checkPolicyOwner(book, realMoney)),
    settings.check,
    ...journal.checks,
    attempt('files', () => checkModes(home)),
    attempt('clock', () =>
      checkClock(Date.now() / 1000, {
        walletSeconds: facts?.nowSeconds,
        journalSeconds: journal.latestSeconds,
        jumpSeconds: jumpMs / 1000,
      }),
    ),
    attempt('disk', () => checkDisk(home.folder)),
  ]
  return { ok: checks.every(({ verdict }) => verdict !== 'failure'), checks }
}

/** One check that cannot be made is a finding, and no end of the others. */
function attempt(name: string, check: () => DoctorCheck): DoctorCheck {
  try {
    return check()
  } catch (error) {
    return failureOf(name, error)
  }
}
