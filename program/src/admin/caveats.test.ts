import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Allowance } from './caveats.ts'
import { CaveatMistake, contains, fullAllowance, narrow, scopes } from './caveats.ts'

const ipv4 = fc
  .tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 255 })))
  .map((bytes) => bytes.join('.'))

/** Well-formed caveats, that need not narrow each other. */
const caveats = fc.oneof(
  fc
    .uniqueArray(fc.constantFrom(...scopes), { minLength: 1 })
    .map((names) => `scope=${names.join(',')}`),
  fc.integer({ min: 1, max: 99_999_999_999 }).map((seconds) => `expires=${seconds}`),
  fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })).map(([a, bits]) => `ip=${a}/${bits}`),
)

type Question = { readonly scope: string; readonly at: number; readonly from: string }

function allows(allowance: Allowance, { scope, at, from }: Question): boolean {
  return (
    allowance.scopes.some((name) => name === scope) &&
    (allowance.expiresAtSeconds === undefined || at < allowance.expiresAtSeconds) &&
    (allowance.from === undefined || contains(allowance.from, from))
  )
}

describe('R-ADM-8 a caveat', () => {
  test('never allows what was not allowed before it', () => {
    const questions = fc.record({
      scope: fc.constantFrom(...scopes),
      at: fc.integer({ min: 0, max: 99_999_999_999 }),
      from: ipv4,
    })
    fc.assert(
      fc.property(fc.array(caveats, { maxLength: 6 }), questions, (chain, question) => {
        let allowance = fullAllowance
        for (const caveat of chain) {
          try {
            const next = narrow(allowance, caveat)
            expect(allows(next, question) && !allows(allowance, question)).toBe(false)
            allowance = next
          } catch (error) {
            expect(error).toBeInstanceOf(CaveatMistake)
          }
        }
      }),
    )
  })

  test('may be repeated', () => {
    fc.assert(
      fc.property(caveats, (caveat) => {
        const once = narrow(fullAllowance, caveat)
        expect(narrow(once, caveat)).toEqual(once)
      }),
    )
  })

  test('is refused when it is anything else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        fc.pre(!/^(scope|expires|ip)=/.test(text))
        expect(() => narrow(fullAllowance, text)).toThrow(CaveatMistake)
      }),
    )
  })
})

describe('R-ADM-9 an address', () => {
  for (const [block, address, isInside] of [
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '::ffff:127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '127.0.0.1', false],
    ['::/0', '::ffff:127.0.0.1', false],
    ['::1', '::1', true],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['127.0.0.1', '', false],
    ['127.0.0.1', 'localhost', false],
  ] as const) {
    test(`${address || 'that is empty'} is ${isInside ? 'in' : 'not in'} ${block}`, () => {
      const { from } = narrow(fullAllowance, `ip=${block}`)
      expect(from !== undefined && contains(from, address)).toBe(isInside)
    })
  }
})
