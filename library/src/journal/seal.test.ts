import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { scratchFolder } from '../../../test/journal/scratch-database.ts'
import { isL402Error } from '../errors.ts'
import { readKeyFile } from './key-file.ts'
import type { Keychain } from './keychain.ts'
import type { Meta, SealOptions } from './seal.ts'
import { createSeal, openSeal } from './seal.ts'
import { readSealRecord } from './seal-record.ts'

const key = Uint8Array.from({ length: 32 }, (_, i) => i)

describe('R-SEAL-1 a sealed value opens with its key, at its place, and unaltered', () => {
  const seal = createSeal(key)

  test('for any text and any context', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (plain, context) => {
        expect(seal.open(seal.seal(plain, context), context)).toBe(plain.toWellFormed())
      }),
    )
  })

  test('and not anywhere else', () => {
    const sealed = seal.seal('secret', 'tokens.preimage:1')
    expect(() => seal.open(sealed, 'tokens.preimage:2')).toThrow(unusable('sealed'))
    expect(() => seal.open(sealed, '')).toThrow(unusable('sealed'))
  })

  test('and not with another key', () => {
    const other = createSeal(key.map((byte) => byte ^ 1))
    expect(() => other.open(seal.seal('secret', 'a'), 'a')).toThrow(unusable('sealed'))
  })

  test('and not with any bit of it changed, or any byte missing or added', () => {
    const sealed = seal.seal('secret', 'a')
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => seal.open(changed, 'a')).toThrow(unusable('sealed'))
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => seal.open(sealed.subarray(0, length), 'a')).toThrow(unusable('sealed'))
    }
    expect(() => seal.open(Uint8Array.of(...sealed, 0), 'a')).toThrow(unusable('sealed'))
  })

  test('the same text is never sealed to the same bytes twice', () => {
    const seen = new Set(
      Array.from({ length: 1000 }, () => Buffer.from(seal.seal('a', 'b')).toString('hex')),
    )
    expect(seen.size).toBe(1000)
  })

  test('nothing of the text or the key is in it, or in an error', () => {
    const sealed = Buffer.from(seal.seal('very secret', 'a'))
    expect(sealed.includes('secret')).toBe(false)
    const error = caught(() => seal.open(Uint8Array.of(...sealed, 1), 'a'))
    expect(String(error)).not.toContain('secret')
  })

  test('a key has 32 bytes', () => {
    for (const length of [0, 16, 31, 33, 64]) {
      expect(() => createSeal(new Uint8Array(length))).toThrow(RangeError)
    }
  })

  test('the key is copied: changing it afterwards changes nothing', () => {
    const mine = Uint8Array.from(key)
    const own = createSeal(mine)
    mine.fill(0)
    expect(seal.open(own.seal('a', 'b'), 'b')).toBe('a')
  })
})

