import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { formatMsat } from 'satway'
import type { DoctorCheck } from '../../schema/index.ts'
import type { AgentConfig } from '../config-file.ts'
import { readConfigFile } from '../config-file.ts'
import type { Home } from '../home.ts'
import type { PolicyBook } from '../policy-book.ts'
import { formatMistake } from '../settings-source.ts'
import { failure, ok, skipped, warning } from './verdicts.ts'

/** What is in a home that others must not read, nor change. */
const secrets: readonly RegExp[] = [
  /^journal\.key$/,
  /^mcp\.token$/,
  /^wallet-token$/,
  /^devnet\.json$/,
  /^journal\.db(?:-wal|-shm|-journal|\.salvage-[0-9a-f]+)?$/,
]
/** What others may read, and must not change. Names in neither list are not ours to judge. */
const records: readonly RegExp[] = [
  /^receipts(?:\.\d+(?:-\d+)?)?\.jsonl$/,
  /^policy\.(?:yaml|json)$/,
  /^config\.yaml$/,
]

type GuardedFile = { readonly path: string; readonly secret: boolean }

/**
 * Whether anybody else can read secrets, or change what decides about money.
 *
 * @spec agent.md R-AGT-43
 */
export function checkModes(home: Home): DoctorCheck {
  if (process.platform === 'win32') return skipped('files', 'this system keeps no modes')
  const folder = modeOf(home.folder)
  if (folder === undefined) return skipped('files', `there is no ${home.folder} yet`)
  const problems: { readonly text: string; readonly fix: string; readonly isBad: boolean }[] = []
  if ((folder & 0o077) !== 0) {
    const isBad = (folder & 0o022) !== 0
    const what = isBad ? 'changed' : 'looked into'
    problems.push({
      text: `the folder can be ${what} by others`,
      fix: `chmod 700 ${home.folder}`,
      isBad,
    })
  }
  for (const file of ownFiles(home)) {
    const mode = modeOf(file.path)
    if (mode === undefined) continue
    const isOpen = file.secret ? (mode & 0o077) !== 0 : (mode & 0o022) !== 0
    if (!isOpen) continue
    const what = (mode & 0o022) === 0 ? 'read' : 'changed'
    const text = `${basename(file.path)} can be ${what} by others`
    problems.push({ text, fix: `chmod ${file.secret ? '600' : 'go-w'} ${file.path}`, isBad: true })
  }
  if (problems.length === 0) return ok('files', `what is in ${home.folder} is yours alone`)
  const text = problems.map((problem) => problem.text).join('; ')
  const advice = problems.map(({ fix }) => fix).join('; ')
  return problems.some(({ isBad }) => isBad)
    ? failure('files', text, advice)
    : warning('files', text, advice)
}

/** Whether the settings of the agent can be read. */
export async function checkConfig(
  home: Home,
): Promise<{ readonly check: DoctorCheck; readonly config: AgentConfig | undefined }> {
  const reading = await readConfigFile(home.configFile)
  if ('mistakes' in reading) {
    const text = reading.mistakes.map(formatMistake).join('; ')
    const advice = `Mend ${home.configFile}, or take the line out: satway config unset NAME`
    return { check: failure('settings', text, advice), config: undefined }
  }
  const names = Object.keys(reading.value)
  const text = names.length === 0 ? 'none; what is built in holds' : names.join(', ')
  return { check: ok('settings', text), config: reading.value }
}

/**
 * Whether there is a policy that says what the operator wants.
 *
 * @spec agent.md R-AGT-44
 */
export function checkPolicy(book: PolicyBook, realMoney: boolean): DoctorCheck {
  const { file, inForce, mistakes } = book.view()
  if (!inForce) {
    const text = mistakes.map(({ path, message }) => `${path} ${message}`.trim()).join('; ')
    return failure('policy', text, `Nothing is paid until it is right: ${file}`)
  }
  const { maxPaymentMsat, maxTotalMsat } = book.current()
  const limits = `${formatMsat(maxPaymentMsat)} a payment, ${formatMsat(maxTotalMsat)} in all`
  if (file !== null) return ok('policy', `${file}: ${limits}`)
  const text = `there is no file; what is built in is in force: ${limits}`
  if (!realMoney) return ok('policy', text)
  return warning(
    'policy',
    text,
    'The wallet has real money: write limits of your own with satway policy init',
  )
}

/** Whether those who are limited by a policy could change it. */
export function checkPolicyOwner(book: PolicyBook, realMoney: boolean): DoctorCheck {
  const name = 'policy owner'
  const { file } = book.view()
  const owner = file === null ? undefined : ownerOf(file)
  if (owner === undefined) return skipped(name, 'there is no file')
  if (owner !== process.getuid?.())
    return ok(name, 'another user’s: who runs here cannot change it')
  const text = 'this user’s: an agent that runs as this user could change it'
  if (!realMoney) return ok(name, text)
  return warning(
    name,
    text,
    'Run the agent as a user of its own, and name your file to it with SATWAY_POLICY.',
  )
}

function ownFiles(home: Home): readonly GuardedFile[] {
  const inHome = readdirSync(home.folder).flatMap((name): GuardedFile[] => {
    const secret = secrets.some((pattern) => pattern.test(name))
    const isOurs = secret || records.some((pattern) => pattern.test(name))
    return isOurs ? [{ path: join(home.folder, name), secret }] : []
  })
  const isElsewhere = inHome.every(({ path }) => path !== home.policyFile)
  return isElsewhere ? [...inHome, { path: home.policyFile, secret: false }] : inHome
}

function modeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mode
}

function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid
}
