import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import {
  decodeHex,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
} from '../../library/src/bytes/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import type { Macaroon } from '../../library/src/macaroon/index.ts'
import {
  addThirdPartyCaveat,
  attenuate,
  bindDischarge,
  decodeMacaroon,
  decodeMacaroonJson,
  encodeMacaroon,
  encodeMacaroonJson,
  mint,
  verify,
  verifyWithDischarges,
} from '../../library/src/macaroon/index.ts'
import vectors from '../../spec/vectors/macaroons.json' with { type: 'json' }

// The other implementation in JavaScript, npm `macaroon` 3.0.4: another HMAC, another cipher, another
// reader. Its binary writer doubles its buffer at every append and fails from four caveats on, so
// only its V2 reader, its JSON and its verification are asked here. It reads no V1.

type Theirs = {
  readonly identifier: Uint8Array
  readonly signature: Uint8Array
  readonly caveats: readonly { readonly identifier: Uint8Array }[]
  addFirstPartyCaveat(caveat: Uint8Array): void
  addThirdPartyCaveat(key: Uint8Array, identifier: Uint8Array, location?: string): void
  bindToRoot(signature: Uint8Array): void
  exportJSON(): unknown
  verify(key: Uint8Array, check: (caveat: string) => null, discharges?: readonly Theirs[]): void
}

const theirs = createRequire(import.meta.url)('macaroon') as {
  importMacaroon(source: string | Uint8Array | object): Theirs
  newMacaroon(token: { identifier: Uint8Array; location: string; rootKey: Uint8Array }): Theirs
}

const random = createRandom(402)

describe('R-MAC-2 R-MAC-5 R-MAC-20 generated macaroons mean the same to npm macaroon', () => {
  test('2000 of them are signed, read and verified alike', () => {
    for (let i = 0; i < 2000; i++) {
      const token = randomToken()
      const ours = attenuate(mint(token), ...token.more)
      const read = theirs.importMacaroon(encodeMacaroon(ours))
      expect(encodeHex(read.identifier)).toBe(encodeHex(ours.identifier))
      expect(encodeHex(read.signature)).toBe(encodeHex(ours.signature))
      expect(read.caveats.map(({ identifier }) => encodeHex(identifier))).toEqual(
        ours.unverifiedCaveats.map(({ identifier }) => encodeHex(identifier)),
      )

      const checked: string[] = []
      const check = (caveat: string): null => {
        checked.push(caveat)
        return null
      }
      read.verify(token.rootKey, check)
      expect(verify(ours, token.rootKey).map(({ text }) => text)).toEqual(checked)
      expect(() => read.verify(flipped(token.rootKey), check)).toThrow(/signature mismatch/)
      expect(() => verify(ours, flipped(token.rootKey))).toThrow()
    }
  })

  test('500 that they mint, narrow and write as JSON verify here', () => {
    for (let i = 0; i < 500; i++) {
      const token = randomToken()
      const minted = theirs.newMacaroon(token)
      const caveats = [...token.caveats, ...token.more]
      for (const caveat of caveats) minted.addFirstPartyCaveat(new TextEncoder().encode(caveat))
      const ours = decodeMacaroonJson(JSON.parse(JSON.stringify(minted.exportJSON())))
      expect(verify(ours, token.rootKey).map(({ text }) => text)).toEqual(caveats)
      expect(ours).toEqual(mint({ ...token, caveats }))
    }
  })

  test('500 that we write as JSON, or as text, are read there', () => {
    for (let i = 0; i < 500; i++) {
      const token = randomToken()
      const ours = mint(token)
      const bytes = encodeMacaroon(ours)
      for (const form of [encodeMacaroonJson(ours), encodeBase64(bytes), encodeBase64Url(bytes)]) {
        theirs.importMacaroon(form).verify(token.rootKey, () => null)
      }
    }
  })
})

describe('R-MAC-10 to R-MAC-13 third-party caveats and discharges of either side serve the other', () => {
  test('200 of ours verify there', () => {
    for (let i = 0; i < 200; i++) {
      const { rootKey, identifier, caveatKey, ...token } = randomToken()
      const asked = addThirdPartyCaveat(mint({ rootKey, identifier, ...token }), {
        caveatKey,
        identifier,
        location: token.location,
      })
      const root = attenuate(asked, ...token.more)
      const discharge = bindDischarge(
        root,
        mint({ rootKey: caveatKey, identifier, caveats: token.more }),
      )
      const answer = verifyWithDischarges(root, rootKey, [discharge]).map(({ text }) => text)

      const checked: string[] = []
      const check = (caveat: string): null => {
        checked.push(caveat)
        return null
      }
      const [theirRoot, theirDischarge] = [root, discharge].map((macaroon) =>
        theirs.importMacaroon(encodeMacaroon(macaroon)),
      )
      theirRoot!.verify(rootKey, check, [theirDischarge!])
      expect(answer).toEqual(checked)
    }
  })

  test('200 of theirs verify here', () => {
    for (let i = 0; i < 200; i++) {
      const { rootKey, identifier, caveatKey, location } = randomToken()
      const root = theirs.newMacaroon({ rootKey, identifier, location })
      root.addThirdPartyCaveat(caveatKey, identifier, location)
      const discharge = theirs.newMacaroon({ rootKey: caveatKey, identifier, location })
      discharge.addFirstPartyCaveat(new TextEncoder().encode('a=1'))
      discharge.bindToRoot(root.signature)
      const [ourRoot, ourDischarge] = [root, discharge].map((macaroon) =>
        decodeMacaroonJson(JSON.parse(JSON.stringify(macaroon.exportJSON()))),
      )
      const verified = verifyWithDischarges(ourRoot!, rootKey, [ourDischarge!])
      expect(verified.map(({ text }) => text)).toEqual(['a=1'])
    }
  })
})