describe('opening the seal of a journal', () => {
  let scratch: ReturnType<typeof scratchFolder>
  let values: Map<string, string>
  beforeEach(() => {
    scratch = scratchFolder()
    values = new Map()
  })
  afterEach(() => scratch.remove())

  const open = (options: Partial<SealOptions> = {}): ReturnType<typeof openSeal> =>
    openSeal({
      folder: scratch.folder,
      choice: 'auto',
      meta: metaOf(values),
      keychain: absent,
      ...options,
    })
  const keyFile = (): string => join(scratch.folder, 'journal.key')

  test('R-SEAL-2 a new journal has a key file where no keychain answers', async () => {
    const first = await open()
    expect(first.place).toBe(`file ${keyFile()}`)
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600)
    const sealed = first.seal.seal('a', 'b')
    expect((await open()).seal.open(sealed, 'b')).toBe('a')
    expect((await open({ choice: 'file' })).seal.open(sealed, 'b')).toBe('a')
  })

  test('R-SEAL-2 a new journal has its key in the keychain where one answers', async () => {
    const keychain = memoryKeychain()
    const first = await open({ keychain })
    expect(first.place).toBe('keychain (secret-tool)')
    expect(existsSync(keyFile())).toBe(false)
    const again = await open({ keychain })
    expect(again.seal.open(first.seal.seal('a', 'b'), 'b')).toBe('a')
    expect((await open({ keychain, choice: 'keychain' })).place).toBe(first.place)
  })

  test('R-SEAL-2 a key file that is there already is the key of a new journal', async () => {
    const first = await open()
    values.clear()
    const keychain = memoryKeychain()
    const again = await open({ keychain })
    expect(again.place).toBe(`file ${keyFile()}`)
    expect(again.seal.open(first.seal.seal('a', 'b'), 'b')).toBe('a')
    expect(keychain.kept.size).toBe(0)
  })

  test('R-SEAL-2 a keychain that does not give back what it was given is not used', async () => {
    for (const found of [
      { status: 'missing' },
      { status: 'locked' },
      { status: 'found', key: new Uint8Array(32) },
    ] as const) {
      values.clear()
      const keychain = { ...memoryKeychain(), load: async () => found }
      expect((await open({ keychain })).place).toBe(`file ${keyFile()}`)
    }
  })

  test('R-SEAL-3 a key file that is missing is asked for, and not made anew', async () => {
    const { seal } = await open()
    const sealed = seal.seal('a', 'b')
    renameSync(keyFile(), `${keyFile()}.away`)
    for (const choice of ['auto', 'file'] as const) {
      const error = await rejected(open({ choice, keychain: memoryKeychain() }))
      expect(error).toEqual(unusable('key-missing'))
      expect(error.details['hint']).toBe(`restore ${keyFile()} from your backup`)
    }
    expect(existsSync(keyFile())).toBe(false)
    renameSync(`${keyFile()}.away`, keyFile())
    expect((await open()).seal.open(sealed, 'b')).toBe('a')
  })

  test('R-SEAL-3 another key is noticed at once', async () => {
    await open()
    writeFileSync(keyFile(), `${randomBytes(32).toString('base64')}\n`)
    expect(await rejected(open())).toEqual(unusable('key-wrong'))
    expect(await rejected(open({ choice: randomBytes(32) }))).toEqual(unusable('key-wrong'))
  })

  test('R-SEAL-3 a keychain that is locked, or lost the key, is said to be so', async () => {
    const keychain = memoryKeychain()
    await open({ keychain })
    const locked = { ...keychain, load: async () => ({ status: 'locked' }) as const }
    const error = await rejected(open({ keychain: locked }))
    expect(error).toEqual(unusable('key-locked'))
    expect(error.details['hint']).toMatch(/^unlock the keychain/)
    keychain.kept.clear()
    expect(await rejected(open({ keychain }))).toEqual(unusable('key-missing'))
    expect(await rejected(open({ keychain: absent }))).toEqual(unusable('key-missing'))
    expect(existsSync(keyFile())).toBe(false)
  })

  test('R-SEAL-3 a journal is not opened with another kind of key than it was made with', async () => {
    const keychain = memoryKeychain()
    await open({ keychain, choice: 'file' })
    expect(await rejected(open({ keychain, choice: 'keychain' }))).toEqual(unusable('key-kind'))
    values.clear()
    await open({ keychain, choice: 'keychain' })
    expect(await rejected(open({ keychain, choice: 'file' }))).toEqual(unusable('key-kind'))
  })

  for (const damage of ['', '{', 'null', '[]', '{"kind":"file"}', '{"kind":"x","check":""}']) {
    test(`R-SEAL-3 a journal that remembers ${damage || 'nothing'} of its key is damaged`, async () => {
      await open()
      values.set('seal', damage)
      expect(await rejected(open())).toEqual(unusable('seal-record'))
      expect(() => readSealRecord(damage)).toThrow(unusable('seal-record'))
    })
  }

  test('R-SEAL-7 a keychain that was asked for and does not answer is an error', async () => {
    for (const keychain of [absent, { ...memoryKeychain(), store: async () => undefined }]) {
      const error = await rejected(open({ choice: 'keychain', keychain }))
      expect(error.code).toBe('STORE_UNAVAILABLE')
      expect(error.details['reason']).toBe('keychain')
      expect(values.size).toBe(0)
      expect(existsSync(keyFile())).toBe(false)
    }
  })

  test('R-SEAL-8 of several that make a journal at once, all have one key', async () => {
    const keychain = memoryKeychain()
    const opened = await Promise.all(Array.from({ length: 8 }, () => open({ keychain })))
    const sealed = opened[0]!.seal.seal('a', 'b')
    for (const { seal } of opened) expect(seal.open(sealed, 'b')).toBe('a')
    expect(keychain.kept.size, 'keys that nobody uses').toBe(1)
  })

  test('R-SEAL-9 a key of the caller’s own is kept nowhere, and needed each time', async () => {
    const keychain = memoryKeychain()
    const first = await open({ choice: key, keychain })
    expect(first.place).toBe('given by the program')
    expect(existsSync(keyFile())).toBe(false)
    expect(keychain.kept.size).toBe(0)
    const kept = [...values.values()].join()
    expect(kept).not.toContain(Buffer.from(key).toString('base64'))
    expect((await open({ choice: key })).seal.open(first.seal.seal('a', 'b'), 'b')).toBe('a')
    for (const choice of ['auto', 'file', 'keychain'] as const) {
      expect(await rejected(open({ choice }))).toEqual(unusable('key-missing'))
    }
    await expect(open({ choice: new Uint8Array(31) })).rejects.toThrow(RangeError)
  })

  test('R-SEAL-9 the key of a file may be given by the program as well', async () => {
    const first = await open()
    const choice = readKeyFile(keyFile())!
    expect((await open({ choice })).seal.open(first.seal.seal('a', 'b'), 'b')).toBe('a')
  })

  test('R-SEAL-4 a folder that cannot be written is no reason to go on without a key', async () => {
    mkdirSync(join(scratch.folder, 'file'))
    writeFileSync(join(scratch.folder, 'file', 'x'), '')
    const error = await rejected(
      open({ folder: join(scratch.folder, 'file', 'x'), choice: 'file' }),
    )
    expect(['STORE_UNAVAILABLE', 'JOURNAL_UNUSABLE']).toContain(error.code)
    expect(values.size).toBe(0)
    expect(readFileSync(join(scratch.folder, 'file', 'x'), 'utf8')).toBe('')
  })
})

