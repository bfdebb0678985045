import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { UsageMistake } from '../../cli/failure.ts'
import type { Row } from '../../cli/screen.ts'
import { table } from '../../cli/screen.ts'
import type { Desk } from '../../desk/index.ts'
import { openDesk, requireOperator, writeOne } from '../../desk/index.ts'
import type { AgentConfig, ConfigName } from '../config-file.ts'
import { configNames, readAgentConfig } from '../config-file.ts'
import type { Home } from '../home.ts'
import { homeOf, requireOwnHome } from '../home.ts'

/** Runs `satway config show`. */
export async function runConfigShow(given: Given, desk: Desk = openDesk()): Promise<number> {
  const home = ownHome(desk)
  const config = await readAgentConfig(home)
  const settings = Object.fromEntries(configNames.map((name) => [name, config[name] ?? null]))
  const json = { file: home.configFile, settings }
  writeOne(given, desk, json, () => {
    const rows = configNames.map((name): Row => {
      const value = config[name]
      return value === undefined
        ? [name, usual(name, home), desk.screen.dim]
        : [name, String(value)]
    })
    return `${desk.screen.bold(home.configFile)}\n${table(desk.screen, rows)}`
  })
  return exitCodes.ok
}

/** Runs `satway config path`. */
export async function runConfigPath(_given: Given, desk: Desk = openDesk()): Promise<number> {
  desk.screen.write(`${homeOf(undefined, desk.environment).configFile}\n`)
  return exitCodes.ok
}

/** Runs `satway config get`. Exit code 1 and nothing written: it is not set. */
export async function runConfigGet(given: Given, desk: Desk = openDesk()): Promise<number> {
  const { readConfigName } = await import('../config-edit.ts')
  const name = readConfigName(given.operands[0] ?? '')
  const config: AgentConfig = await readAgentConfig(ownHome(desk))
  const value = config[name]
  if (value === undefined) return exitCodes.failed
  desk.screen.write(`${value}\n`)
  return exitCodes.ok
}

/** Runs `satway config set`. */
export async function runConfigSet(given: Given, desk: Desk = openDesk()): Promise<number> {
  requireOperator(desk, 'change the settings')
  const { editConfig, readConfigName, readConfigValue } = await import('../config-edit.ts')
  const [first = '', text] = given.operands
  const name = readConfigName(first)
  if (text === undefined) throw new UsageMistake('VALUE is missing')
  const home = ownHome(desk)
  const isNew = await editConfig(home, name, readConfigValue(name, text))
  desk.notes.write(isNew ? `${name} is set in ${home.configFile}.\n` : `${name} was so already.\n`)
  return exitCodes.ok
}

/** Runs `satway config unset`. */
export async function runConfigUnset(given: Given, desk: Desk = openDesk()): Promise<number> {
  requireOperator(desk, 'change the settings')
  const { editConfig, readConfigName } = await import('../config-edit.ts')
  const name = readConfigName(given.operands[0] ?? '')
  const home = ownHome(desk)
  const isNew = await editConfig(home, name, undefined)
  desk.notes.write(isNew ? `${name} is no longer set.\n` : `${name} was not set.\n`)
  return exitCodes.ok
}

/** What holds where nothing is set. */
function usual(name: ConfigName, home: Home): string {
  const values: Readonly<Record<ConfigName, string>> = {
    wallet: 'not set: SATWAY_WALLET, then a running demo',
    key: 'auto: the system’s keychain, or a file beside the journal',
    downloads: home.downloadFolder,
    downloads_max_mib: '2048',
    approval_wait_seconds: '0: a call does not wait for an approval',
  }
  return values[name]
}

function ownHome({ environment }: Desk): Home {
  const home = homeOf(undefined, environment)
  requireOwnHome(home)
  return home
}
