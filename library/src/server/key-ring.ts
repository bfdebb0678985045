import { decodeHex, hmacSha256 } from '../bytes/index.ts'
import { L402Error } from '../errors.ts'

/**
 * Master keys by id (`kid`). The newest mints; all of them verify.
 *
 * Rotating is adding a key at the end. Removing a key ends every token that was minted under it.
 *
 * @spec server.md R-SRV-1 to R-SRV-4
 */
export type KeyRing = {
  /** From 0 to 255. */
  readonly newestKid: number
  /** HMAC-SHA256(master[kid], identifier), or `undefined` for an unknown kid. 32 bytes. */
  rootKey(identifier: Uint8Array): Uint8Array | undefined
}

const identifierBytes = 66
const kidPosition = 34
const keyBytes = 32
const maxKeys = 256

const exampleKeys = '[{ kid: 1, key: <32 random bytes> }]'
const makingOne =
  `make one with: node -e "console.log('1:' + require('node:crypto').randomBytes(32).toString('hex'))"` +
  ' and keep it secret (docs/selling.md)'

/** Holds the keys where neither a log nor JSON reaches them. */
class MasterKeys implements KeyRing {
  readonly newestKid: number
  readonly #keys: ReadonlyMap<number, Uint8Array>

  constructor(keys: ReadonlyMap<number, Uint8Array>, newestKid: number) {
    this.#keys = keys
    this.newestKid = newestKid
  }

  rootKey(identifier: Uint8Array): Uint8Array | undefined {
    // Only identifiers of the one form that is minted here have a key.
    if (identifier.length !== identifierBytes || identifier[0] !== 0 || identifier[1] !== 0) {
      return undefined
    }
    const master = this.#keys.get(identifier[kidPosition]!)
    return master === undefined ? undefined : hmacSha256(master, identifier)
  }

  toJSON(): { readonly newestKid: number; readonly kids: readonly number[] } {
    return { newestKid: this.newestKid, kids: [...this.#keys.keys()] }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `KeyRing ${JSON.stringify(this)}`
  }
}

/**
 * Makes a key ring. The keys are copied.
 *
 * @param keys - Oldest first; the last one mints. Each key is 32 random bytes, each kid 0 to 255.
 * @throws {L402Error} CONFIG_INVALID for no key, a repeated or impossible kid, a key of another
 *   length, or one that is all zeros.
 * @spec server.md R-SRV-1, R-SRV-3
 */
export function createKeyRing(
  keys: readonly { readonly kid: number; readonly key: Uint8Array }[],
): KeyRing {
  if (!Array.isArray(keys)) throw invalid(`keys: expected a list, such as ${exampleKeys}`)
  const ring = new Map<number, Uint8Array>()
  for (const [index, entry] of keys.entries()) {
    const path = `keys[${index}]`
    if (typeof entry !== 'object' || entry === null) throw invalid(`${path}: expected { kid, key }`)
    const { kid, key } = entry
    if (!Number.isInteger(kid) || kid < 0 || kid > 255)
      throw invalid(`${path}.kid: expected 0 to 255`)
    if (ring.has(kid)) throw invalid(`${path}.kid: ${kid} is there already`)
    if (!(key instanceof Uint8Array) || key.length !== keyBytes) {
      throw invalid(`${path}.key: expected 32 bytes`)
    }
    // What a buffer holds that nobody filled.
    if (key.every((byte) => byte === 0)) {
      throw invalid(`${path}.key: expected 32 random bytes, and all of them are zero`)
    }
    ring.set(kid, key.slice())
  }
  const newest = keys.at(-1)
  if (newest === undefined) throw invalid(`keys: expected at least one, such as ${exampleKeys}`)
  return new MasterKeys(ring, newest.kid)
}

/**
 * Reads a key ring: `1:<64 hex>,2:<64 hex>`. The last one mints.
 *
 * Nothing of the text is repeated in an error: it is made of keys.
 *
 * @param text - Nothing but entries and commas: no spaces, no line end, kids without leading zeros.
 *   A variable of the environment may be given as it is; when it is not set, the error says how to
 *   make a key.
 * @throws {L402Error} CONFIG_INVALID for anything else.
 * @spec server.md R-SRV-3
 * @example
 * const keys = parseKeyRing(process.env['L402_KEYS'])
 */
export function parseKeyRing(text: string | undefined): KeyRing {
  if (text === undefined || text === '') throw invalid(`keys: not set; ${makingOne}`)
  if (typeof text !== 'string') throw invalid(`keys: expected text; ${makingOne}`)
  const entries = text.split(',', maxKeys + 1)
  if (entries.length > maxKeys) throw invalid('keys: expected at most 256')
  return createKeyRing(
    entries.map((entry, index) => {
      if (/^\s|\s$/.test(entry)) {
        throw invalid(`keys[${index}]: white space or a line end before or after it; take it out`)
      }
      const match = /^(0|[1-9]\d{0,2}):([\da-fA-F]{64})$/.exec(entry)
      if (match === null) throw invalid(`keys[${index}]: expected a kid, a colon and 64 hex digits`)
      return { kid: Number(match[1]), key: decodeHex(match[2]!) }
    }),
  )
}

function invalid(mistake: string): L402Error {
  return new L402Error('CONFIG_INVALID', { 1: mistake })
}