/** As a database does it: one transaction after the other, each later than the call. */
function metaOf(values: Map<string, string>): SealOptions['meta'] {
  const meta: Meta = {
    get: (name) => values.get(name),
    set: (name, value) => values.set(name, value),
  }
  return async (work) => {
    await new Promise((next) => setImmediate(next))
    return work(meta)
  }
}

const absent: Keychain = {
  kind: 'dpapi',
  store: async () => undefined,
  load: async () => ({ status: 'locked' }),
  forget: async () => {},
}

function memoryKeychain(): Keychain & { readonly kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>()
  return {
    kept,
    kind: 'secret-tool',
    async store(given) {
      const reference = randomBytes(16).toString('hex')
      kept.set(reference, given)
      return reference
    },
    async load(reference) {
      const found = kept.get(reference)
      return found === undefined ? { status: 'missing' } : { status: 'found', key: found }
    },
    async forget(reference) {
      kept.delete(reference)
    },
  }
}

function unusable(reason: string): unknown {
  return expect.objectContaining({
    code: 'JOURNAL_UNUSABLE',
    details: expect.objectContaining({ reason, hint: expect.any(String) }),
  })
}

function caught(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('it did not throw')
}

async function rejected(promise: Promise<unknown>): Promise<import('../errors.ts').L402Error> {
  const error = await promise.then(
    () => new Error('it did not reject'),
    (reason: unknown) => reason,
  )
  if (!isL402Error(error)) throw error
  return error
}
