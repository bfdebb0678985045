import { readFileSync, statSync } from 'node:fs'
import { Failure } from '../../cli/failure.ts'

/** Longer ones are refused by the reader anyway. In bytes. */
const maxBytes = 4 * 1_048_576

/**
 * Reads a configuration file of a command line.
 *
 * @throws {Failure} when it cannot be read or is not UTF-8.
 */
export function readConfigFile(file: string): string {
  try {
    const facts = statSync(file)
    if (facts.isDirectory()) throw new Failure(`${file} is a folder.`)
    if (facts.size > maxBytes) throw new Failure(`${file} is longer than ${maxBytes} bytes.`)
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    if (error instanceof Failure) throw error
    if (error instanceof TypeError) throw new Failure(`${file} is not UTF-8 text.`)
    throw new Failure(`${file} cannot be read: ${reasonOf(error)}.`)
  }
}

/** Why a file could not be read or written, for people. */
export function reasonOf(error: unknown): string {
  const code: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : ''
  if (code === 'ENOENT') return 'there is no such file or folder'
  if (code === 'ENOTDIR') return 'its folder is none'
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not'
  if (code === 'EEXIST') return 'it is there already'
  return typeof code === 'string' && code !== '' ? code : 'for an unknown reason'
}
