import { spawnSync } from 'node:child_process'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { concatBytes, encodeHex, hmacSha256 } from '../bytes/index.ts'
import { isL402Error } from '../errors.ts'
import { createKeyRing, parseKeyRing } from './key-ring.ts'

const oldKey = new Uint8Array(32).fill(1)
const newKey = new Uint8Array(32).fill(2)
const oldHex = encodeHex(oldKey)
const newHex = encodeHex(newKey)

function messageOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return String(error)
  }
  throw new Error('expected it to throw')
}

/** 66 bytes whose token id starts with `kid`. */
function identifier(kid: number, version = 0): Uint8Array {
  return concatBytes(
    Uint8Array.of(0, version),
    new Uint8Array(32).fill(9),
    Uint8Array.of(kid),
    new Uint8Array(31).fill(8),
  )
}

describe('R-SRV-1 a root key is the HMAC of the identifier under the key that its kid names', () => {
  const ring = createKeyRing([
    { kid: 1, key: oldKey },
    { kid: 2, key: newKey },
  ])

  test('for every kid in the ring', () => {
    expect(ring.rootKey(identifier(1))).toEqual(hmacSha256(oldKey, identifier(1)))
    expect(ring.rootKey(identifier(2))).toEqual(hmacSha256(newKey, identifier(2)))
  })

  for (const [what, bytes] of [
    ['an unknown kid', identifier(3)],
    ['another version', identifier(1, 1)],
    ['a short identifier', identifier(1).slice(0, 65)],
    ['a long identifier', concatBytes(identifier(1), Uint8Array.of(0))],
    ['no identifier', new Uint8Array(0)],
  ] as const) {
    test(`${what} has none`, () => {
      expect(ring.rootKey(bytes)).toBeUndefined()
    })
  }
})

describe('R-SRV-2 the last key mints and all of them verify', () => {
  test('rotating adds a key and leaves what the older one gives', () => {
    const before = createKeyRing([{ kid: 1, key: oldKey }])
    const after = createKeyRing([
      { kid: 1, key: oldKey },
      { kid: 2, key: newKey },
    ])
    expect([before.newestKid, after.newestKid]).toEqual([1, 2])
    expect(after.rootKey(identifier(1))).toEqual(before.rootKey(identifier(1)))
  })

  test('the kid says nothing about the order', () => {
    expect(parseKeyRing(`9:${oldHex},0:${newHex}`).newestKid).toBe(0)
  })

  test('the ring keeps its keys when the bytes it was given change', () => {
    const key = oldKey.slice()
    const ring = createKeyRing([{ kid: 1, key }])
    key.fill(0)
    expect(ring.rootKey(identifier(1))).toEqual(hmacSha256(oldKey, identifier(1)))
  })
})

describe('R-SRV-3 a key ring is written as kid, colon, 64 hex digits, with commas between', () => {
  test('and read so, in either case', () => {
    const ring = parseKeyRing(`1:${oldHex},255:${newHex.toUpperCase()}`)
    expect(ring.rootKey(identifier(1))).toEqual(hmacSha256(oldKey, identifier(1)))
    expect(ring.rootKey(identifier(255))).toEqual(hmacSha256(newKey, identifier(255)))
  })

  for (const [what, text] of [
    ['nothing', ''],
    ['a key without kid', oldHex],
    ['a kid above 255', `256:${oldHex}`],
    ['a leading zero', `01:${oldHex}`],
    ['a negative kid', `-1:${oldHex}`],
    ['a key of 31 bytes', `1:${oldHex.slice(2)}`],
    ['a key of 33 bytes', `1:${oldHex}00`],
    ['a digit that is not hex', `1:${oldHex.slice(1)}g`],
    ['a space', `1: ${oldHex}`],
    ['a line end', `1:${oldHex}\n`],
    ['an empty entry', `1:${oldHex},`],
    ['a kid twice', `1:${oldHex},1:${newHex}`],
    ['too many entries', Array.from({ length: 300 }, (_, i) => `${i}:${oldHex}`).join(',')],
  ] as const) {
    test(`${what} is refused, and nothing of it is repeated`, () => {
      expect(() => parseKeyRing(text)).toThrow(
        expect.toSatisfy(
          (error) =>
            isL402Error(error, 'CONFIG_INVALID') && !error.message.includes(oldHex.slice(2, 20)),
        ),
      )
    })
  }

  for (const text of [undefined, '']) {
    test(`when it is ${text === undefined ? 'not set' : 'empty'}, the error says how to make one`, () => {
      expect(() => parseKeyRing(text)).toThrow(
        /keys: not set; make one with: node -e "console\.log/,
      )
    })
  }

  test('what the error tells to run makes one', () => {
    const told = messageOf(() => parseKeyRing(undefined))
    const program = /node -e "([^"]+)"/.exec(told)![1]!
    const run = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' })
    expect(parseKeyRing(run.stdout.trimEnd()).newestKid).toBe(1)
  })

  for (const text of [`1:${oldHex}\n`, ` 1:${oldHex}`, `1:${newHex}, 2:${oldHex}`]) {
    test(`white space is named: ${JSON.stringify(text.replaceAll(/\d{9,}/g, '…'))}`, () => {
      expect(() => parseKeyRing(text)).toThrow(/white space or a line end/)
    })
  }

  for (const [what, keys, path] of [
    ['something else than a list', {}, /keys: expected a list/],
    ['nothing', undefined, /keys: expected a list/],
    ['a list of nothing', [undefined], /keys\[0\]: expected \{ kid, key \}/],
    ['a key that nobody filled', [{ kid: 1, key: new Uint8Array(32) }], /all of them are zero/],
  ] as const) {
    test(`${what} makes no ring, and the error says so`, () => {
      expect(() => createKeyRing(keys as never)).toThrow(path)
    })
  }

  test('text that is none, and a key of zeros in it, make none', () => {
    expect(() => parseKeyRing(5 as never)).toThrow(/keys: expected text/)
    expect(() => parseKeyRing(`1:${'0'.repeat(64)}`)).toThrow(/all of them are zero/)
  })

  for (const [what, keys] of [
    ['no key', []],
    ['a short key', [{ kid: 1, key: new Uint8Array(31) }]],
    ['a kid that is no whole number', [{ kid: 1.5, key: oldKey }]],
    ['a kid that is no number', [{ kid: Number.NaN, key: oldKey }]],
    [
      'a kid twice',
      [
        { kid: 1, key: oldKey },
        { kid: 1, key: newKey },
      ],
    ],
  ] as const) {
    test(`${what} makes no ring`, () => {
      expect(() => createKeyRing(keys)).toThrow(
        expect.toSatisfy((error) => isL402Error(error, 'CONFIG_INVALID')),
      )
    })
  }
})

test('R-SRV-4 a key ring does not print its keys', () => {
  const ring = createKeyRing([{ kid: 1, key: newKey }])
  const shown = [
    inspect(ring, { depth: 10, showHidden: true }),
    JSON.stringify({ ring }),
    String(ring),
    Object.values(ring).join(),
  ].join('\n')
  expect(shown).not.toMatch(/02.?02|2, ?2/)
  expect(shown).toContain('"kids":[1]')
})