/** Each difference between the two V2 readers, and why ours is as it is. */
const differences: Readonly<Record<string, string>> = {
  'signature length': 'R-MAC-24: they take a signature of any length',
  varint: 'R-MAC-21: they take lengths that are spelled longer than needed',
  'first-party location': 'R-MAC-23: they take a location where there is no third party',
  'empty verification id': 'R-MAC-23: they take an empty one for a third party',
  'invalid UTF-8 location': 'R-MAC-25: they decode locations as text, we keep the bytes',
}

describe('R-MAC-20 to R-MAC-25 damaged macaroons: every difference is one of the five known ones', () => {
  const v2 = vectors.malformed.filter(({ hex }) => hex.startsWith('02'))

  test('the malformed vectors were observed as they behave here', () => {
    const name = 'npm macaroon@3.0.4'
    for (const { hex, observed } of v2) {
      const verdict = theirVerdict(decodeHex(hex)) === undefined ? 'accept' : 'reject'
      expect(verdict).toBe(observed[name])
    }
  })

  test('20 000 mutants', () => {
    const seeds = [
      ...vectors.macaroons.map(({ v2Hex }) => decodeHex(v2Hex)),
      ...v2.map(({ hex }) => decodeHex(hex)),
    ]
    const seen = new Map<string, number>()
    let same = 0
    for (let i = 0; i < 20_000; i++) {
      const bytes = mutant(seeds[random(seeds.length)]!)
      if (bytes[0] !== 2) continue
      const difference = compare(bytes)
      if (difference === undefined) {
        same++
        continue
      }
      expect(Object.keys(differences)).toContain(difference)
      seen.set(difference, (seen.get(difference) ?? 0) + 1)
    }
    expect(same).toBeGreaterThan(10_000)
    expect([...seen.keys()].toSorted()).toEqual(Object.keys(differences).toSorted())
  })
})

/** Why the two readers differ about an input, or `undefined` where they do not. */
function compare(bytes: Uint8Array): string | undefined {
  const theirError = theirVerdict(bytes)
  const ours = ourVerdict(bytes)
  if (typeof ours === 'string') return theirError === undefined ? ours : undefined
  if (theirError === undefined) {
    const read = theirs.importMacaroon(bytes)
    expect(encodeHex(read.identifier)).toBe(encodeHex(ours.identifier))
    expect(encodeHex(read.signature)).toBe(encodeHex(ours.signature))
    expect(read.caveats).toHaveLength(ours.unverifiedCaveats.length)
    return undefined
  }
  const isTextError = theirError instanceof TypeError && /encoded data/.test(theirError.message)
  return isTextError ? 'invalid UTF-8 location' : `unexplained: ${String(theirError)}`
}

function ourVerdict(bytes: Uint8Array): Macaroon | string {
  try {
    return decodeMacaroon(bytes)
  } catch (error) {
    if (!isL402Error(error)) throw error
    return String(error.details['reason'] ?? error.details['limit'])
  }
}

function theirVerdict(bytes: Uint8Array): unknown {
  try {
    theirs.importMacaroon(bytes)
    return undefined
  } catch (error) {
    return error
  }
}

function randomToken() {
  const texts = (): readonly string[] => Array.from({ length: random(7) }, randomText)
  return {
    rootKey: randomBytes(1 + random(100)),
    caveatKey: randomBytes(1 + random(100)),
    identifier: randomBytes(1 + random(150)),
    location: `location ${random(1000)}`,
    caveats: texts(),
    more: texts(),
  }
}

function randomText(): string {
  const letters = ['a', 'Z', '0', '=', ' ', '<', ',', ':', 'é', '€', '😀', '\n', '"', '\\']
  return Array.from({ length: 1 + random(40) }, () => letters[random(letters.length)]!).join('')
}

function randomBytes(length: number): Uint8Array {
  return new Uint8Array(length).map(() => random(256))
}

function flipped(key: Uint8Array): Uint8Array {
  return key.with(0, key[0]! ^ 1)
}

function mutant(seed: Uint8Array): Uint8Array {
  const bytes = [...seed]
  for (let i = 0; i <= random(3); i++) {
    const at = random(bytes.length)
    const kind = random(5)
    if (kind === 0) bytes[at] = random(256)
    if (kind === 1) bytes[at]! ^= 1 << random(8)
    if (kind === 2) bytes.splice(at, 1 + random(4))
    if (kind === 3) bytes.splice(at, 0, ...bytes.slice(at, at + random(40)))
    if (kind === 4) bytes.splice(at, 0, random(256))
    if (bytes.length === 0) return Uint8Array.from(seed)
  }
  return Uint8Array.from(bytes)
}

/** xorshift32: a number from 0 up to, and without, `below`; the same on every machine. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
