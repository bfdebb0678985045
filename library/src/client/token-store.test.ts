import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { satToMsat } from '../amount/index.ts'
import type { Tries } from './choose-token.ts'
import { chooseBeforeBuying, chooseFirst, maxTries, owedFor } from './choose-token.ts'
import type { StoredToken, TokenFacts, TokenMark } from './token-store.ts'
import { markToken, mayOpen } from './token-store.ts'

const facts: TokenFacts = {
  paymentHash: 'ab'.repeat(32),
  service: 'shop',
  capability: 'data',
  validUntilSeconds: 2000,
  uses: undefined,
  coverage: 'data',
}

function token(change: Partial<StoredToken> = {}): StoredToken {
  return {
    id: '1',
    origin: 'https://a.test',
    scheme: 'L402',
    token: 'AgEE',
    paymentHash: facts.paymentHash,
    preimage: 'cd'.repeat(32),
    amountMsat: satToMsat(10n),
    feeMsat: satToMsat(0n),
    target: 'GET /data?x=1',
    boughtAtSeconds: 1000,
    facts,
    enforces: [],
    standing: 'new',
    usesSeen: 0,
    servedRoutes: [],
    refusedTargets: [],
    ...change,
  }
}

const none: Tries = { tried: new Set(), usesInFlight: () => 0 }
const refused = (target: string, sells?: string): TokenMark => ({ kind: 'refused', target, sells })
const served = (target: string, asked = false): TokenMark => ({
  kind: 'served',
  target,
  used: true,
  asked,
})
const undelivered = (accepted = false): TokenMark => ({ kind: 'undelivered', accepted })

describe('R-PAY-43 a mark', () => {
  for (const [name, before, mark, standing] of [
    ['served what it was bought for', {}, served('GET /data?x=1'), 'good'],
    ['R-PAY-48 served where payment was asked for', {}, served('GET /other', true), 'good'],
    ['R-PAY-48 served elsewhere, unasked', {}, served('GET /other'), 'new'],
    ['R-PAY-48 served on its route, unasked', {}, served('GET /data?x=2'), 'new'],
    ['R-PAY-48 owed, served elsewhere, unasked', { standing: 'owed' }, served('GET /b'), 'owed'],
    ['R-PAY-48 spent, served elsewhere, unasked', { standing: 'spent' }, served('GET /b'), 'spent'],
    ['R-PAY-48 good, served elsewhere, unasked', { standing: 'good' }, served('GET /b'), 'good'],
    ['served after all', { standing: 'owed' }, served('GET /data?x=1'), 'good'],
    ['refused at home, never accepted', {}, refused('GET /data?x=1'), 'owed'],
    ['R-PAY-44 refused at home for another coverage', {}, refused('GET /data?x=1', 'b'), 'owed'],
    ['refused elsewhere for another coverage, never accepted', {}, refused('GET /y', 'b'), 'new'],
    ['undelivered, never accepted', {}, undelivered(), 'owed'],
    ['undelivered, once good', { standing: 'good' }, undelivered(), 'good'],
    ['R-PAY-49 undelivered, made good by it', { standing: 'good' }, undelivered(true), 'owed'],
    ['undelivered, written off', { standing: 'abandoned' }, undelivered(true), 'abandoned'],
    ['refused at home, once good', { standing: 'good' }, refused('GET /data?x=1'), 'spent'],
    ['refused elsewhere', { standing: 'good' }, refused('GET /data?x=2'), 'good'],
    ['refused for the same coverage', { standing: 'good' }, refused('GET /y', 'data'), 'spent'],
    ['refused for another coverage', { standing: 'good' }, refused('GET /data?x=1', 'b'), 'good'],
    [
      'opaque, refused at home',
      { standing: 'good', facts: undefined },
      refused('GET /data?x=1', 'data'),
      'spent',
    ],
    [
      'opaque, refused with another query',
      { standing: 'good', facts: undefined },
      refused('GET /data?x=2', 'data'),
      'good',
    ],
    ['owed and refused again', { standing: 'owed' }, refused('GET /data?x=1'), 'owed'],
    ['abandoned', { standing: 'owed' }, { kind: 'abandoned' }, 'abandoned'],
  ] as const satisfies readonly (readonly [string, Partial<StoredToken>, TokenMark, string])[]) {
    test(`${name}: ${standing}`, () => {
      expect(markToken(token(before), mark).standing).toBe(standing)
    })
  }

  test('never changes what was bought, and keeps bounded lists', () => {
    const mark = fc.oneof(
      fc.record({
        kind: fc.constant('served' as const),
        target: fc.webUrl(),
        used: fc.boolean(),
        asked: fc.boolean(),
      }),
      fc.record({
        kind: fc.constant('refused' as const),
        target: fc.webUrl(),
        sells: fc.constantFrom(undefined, 'data', 'other'),
      }),
      fc.constantFrom<TokenMark>({ kind: 'abandoned' }, undelivered()),
    )
    fc.assert(
      fc.property(fc.array(mark, { maxLength: 400, size: 'max' }), (marks) => {
        const { token: text, preimage, id, origin } = token()
        const end = marks.reduce((one, mark) => markToken(one, mark), token())
        expect(end).toMatchObject({ token: text, preimage, id, origin })
        expect(end.servedRoutes.length).toBeLessThanOrEqual(64)
        expect(end.refusedTargets.length).toBeLessThanOrEqual(256)
      }),
      { numRuns: 30 },
    )
  })
})

