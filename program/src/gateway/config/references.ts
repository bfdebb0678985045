import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Finding, Path } from './mistakes.ts'
import { shown } from './mistakes.ts'

/** Where a configuration is read: what its references refer to. */
export type Where = {
  /** The configuration file. Paths in it are relative to its folder. */
  readonly file: string
  readonly env: NodeJS.ProcessEnv
}

/** Stands for a text whose reference could not be followed: that was reported, no more is said. */
export const unresolved: unique symbol = Symbol('unresolved')

/**
 * - `name`: taken as it is.
 * - `secret`: a file it comes from must be its owner's alone.
 * - `secret-reference`: the same, and the secret itself must not stand in the document.
 */
export type TextKind = 'name' | 'text' | 'secret' | 'secret-reference'

export type ReferenceRules = {
  /** `api`: a document that came over the network reads no files, and of the environment `SATWAY_…`. */
  readonly origin: 'file' | 'api'
  readonly where: Where
  readonly kindOf: (path: Path) => TextKind
}

export type Resolved = {
  readonly value: unknown
  /** The files that texts came from, absolute, by their position (names joined by line breaks). */
  readonly files: ReadonlyMap<string, string>
}

/** A certificate chain with everything that belongs to it is a tenth of this. */
const maxFileBytes = 1_048_576
const maxDepth = 32
const maxValues = 100_000

/**
 * Follows `${NAME}` and `file:PATH` in every text of a document. `$${` stands for `${`. What an
 * environment variable or a file says is not looked at for references again.
 *
 * @spec gateway.md R-CONF-5, R-CONF-6, R-CONF-16
 */
export function resolveReferences(
  document: unknown,
  base: Path,
  rules: ReferenceRules,
  findings: Finding[],
): Resolved {
  const files = new Map<string, string>()
  let values = 0
  const walk = (value: unknown, path: Path): unknown => {
    values += 1
    if (values === maxValues + 1) findings.push({ path, message: `more than ${maxValues} values` })
    if (values > maxValues) return unresolved
    if (path.length > base.length + maxDepth) {
      findings.push({ path: path.slice(0, base.length + 2), message: 'is nested too deeply' })
      return unresolved
    }
    if (typeof value === 'string') return resolveText(value, path, rules, findings, files)
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    const copy: Record<string, unknown> = {}
    for (const [name, member] of Object.entries(value)) {
      // Only JSON can bring it here; a copy must not take it as its prototype.
      if (name === '__proto__') {
        findings.push({ path, message: '__proto__ cannot be used as a name' })
      } else copy[name] = walk(member, [...path, name])
    }
    return copy
  }
  return { value: walk(document, base), files }
}

function resolveText(
  text: string,
  path: Path,
  rules: ReferenceRules,
  findings: Finding[],
  files: Map<string, string>,
): unknown {
  const kind = rules.kindOf(path)
  if (kind === 'name') return text
  try {
    if (!text.startsWith('file:')) return readText(text, kind, rules)
    if (rules.origin === 'api') {
      throw new BrokenReference('file: references are read in the configuration file only')
    }
    const written = text.slice('file:'.length)
    const file = absolutePath(substitute(written, rules), rules.where)
    files.set(path.join('\n'), file)
    const isPublic = kind === 'text'
    return readReferenced(file, nameOf(written, rules.where), isPublic)
  } catch (error) {
    if (!(error instanceof BrokenReference)) throw error
    findings.push({ path, message: error.message })
    return unresolved
  }
}

/** Why a reference cannot be followed. */
class BrokenReference extends Error {}

function readText(text: string, kind: TextKind, rules: ReferenceRules): string {
  if (kind === 'secret-reference' && !/(?<!\$)\$\{/.test(text)) {
    const file = rules.origin === 'file' ? 'file:PATH or ' : ''
    const name = rules.origin === 'file' ? 'NAME' : 'SATWAY_NAME'
    throw new BrokenReference(`a secret does not belong in here: write ${file}\${${name}}`)
  }
  return substitute(text, rules)
}

function substitute(text: string, { origin, where }: ReferenceRules): string {
  return text.replace(/\$\$\{|\$\{([^}]*)(\}?)/g, (found, name: string, end: string) => {
    if (found === '$${') return '${'
    if (end === '' || !/^[A-Za-z_][A-Za-z0-9_]{0,255}$/.test(name)) {
      throw new BrokenReference(
        // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a reference is written
        'expected ${NAME} of letters, digits and _; write $${ for the characters themselves',
      )
    }
    if (origin === 'api' && !name.startsWith('SATWAY_')) {
      throw new BrokenReference(
        `the admin API refers to environment variables that start with SATWAY_ only, not to ${shown(name)}`,
      )
    }
    const value = Object.hasOwn(where.env, name) ? where.env[name] : undefined
    if (value === undefined) throw new BrokenReference(`environment variable ${name} is not set`)
    if (value === '') throw new BrokenReference(`environment variable ${name} is empty`)
    return value
  })
}

/** Resolves a path as the configuration has it: `~/` is the home, the rest relative to the file. */
export function absolutePath(path: string, where: Where): string {
  const home = where.env['HOME'] || homedir()
  if (path.startsWith('~/')) return join(home, path.slice(2))
  return resolve(dirname(where.file), path)
}

/** How a file is called in messages: never with what a variable says. */
function nameOf(written: string, where: Where): string {
  if (written.includes('${') || written.startsWith('~/')) return written.slice(0, 200)
  const folder = dirname(where.file)
  return (written.startsWith('/') ? written : join(folder, written)).slice(0, 200)
}

/** @throws {BrokenReference} */
function readReferenced(file: string, name: string, isPublic: boolean): string {
  let descriptor: number
  try {
    // A pipe without a writer would keep an ordinary open waiting.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    throw new BrokenReference(`${shown(name)}: ${whyUnreadable(error)}`)
  }
  try {
    const facts = fstatSync(descriptor)
    if (!facts.isFile()) throw new BrokenReference(`${shown(name)}: is not a regular file`)
    if (!isPublic && process.platform !== 'win32' && (facts.mode & 0o077) !== 0) {
      throw new BrokenReference(
        `${shown(name)}: holds a secret that others than its owner can read; run: chmod 600 ${name}`,
      )
    }
    const bytes = readUpTo(descriptor, maxFileBytes)
    if (bytes === undefined) throw new BrokenReference(`${shown(name)}: is larger than 1 MiB`)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch (error) {
    if (error instanceof BrokenReference) throw error
    if (error instanceof TypeError) throw new BrokenReference(`${shown(name)}: is not UTF-8 text`)
    throw new BrokenReference(`${shown(name)}: ${whyUnreadable(error)}`)
  } finally {
    closeSync(descriptor)
  }
}

function readUpTo(descriptor: number, most: number): Uint8Array | undefined {
  const buffer = new Uint8Array(most + 1)
  let length = 0
  while (length <= most) {
    const read = readSync(descriptor, buffer, length, buffer.length - length, null)
    if (read === 0) return buffer.subarray(0, length)
    length += read
  }
  return undefined
}

function whyUnreadable(error: unknown): string {
  const code: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : ''
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file'
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user'
  if (code === 'ERR_INVALID_ARG_VALUE') return 'is no path'
  return `cannot be read (${typeof code === 'string' ? code : 'unknown reason'})`
}
