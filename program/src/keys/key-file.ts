import { randomBytes } from 'node:crypto'
import { isL402Error } from 'satway'
import { Failure } from '../cli/failure.ts'
import { withFileLock } from './file-lock.ts'
import {
  createPrivateFile,
  isPrivateMode,
  readPrivateFile,
  readSecretFile,
  replacePrivateFile,
} from './private-file.ts'

/** What may be seen of a key file: never a key. */
export type KeyFileView = {
  readonly file: string
  /** Permission bits. */
  readonly mode: number
  /** Whether it is its owner's alone. */
  readonly isPrivate: boolean
  /** Oldest first; the last one mints. */
  readonly kids: readonly number[]
}

/** One entry of the file. `hex` is a secret and stays in this module. */
type Entry = { readonly kid: number; readonly hex: string }

const maxKeys = 256
/** 256 entries of 68 characters and their commas, and room for white space at the end. */
const maxBytes = 18_000

/**
 * Shows a key file.
 *
 * @throws {Failure} when it is not there or not well formed.
 */
export async function viewKeyFile(file: string): Promise<KeyFileView> {
  const found = readSecretFile(file, maxBytes)
  if (found === undefined) throw missing(file)
  const entries = await parse(file, found.bytes)
  return {
    file,
    mode: found.mode,
    isPrivate: isPrivateMode(found.mode),
    kids: entries.map(({ kid }) => kid),
  }
}

/**
 * Adds a fresh key at the end, where it mints. The others go on to verify what they minted.
 *
 * @param create - Makes the file, with key 1, where there is none.
 * @throws {Failure} when the file is not there, not well formed, not private, or full.
 * @spec gateway.md R-KEY-1 to R-KEY-4
 */
export async function rotateKeyFile(
  file: string,
  { create = false }: { readonly create?: boolean } = {},
): Promise<{ readonly kid: number; readonly kids: readonly number[]; readonly isNew: boolean }> {
  const { parse: check } = await reader()
  return await withFileLock(file, () => {
    const found = readPrivateFile(file, maxBytes)
    if (found === undefined && !create) throw missing(file)
    const entries = found === undefined ? [] : check(file, found)
    const kid = freeKid(file, entries)
    const next = [...entries, { kid, hex: randomBytes(32).toString('hex') }]
    if (found === undefined) createPrivateFile(file, format(next))
    else replacePrivateFile(file, format(next))
    return { kid, kids: next.map((entry) => entry.kid), isNew: found === undefined }
  })
}

/**
 * Removes a key. Every token that was minted under it is refused from the next reload on.
 *
 * @throws {Failure} for the key that mints, and for one that is not there.
 * @spec gateway.md R-KEY-6, R-KEY-7
 */
export async function removeKey(
  file: string,
  kid: number,
): Promise<{ readonly kids: readonly number[] }> {
  const { parse: check } = await reader()
  return await withFileLock(file, () => {
    const found = readPrivateFile(file, maxBytes)
    if (found === undefined) throw missing(file)
    const entries = check(file, found)
    requireRemovable(
      file,
      entries.map((entry) => entry.kid),
      kid,
    )
    const rest = entries.filter((entry) => entry.kid !== kid)
    replacePrivateFile(file, format(rest))
    return { kids: rest.map((entry) => entry.kid) }
  })
}

/** @throws {Failure} unless the key is there and another one mints. */
export function requireRemovable(file: string, kids: readonly number[], kid: number): void {
  if (!kids.includes(kid)) {
    throw new Failure(`${file} has no key ${kid}; it has ${kids.join(', ')}.`)
  }
  if (kids.length === 1) {
    throw new Failure(`Key ${kid} is the only one: without it nothing can be sold.`, {
      advice: `Add another first: satway keys rotate --file ${file}`,
    })
  }
  if (kids.at(-1) === kid) {
    throw new Failure(`Key ${kid} is the one that mints.`, {
      advice: `Add a newer one first: satway keys rotate --file ${file}`,
    })
  }
}

/** The number after the newest; after 255 the lowest that is free. */
function freeKid(file: string, entries: readonly Entry[]): number {
  const newest = entries.at(-1)
  if (newest === undefined) return 1
  const taken = new Set(entries.map(({ kid }) => kid))
  for (let step = 1; step < maxKeys; step++) {
    const kid = (newest.kid + step) % maxKeys
    if (!taken.has(kid)) return kid
  }
  throw new Failure('All 256 numbers of keys are taken.', {
    advice: `Remove an old key first: satway keys revoke KID --yes --file ${file}`,
  })
}

async function parse(file: string, bytes: Buffer): Promise<readonly Entry[]> {
  return (await reader()).parse(file, bytes)
}

/** Loads the library before a lock is taken: nothing is awaited while it is held. */
async function reader(): Promise<{ parse(file: string, bytes: Buffer): readonly Entry[] }> {
  const { parseKeyRing } = await import('satway/server')
  return {
    parse: (file, bytes) => {
      const text = bytes.toString('latin1').replace(/\r?\n$/, '')
      try {
        parseKeyRing(text)
      } catch (error) {
        if (!isL402Error(error)) throw error
        throw new Failure(`${file} is no key file: ${error.details[1]}.`, {
          advice: 'Nothing was changed. It holds kid:hex entries with commas between, on one line.',
        })
      }
      return text.split(',').map((entry) => {
        const colon = entry.indexOf(':')
        return { kid: Number(entry.slice(0, colon)), hex: entry.slice(colon + 1) }
      })
    },
  }
}

function format(entries: readonly Entry[]): string {
  return `${entries.map(({ kid, hex }) => `${kid}:${hex}`).join(',')}\n`
}

function missing(file: string): Failure {
  return new Failure(`There is no key file ${file}.`, {
    advice: `Name the one of your configuration (\`keys: file:…\`) with --file, or make one: satway keys rotate --create --file ${file}`,
  })
}