describe('R-PAY-48 whatever is learned about a token', () => {
  const home = token().target
  const target = fc.constantFrom(home, 'GET /data?x=2', 'GET /style.css')
  const sells = fc.constantFrom(undefined, 'data', 'other')
  const mark: fc.Arbitrary<TokenMark> = fc.oneof(
    fc.record({
      kind: fc.constant('served' as const),
      target,
      used: fc.boolean(),
      asked: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('refused' as const), target, sells }),
    fc.record({ kind: fc.constant('undelivered' as const), accepted: fc.boolean() }),
    fc.constant<TokenMark>({ kind: 'abandoned' }),
  )
  const facts = fc.constantFrom(token().facts, undefined)

  test('it is good or spent only if it was accepted for what it was bought for, or asked for', () => {
    fc.assert(
      fc.property(facts, fc.array(mark, { maxLength: 12 }), (facts, marks) => {
        let one = token({ facts })
        let isProven = false
        for (const mark of marks) {
          isProven ||= mark.kind === 'served' && (mark.asked || mark.target === home)
          one = markToken(one, mark)
          if (!isProven) expect(['new', 'owed', 'abandoned']).toContain(one.standing)
        }
      }),
    )
  })

  test('it is owed once it was refused what it was bought for, until it is proven or written off', () => {
    fc.assert(
      fc.property(facts, fc.array(mark, { maxLength: 12 }), (facts, marks) => {
        let one = markToken(token({ facts }), refused(home))
        for (const mark of marks) {
          const isProof = mark.kind === 'served' && (mark.asked || mark.target === home)
          if (isProof || mark.kind === 'abandoned') return
          one = markToken(one, mark)
          expect(one.standing).toBe('owed')
        }
      }),
    )
  })
})

describe('R-PAY-44 R-PAY-41 a token may open something', () => {
  for (const [name, change, nowSeconds, answer] of [
    ['until it expires', {}, 1999, true],
    ['not from then on', {}, 2000, false],
    ['always, if it does not say', { facts: undefined }, 9e9, true],
    ['not when spent', { standing: 'spent' }, 1001, false],
    ['not when abandoned', { standing: 'abandoned' }, 1001, false],
    ['when owed, for a day though it expires sooner', { standing: 'owed' }, 87_399, true],
    ['when owed, not from then on', { standing: 'owed' }, 87_400, false],
    ['when owed and opaque, for a day', { standing: 'owed', facts: undefined }, 87_399, true],
    ['and no longer', { standing: 'owed', facts: undefined }, 87_400, false],
  ] as const satisfies readonly (readonly [string, Partial<StoredToken>, number, boolean])[]) {
    test(name, () => {
      expect(mayOpen(token(change), nowSeconds)).toBe(answer)
    })
  }
})

