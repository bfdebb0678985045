import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { KeyChoice } from './journal.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'
import type { Keychain } from './keychain.ts'
import type { KeyKind, SealRecord } from './seal-record.ts'
import { formatSealRecord, readSealRecord } from './seal-record.ts'
import { unavailable, unusable } from './unusable.ts'

/**
 * Encrypts what must not be read by whoever finds the file: AES-256-GCM.
 *
 * The context binds a value to its place, such as `tokens.preimage:<id>`: moved to another table,
 * column or row it does not open.
 */
export type Seal = {
  /** @returns A version byte, 12 bytes of nonce, as many bytes as the text has, 16 bytes of tag. */
  seal(plain: string, context: string): Uint8Array
  /** @throws {L402Error} JOURNAL_UNUSABLE for another key or context, and for altered bytes. */
  open(sealed: Uint8Array, context: string): string
}

/** Small text values that the journal remembers about itself. */
export type Meta = {
  get(name: string): string | undefined
  set(name: string, value: string): void
}

export type SealOptions = {
  /** The folder of the journal. A key file lies in it as `journal.key`. */
  readonly folder: string
  readonly choice: KeyChoice
  /** Runs `work` in one durable transaction of the journal. */
  readonly meta: <Result>(work: (meta: Meta) => Result) => Promise<Result>
  /** Default: the one of this system. */
  readonly keychain?: Keychain
}

export type OpenedSeal = {
  readonly seal: Seal
  /** Where the key is, for people. */
  readonly place: string
}

const keyBytes = 32
const version = 1
const nonceBytes = 12
const tagBytes = 16
const recordName = 'seal'
const checkContext = 'meta.seal'
const checkText = 'satway journal'

/** @throws {RangeError} unless the key is 32 bytes long. */
export function createSeal(givenKey: Uint8Array): Seal {
  if (givenKey.length !== keyBytes) throw new RangeError('key: expected 32 bytes')
  // A copy, in a form that ciphers take four times as fast as bytes.
  const key = createSecretKey(givenKey)
  return {
    seal(plain, context) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(boundTo(context))
      const head = Buffer.of(version)
      const body = cipher.update(plain, 'utf8')
      return new Uint8Array(Buffer.concat([head, nonce, body, cipher.final(), cipher.getAuthTag()]))
    },
    open(sealed, context) {
      if (sealed.length < 1 + nonceBytes + tagBytes || sealed[0] !== version) throw altered()
      const bodyAt = 1 + nonceBytes
      const tagAt = sealed.length - tagBytes
      const nonce = sealed.subarray(1, bodyAt)
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
      decipher.setAAD(boundTo(context))
      decipher.setAuthTag(sealed.subarray(tagAt))
      try {
        const plain = decipher.update(sealed.subarray(bodyAt, tagAt))
        return Buffer.concat([plain, decipher.final()]).toString('utf8')
      } catch (error) {
        throw altered(error)
      }
    },
  }
}

/**
 * Finds the key that a journal was made with, or makes one for a new journal. A journal remembers
 * the kind of its key and a value to check it by: a wrong or missing key is noticed here, and never
 * replaced by a new one.
 *
 * Of several processes that make a journal at once, all end with the same key.
 *
 * @throws {L402Error} JOURNAL_UNUSABLE when the key is gone, locked away, or another one.
 * @throws {L402Error} STORE_UNAVAILABLE when a new key cannot be kept where it was asked for.
 * @throws {RangeError} for a key of the caller's own that is not 32 bytes long.
 */
export async function openSeal(options: SealOptions): Promise<OpenedSeal> {
  if (options.choice instanceof Uint8Array) createSeal(options.choice)
  const known = await options.meta((meta) => meta.get(recordName))
  if (known !== undefined) return reopen(options, readSealRecord(known))

  const fresh = await freshKey(options)
  const seal = createSeal(fresh.key)
  const record = formatSealRecord({
    kind: fresh.kind,
    reference: fresh.reference,
    check: Buffer.from(seal.seal(checkText, checkContext)).toString('base64'),
  })
  const earlier = await options.meta((meta) => {
    const other = meta.get(recordName)
    if (other === undefined) meta.set(recordName, record)
    return other
  })
  if (earlier === undefined) return { seal, place: placeOf(options.folder, fresh.kind) }
  // Another process was faster: its key is the journal's.
  await fresh.forget?.()
  return reopen(options, readSealRecord(earlier))
}

