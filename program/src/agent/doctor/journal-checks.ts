import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { PaymentEntry } from 'satway/client'
import type { Journal } from 'satway/journal'
import type { DoctorCheck } from '../../schema/index.ts'
import type { AgentConfig } from '../config-file.ts'
import type { Home } from '../home.ts'
import type { AgentWallet } from '../wallet.ts'
import { failure, failureOf, ok, skipped, warning } from './verdicts.ts'

/** What was found in the journal, and the latest moment that it has seen. */
export type JournalFindings = {
  readonly checks: readonly DoctorCheck[]
  readonly latestSeconds: number | undefined
}

/** How many payments without an end are named. */
const maxNamed = 5

/**
 * Whether what must outlive a process is sound. Makes no journal where there is none.
 *
 * @spec agent.md R-AGT-45
 */
export async function checkJournal(
  home: Home,
  config: AgentConfig | undefined,
  wallet: AgentWallet | undefined,
): Promise<JournalFindings> {
  const { journalFile: path, receiptsFile: receiptsPath } = home
  if (!existsSync(path)) {
    const check = skipped('journal', 'there is none yet; the first call makes it')
    return { checks: [check], latestSeconds: undefined }
  }
  const damage = await quickCheck(path)
  if (damage !== undefined) return { checks: [damage], latestSeconds: undefined }
  let journal: Journal
  try {
    const { openJournal } = await import('satway/journal')
    const key = config?.key
    journal = await openJournal({ path, receiptsPath, ...(key !== undefined && { key }) })
  } catch (error) {
    return { checks: [unusable(error)], latestSeconds: undefined }
  }
  try {
    const entries = await journal.ledger.list()
    const checks = [
      ok('journal', `sound; ${count(entries.length, 'payment')}`),
      ok('key', journal.keyPlace),
      await checkUnfinished(journal, wallet),
      ...(await checkUndelivered(journal)),
      ...checkSalvage(path),
      await checkReceipts(journal),
    ]
    return { checks, latestSeconds: latestOf(entries) }
  } catch (error) {
    return { checks: [unusable(error)], latestSeconds: undefined }
  } finally {
    await journal.close()
  }
}

/** SQLite's own look at the file. Reads, and writes nothing. */
async function quickCheck(path: string): Promise<DoctorCheck | undefined> {
  const { DatabaseSync } = await import('node:sqlite')
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
    try {
      const rows = database.prepare('PRAGMA quick_check(1)').all()
      const [answer] = Object.values(rows[0] ?? {})
      if (answer === 'ok') return undefined
      return failure('journal', `${path} is damaged`, damaged)
    } finally {
      database.close()
    }
  } catch (error) {
    const { errstr } = error as { readonly errstr?: string }
    return failure('journal', `${path} cannot be read: ${errstr ?? 'unknown reason'}`, damaged)
  }
}

const damaged =
  'Nothing is paid with it. Keep the file: copy it away, and put a sound copy in its place. Removing it forgets what was paid.'

function unusable(error: unknown): DoctorCheck {
  const { details } = error as { readonly details?: Readonly<Record<string, unknown>> }
  const hint = details?.['hint']
  const check = failureOf('journal', error)
  return typeof hint === 'string' ? { ...check, advice: hint } : check
}

async function checkUnfinished(
  { ledger }: Journal,
  wallet: AgentWallet | undefined,
): Promise<DoctorCheck> {
  const open = await ledger.unfinished()
  if (open.length === 0) return ok('unfinished', 'every payment has ended')
  const named = open.slice(0, maxNamed).map(({ paymentHash, host }) => {
    return `${paymentHash.slice(0, 12)}… at ${host}`
  })
  const more = open.length > maxNamed ? `, and ${open.length - maxNamed} more` : ''
  const text = `${count(open.length, 'payment')} without an end: ${named.join(', ')}${more}`
  const hopeless = open.filter((entry) => isHopeless(entry, wallet))
  if (hopeless.length === 0) {
    return warning('unfinished', text, 'Nothing is lost, and nothing is paid twice: satway resume')
  }
  const oldest = `${text}; ${hopeless.length} older than a day, and the wallet cannot be asked`
  const [{ paymentHash } = { paymentHash: 'HASH' }] = hopeless
  const advice = `Look into the wallet. What was not paid: satway tokens abandon ${paymentHash} --release`
  return warning('unfinished', oldest, advice)
}

/** What was paid for and did not come. */
async function checkUndelivered({ tokens }: Journal): Promise<readonly DoctorCheck[]> {
  const owed = await tokens.latest({ standing: 'owed' })
  if (owed.length === 0) return []
  const named = owed.slice(0, maxNamed).map(({ paymentHash, origin }) => {
    return `${paymentHash.slice(0, 12)}… at ${URL.parse(origin)?.host ?? origin}`
  })
  const more = owed.length > maxNamed ? `, and ${owed.length - maxNamed} more` : ''
  const text = `${count(owed.length, 'purchase')} paid for and not delivered: ${named.join(', ')}${more}`
  const advice =
    'To ask for them again without paying: satway resume. What is given up: satway tokens abandon'
  return [warning('undelivered', text, advice)]
}

/** Whether nobody will ever tell how a payment ended. */
function isHopeless(
  { state, createdAtSeconds }: PaymentEntry,
  wallet: AgentWallet | undefined,
): boolean {
  if (wallet?.payer === undefined || wallet.looksUp || state === 'settled') return false
  return Date.now() / 1000 - createdAtSeconds > daySeconds
}

const daySeconds = 86_400

/** Settlements that wait in files. Those that could be written are in the journal since it was opened. */
function checkSalvage(path: string): readonly DoctorCheck[] {
  const prefix = `${basename(path)}.salvage-`
  const files = readdirSync(dirname(path)).filter((name) => name.startsWith(prefix))
  if (files.length === 0) return []
  const text = `not in the journal: the settlement in ${files.slice(0, maxNamed).join(', ')}`
  return [failure('salvage', text, salvageAdvice)]
}

const salvageAdvice =
  'The file is damaged or of another journal, or the journal cannot be written. Keep it: it may hold the only proof of a payment. What it is for stays set aside: satway resume'

async function checkReceipts({ receipts }: Journal): Promise<DoctorCheck> {
  const { lines, settled, proven, problems } = await receipts.verify()
  if (problems.length > 0) {
    const [first = ''] = problems
    const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`
    return failure('receipts', `${first}${more}`, 'See all of it: satway receipts verify')
  }
  const text = `${count(lines, 'line')}, ${proven} of ${settled} settled payments proven`
  if (proven < settled) return failure('receipts', text, 'See which: satway receipts verify')
  return ok('receipts', text)
}

function latestOf(entries: readonly PaymentEntry[]): number | undefined {
  const moments = entries.flatMap(({ createdAtSeconds, endedAtSeconds }) => {
    return endedAtSeconds === undefined ? [createdAtSeconds] : [createdAtSeconds, endedAtSeconds]
  })
  return moments.length === 0 ? undefined : moments.reduce((a, b) => Math.max(a, b))
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
