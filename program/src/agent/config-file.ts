import { Failure } from '../cli/failure.ts'
import type { Home } from './home.ts'
import type { SettingsReading } from './settings-file.ts'
import { readSettings } from './settings-file.ts'
import type { Members, Rule } from './settings-rules.ts'
import { mapping, oneOf, whole } from './settings-rules.ts'
import { formatMistake } from './settings-source.ts'
import { readWalletName } from './wallet-name.ts'

/** How the wallet is named in the file: nothing in it depends on where a command runs. */
const walletRule: Rule<string> = (value, path, report) => {
  if (typeof value !== 'string') {
    report(
      path,
      'expected text, such as "lnd://127.0.0.1:8080?macaroon=file:/home/me/pay.macaroon"',
    )
    return undefined
  }
  const wallet = readWalletName(value)
  if ('problem' in wallet) report(path, wallet.problem)
  else if (wallet.kind === 'devnet' && !isFixedPath(wallet.file)) {
    report(path, 'names a file without its place: begin it with / or ~/')
  }
  return value
}

const pathRule: Rule<string> = (value, path, report) => {
  if (typeof value === 'string' && isFixedPath(value) && !value.includes('\0')) return value
  report(path, 'expected a path that begins with / or ~/')
  return undefined
}

/** The longest that a call waits for an answer of the operator, in seconds. */
export const maxApprovalWaitSeconds = 3600

/** The most that the download folder may be allowed to hold: 1 TiB. */
const maxDownloadsMib = 1_048_576
const defaultDownloadsMib = 2048

const configRules = {
  wallet: walletRule,
  key: oneOf('auto', 'keychain', 'file'),
  downloads: pathRule,
  downloads_max_mib: whole(1, maxDownloadsMib),
  approval_wait_seconds: whole(0, maxApprovalWaitSeconds),
}

/** The agent's settings that are no limits: those are the policy's. */
export type AgentConfig = Members<typeof configRules>
export type ConfigName = keyof typeof configRules

/** How much the download folder may hold. */
export function downloadsMaxBytes({ downloads_max_mib: mib }: AgentConfig): number {
  return (mib ?? defaultDownloadsMib) * 1024 ** 2
}

/** In the order in which they are shown. */
export const configNames = Object.keys(configRules) as readonly ConfigName[]

/**
 * Everything that `config.yaml` may say.
 *
 * @spec agent.md R-AGT-5
 */
export const configRule: Rule<AgentConfig> = (value, path, report) =>
  value === null ? {} : mapping(configRules)(value, path, report)

/** Reads the settings, or everything that is wrong with them. Without a file there are none. */
export async function readConfigFile(file: string): Promise<SettingsReading<AgentConfig>> {
  return (await readSettings(file, configRule)) ?? { value: {} }
}

/**
 * Reads the agent's settings.
 *
 * @throws {Failure} that names the first mistake.
 * @spec agent.md R-AGT-5
 */
export async function readAgentConfig(home: Pick<Home, 'configFile'>): Promise<AgentConfig> {
  const reading = await readConfigFile(home.configFile)
  if ('value' in reading) return reading.value
  throw unsoundConfig(home.configFile, reading.mistakes.map(formatMistake))
}

/** @param mistakes - One or more. */
export function unsoundConfig(file: string, mistakes: readonly string[]): Failure {
  const more = mistakes.length === 1 ? '' : ` (and ${mistakes.length - 1} more)`
  return new Failure(`${file}: ${mistakes[0]}${more}`, {
    advice: 'Nothing was done. Mend the file, or take the line out: satway config unset NAME',
  })
}

function isFixedPath(path: string): boolean {
  return path.startsWith('/') || path.startsWith('~/')
}