type FreshKey = {
  readonly kind: KeyKind
  readonly key: Uint8Array
  readonly reference: string
  readonly forget?: () => Promise<void>
}

async function freshKey(options: SealOptions): Promise<FreshKey> {
  const { choice, folder } = options
  if (choice instanceof Uint8Array) return { kind: 'own', key: choice, reference: '' }
  if (choice === 'file') return fromFile(folder)
  // A key file that is there already was meant, or was made by a process that came no further.
  if (choice === 'auto' && readKeyFile(keyFileOf(folder)) !== undefined) return fromFile(folder)
  return (await fromKeychain(options)) ?? fromFile(folder)
}

function fromFile(folder: string): FreshKey {
  const file = keyFileOf(folder)
  return { kind: 'file', key: readKeyFile(file) ?? createKeyFile(file), reference: '' }
}

async function fromKeychain(options: SealOptions): Promise<FreshKey | undefined> {
  const keychain = await keychainOf(options)
  const key = randomBytes(keyBytes)
  const reference = await keychain?.store(Uint8Array.from(key))
  if (keychain !== undefined && reference !== undefined) {
    const found = await keychain.load(reference)
    if (found.status === 'found' && key.equals(found.key)) {
      return { kind: keychain.kind, key, reference, forget: () => keychain.forget(reference) }
    }
    await keychain.forget(reference)
  }
  if (options.choice === 'auto') return undefined
  throw unavailable(
    'keychain',
    "no keychain of this system answers; log in to its session, or choose a key file: key: 'file'",
  )
}

async function reopen(options: SealOptions, record: SealRecord): Promise<OpenedSeal> {
  const { choice, folder } = options
  if (choice instanceof Uint8Array) return checked(choice, record, 'the key that was given')
  if (record.kind === 'own') {
    throw unusable('key-missing', 'open the journal with the key of your own that it was made with')
  }
  if (choice !== 'auto' && (choice === 'file') !== (record.kind === 'file')) {
    const place = placeOf(folder, record.kind)
    throw unusable(
      'key-kind',
      `the journal is sealed with the key in ${place}; open it with 'auto'`,
    )
  }
  const key = record.kind === 'file' ? keyOfFile(folder) : await keyOfKeychain(options, record)
  return checked(key, record, placeOf(folder, record.kind))
}

function keyOfFile(folder: string): Uint8Array {
  const file = keyFileOf(folder)
  const key = readKeyFile(file)
  if (key === undefined) throw unusable('key-missing', `restore ${file} from your backup`)
  return key
}

async function keyOfKeychain(options: SealOptions, record: SealRecord): Promise<Uint8Array> {
  const keychain = await keychainOf(options)
  const place = placeOf(options.folder, record.kind)
  if (keychain?.kind !== record.kind) {
    throw unusable('key-missing', `open the journal on the system it was made on: ${place}`)
  }
  const found = await keychain.load(record.reference)
  if (found.status === 'found') return found.key
  if (found.status === 'missing') {
    throw unusable('key-missing', `restore the entry "Satway journal" of the ${place}`)
  }
  throw unusable('key-locked', `unlock the ${place} in the session of its user, and try again`)
}

function checked(key: Uint8Array, record: SealRecord, place: string): OpenedSeal {
  const seal = createSeal(key)
  try {
    seal.open(Buffer.from(record.check, 'base64'), checkContext)
  } catch (error) {
    const hint = `the journal was made with another key; restore that key: ${place}`
    throw unusable('key-wrong', hint, {}, error)
  }
  return { seal, place }
}

function placeOf(folder: string, kind: KeyKind): string {
  if (kind === 'own') return 'given by the program'
  return kind === 'file' ? `file ${keyFileOf(folder)}` : `keychain (${kind})`
}

function keyFileOf(folder: string): string {
  return join(folder, 'journal.key')
}

/** Loaded only where it is needed: most journals have a key file, and start without it. */
async function keychainOf(options: SealOptions): Promise<Keychain | undefined> {
  if (options.keychain !== undefined) return options.keychain
  const { createKeychain } = await import('./keychain.ts')
  return createKeychain()
}

/** The version is part of what is bound, so that it cannot be exchanged for another one's rules. */
function boundTo(context: string): Uint8Array {
  return Buffer.from(`${version}:${context}`, 'utf8')
}

function altered(cause?: unknown): Error {
  return unusable(
    'sealed',
    'a sealed value was altered or moved; put a copy of the journal back',
    {},
    cause,
  )
}