describe('R-PAY-41 the first token for a request', () => {
  const target = 'GET /data?x=2'
  for (const [name, tokens, chosen] of [
    ['none', [], undefined],
    [
      'one that opened the route, before one that was bought for it',
      [
        token({ id: 'home' }),
        token({ id: 'opened', target: 'GET /y', servedRoutes: ['GET /data'] }),
      ],
      'opened',
    ],
    [
      'one that was bought for the route, before a later one that was not',
      [token({ id: 'later', target: 'GET /y' }), token({ id: 'home' })],
      'home',
    ],
    ['a guess, when it may be used as often as one likes', [token({ target: 'GET /y' })], '1'],
    [
      'no guess with one that is limited',
      [token({ target: 'GET /y', facts: { ...facts, uses: 5 } })],
      undefined,
    ],
    [
      'R-PAY-48 none for few requests that has not brought yet what it was bought for',
      [token({ facts: { ...facts, uses: 2 } })],
      undefined,
    ],
    [
      'one for few requests that has',
      [token({ facts: { ...facts, uses: 2 }, standing: 'good', usesSeen: 1 })],
      '1',
    ],
    ['not one that was refused there', [token({ refusedTargets: [target] })], undefined],
    ['not one that is owed', [token({ standing: 'owed' })], undefined],
    [
      'not one that is used up',
      [token({ standing: 'good', facts: { ...facts, uses: 2 }, usesSeen: 2 })],
      undefined,
    ],
  ] as const satisfies readonly (readonly [string, readonly StoredToken[], string | undefined])[]) {
    test(name, () => {
      expect(chooseFirst(tokens, target, none)?.id).toBe(chosen)
    })
  }

  test('R-PAY-46 counts the requests on their way as uses', () => {
    const limited = [token({ standing: 'good', facts: { ...facts, uses: 2 }, usesSeen: 1 })]
    expect(chooseFirst(limited, target, none)?.id).toBe('1')
    expect(chooseFirst(limited, target, { ...none, usesInFlight: () => 1 })).toBeUndefined()
  })
})

describe('R-PAY-42 the token before buying', () => {
  const aim = { target: 'GET /data?x=2', coverage: 'data' }
  for (const [name, tokens, chosen] of [
    [
      'what is owed for the same thing, before all',
      [token({ id: 'good', standing: 'good' }), token({ id: 'owed', standing: 'owed' })],
      'owed',
    ],
    [
      'one of the coverage, although it was refused at the target for something else',
      [token({ standing: 'good', refusedTargets: [aim.target] })],
      '1',
    ],
    ['none of another coverage', [token({ facts: { ...facts, coverage: 'b' } })], undefined],
    ['an opaque one', [token({ facts: undefined })], '1'],
    [
      'no opaque one that was refused there',
      [token({ facts: undefined, refusedTargets: [aim.target] })],
      undefined,
    ],
  ] as const satisfies readonly (readonly [string, readonly StoredToken[], string | undefined])[]) {
    test(name, () => {
      expect(chooseBeforeBuying(tokens, aim, none)?.id).toBe(chosen)
    })
  }

  test('is looked for at most four times, save for what is owed', () => {
    const tried = new Set(['a', 'b', 'c', 'd'])
    expect(tried.size).toBe(maxTries)
    const tries = { ...none, tried }
    expect(chooseBeforeBuying([token({ standing: 'good' })], aim, tries)).toBeUndefined()
    expect(chooseBeforeBuying([token({ standing: 'owed' })], aim, tries)?.id).toBe('1')
  })

  for (const [name, change, other, owes] of [
    ['the same coverage', {}, { target: 'GET /other', coverage: 'data' }, true],
    ['the same target', {}, { target: 'GET /data?x=1', coverage: 'b' }, true],
    ['another coverage of the same path', {}, { target: 'GET /data?x=2', coverage: 'b' }, false],
    [
      'an opaque challenge of the same path',
      {},
      { target: 'GET /data', coverage: undefined },
      true,
    ],
    ['an opaque challenge elsewhere', {}, { target: 'GET /b', coverage: undefined }, false],
  ] as const) {
    test(`R-PAY-44 is owed for ${name}: ${owes}`, () => {
      expect(owedFor([token({ standing: 'owed', ...change })], other) !== undefined).toBe(owes)
    })
  }
})
