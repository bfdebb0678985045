import { existsSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { UsageMistake } from '../cli/failure.ts'
import { withFileLock } from '../keys/file-lock.ts'
import { createPrivateFile, replacePrivateFile } from '../keys/private-file.ts'
import type { ConfigName } from './config-file.ts'
import { configNames, configRule, unsoundConfig } from './config-file.ts'
import type { Home } from './home.ts'
import { makeHome } from './home.ts'
import { readSettingsText } from './settings-file.ts'
import { unknownName } from './settings-rules.ts'
import { formatMistake } from './settings-source.ts'
import { readSettingsFile } from './small-file.ts'
import { readYamlSource } from './yaml-source.ts'

const heading = ' Settings of the agent: satway config set NAME VALUE. Limits are in policy.yaml.\n'

/**
 * Puts one setting into the file, or takes it out. Comments and everything else stay as they are;
 * whoever reads at this moment sees the old file or the new one.
 *
 * @param value - `undefined` takes it out.
 * @returns whether anything changed.
 * @throws {UsageMistake} for a value that is none.
 * @throws {Failure} when the file has mistakes that would stay in it, or cannot be written.
 * @spec agent.md R-AGT-6, R-AGT-7
 */
export async function editConfig(
  home: Pick<Home, 'folder' | 'configFile'>,
  name: ConfigName,
  value: string | number | undefined,
): Promise<boolean> {
  makeHome(home)
  return await withFileLock(home.configFile, () => {
    const file = home.configFile
    const found = readSettingsFile(file)
    if (found !== undefined && 'problem' in found) throw unsoundConfig(file, [found.problem])
    const before = found?.text ?? ''
    const after = edited(file, before, name, value)
    if (after === before) return false
    if (existsSync(file)) replacePrivateFile(file, after)
    else createPrivateFile(file, after)
    return true
  })
}

/**
 * Reads the name of a setting.
 *
 * @throws {UsageMistake} for any other.
 */
export function readConfigName(text: string): ConfigName {
  const name = configNames.find((candidate) => candidate === text)
  if (name !== undefined) return name
  throw new UsageMistake(`${JSON.stringify(text.slice(0, 40))} ${unknownName(text, configNames)}`)
}

/** Reads what somebody wrote on the command line. The file's own check judges it. */
export function readConfigValue(name: ConfigName, text: string): string | number {
  const isNumber = name === 'approval_wait_seconds' || name === 'downloads_max_mib'
  if (isNumber && /^\d{1,7}$/.test(text)) return Number(text)
  return text
}

function edited(
  file: string,
  before: string,
  name: ConfigName,
  value: string | number | undefined,
): string {
  const document = parseDocument(before, { logLevel: 'error', version: '1.2' })
  if (document.errors.length > 0) {
    const reading = readYamlSource(before)
    throw unsoundConfig(
      file,
      'mistakes' in reading ? reading.mistakes.map(formatMistake) : ['has mistakes'],
    )
  }
  if (value === undefined) {
    if (!document.has(name)) return before
    document.delete(name)
  } else {
    if (document.get(name) === value) return before
    if (document.contents === null) document.commentBefore = heading.trimEnd()
    document.set(name, value)
  }
  const after = document.toString({ lineWidth: 0 })
  const reading = readSettingsText(after, readYamlSource, configRule)
  if ('value' in reading) return after
  const [first] = reading.mistakes
  if (first?.path === name) throw new UsageMistake(`${name}: ${first.message}`)
  throw unsoundConfig(file, reading.mistakes.map(formatMistake))
}
