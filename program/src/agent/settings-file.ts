import { extname } from 'node:path'
import { readJsonSource } from './json-source.ts'
import { readPlainYaml } from './plain-yaml.ts'
import type { Rule } from './settings-rules.ts'
import { readBy } from './settings-rules.ts'
import type { Mistake, SourceReading } from './settings-source.ts'
import { readSettingsFile } from './small-file.ts'

/** What a settings file says, or everything that is wrong with it. */
export type SettingsReading<T> = { readonly value: T } | { readonly mistakes: readonly Mistake[] }

/** Reads text as data. */
export type Reader = (text: string) => SourceReading

/** Whether the parser of YAML is needed, which takes its time to load. */
function isYaml(file: string): boolean {
  return extname(file) !== '.json'
}

/** The reader that a file needs. Loads the parser of YAML for a file that is not called `.json`. */
export async function readerFor(file: string): Promise<Reader> {
  if (!isYaml(file)) return readJsonSource
  const { readYamlSource } = await import('./yaml-source.ts')
  return readYamlSource
}

/** Reads what can be read without loading anything. `undefined`: that needs {@link readerFor}. */
export const readAtOnce = (file: string, text: string): SourceReading | undefined =>
  isYaml(file) ? readPlainYaml(text) : readJsonSource(text)

/** Reads the text of a settings file by a rule. */
export function readSettingsText<T>(
  text: string,
  reader: Reader,
  rule: Rule<T>,
): SettingsReading<T> {
  return readSettingsSource(reader(text), rule)
}

/** Reads a document by a rule. */
export function readSettingsSource<T>(source: SourceReading, rule: Rule<T>): SettingsReading<T> {
  return 'mistakes' in source ? source : readBy(rule, source)
}

/**
 * Reads a settings file by a rule.
 *
 * @returns `undefined` when there is none.
 */
export async function readSettings<T>(
  file: string,
  rule: Rule<T>,
): Promise<SettingsReading<T> | undefined> {
  const found = readSettingsFile(file)
  if (found === undefined) return undefined
  if ('problem' in found) return { mistakes: [wholeFile(found.problem)] }
  const { text } = found
  const source = readAtOnce(file, text) ?? (await readerFor(file))(text)
  return readSettingsSource(source, rule)
}

/** A mistake of the file as a whole. */
export function wholeFile(message: string): Mistake {
  return { path: '', line: undefined, column: undefined, message }
}
