import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import type {
  StoredToken,
  TokenFacts,
  TokenMark,
  TokenStore,
} from '../../library/src/client/index.ts'
import { hostOf, markToken, mayOpen } from '../../library/src/client/index.ts'

const facts: TokenFacts = {
  paymentHash: 'ab'.repeat(32),
  service: 'shop',
  capability: 'data',
  validUntilSeconds: 2000,
  uses: undefined,
  coverage: 'services=shop:0\nshop_capabilities=data',
}

/** A token of 32 hex digits. */
export function idOf(number: number): string {
  return number.toString(16).padStart(32, '0')
}

function token(change: Partial<StoredToken> = {}): StoredToken {
  return {
    id: idOf(1),
    origin: 'https://a.test',
    scheme: 'L402',
    token: 'AgEE',
    paymentHash: facts.paymentHash,
    preimage: 'cd'.repeat(32),
    amountMsat: msat(10_000n),
    feeMsat: msat(1n),
    target: 'GET /data?x=1',
    boughtAtSeconds: 1000,
    facts,
    enforces: ['exp', 'req'],
    standing: 'new',
    usesSeen: 0,
    servedRoutes: [],
    refusedTargets: [],
    ...change,
  }
}

const refused = (target: string, sells?: string): TokenMark => ({ kind: 'refused', target, sells })
const served = (target: string): TokenMark => ({
  kind: 'served',
  target,
  used: true,
  asked: true,
})

/** What every token store does, wherever it keeps them. */
export function describeTokenStore(
  name: string,
  createStore: () => TokenStore | Promise<TokenStore>,
): void {
  describe(`R-PAY-40 ${name}`, () => {
    test('keeps a token as it is, whatever is in it', async () => {
      const store = await createStore()
      const full = token({
        scheme: 'LSAT',
        facts: { ...facts, uses: 5, service: undefined, capability: '\u{1f600} "\'' },
        standing: 'good',
        usesSeen: 3,
        enforces: ['exp', 'request_count', '~'],
        servedRoutes: ['GET /b', 'GET /a'],
        refusedTargets: ['GET /c?d=\u00e9'],
        amountMsat: msat(21_000_000n * 100_000_000n * 1000n),
        boughtAtSeconds: 1000.125,
      })
      const opaque = token({ id: idOf(2), facts: undefined, enforces: [] })
      await store.put(full)
      await store.put(opaque)
      expect(await store.find(idOf(1))).toEqual(full)
      expect(await store.find(idOf(2))).toEqual(opaque)
      expect(await store.find(idOf(3))).toBeUndefined()
      expect(await store.list()).toEqual([full, opaque])
    })

    test('keeps every token, and offers those of one origin that may work, latest first', async () => {
      const store = await createStore()
      const [a, b, other, old, nobody] = [1, 2, 3, 4, 5].map(idOf) as [
        string,
        string,
        string,
        string,
        string,
      ]
      await store.put(token({ id: a }))
      await store.put(token({ id: b }))
      await store.put(token({ id: other, origin: 'https://b.test' }))
      await store.put(token({ id: old, facts: { ...facts, validUntilSeconds: 1500 } }))
      await store.mark(a, refused('GET /data?x=1'))
      await store.mark(b, served('GET /data'))
      await store.mark(b, refused('GET /data', facts.coverage))
      await store.mark(nobody, served('GET /'))
      await store.put(token({ id: a, standing: 'good' }))
      expect((await store.usable('https://a.test', 1501)).map(({ id }) => id)).toEqual([a])
      expect((await store.usable('https://a.test', 1499)).map(({ id }) => id)).toEqual([old, a])
      expect((await store.list()).map(({ id, standing }) => [id, standing])).toEqual([
        [a, 'owed'],
        [b, 'spent'],
        [other, 'new'],
        [old, 'new'],
      ])
      expect((await store.find(b))?.standing).toBe('spent')
      expect(await store.find(nobody)).toBeUndefined()
    })

    test('offers one that works after all in its old place', async () => {
      const store = await createStore()
      const ids = [1, 2, 3].map(idOf)
      for (const id of ids) await store.put(token({ id }))
      await store.mark(idOf(1), { kind: 'abandoned' })
      await store.mark(idOf(2), { kind: 'abandoned' })
      await store.mark(idOf(2), served('GET /data'))
      await store.mark(idOf(1), served('GET /data'))
      const usable = await store.usable('https://a.test', 1500)
      expect(usable.map(({ id }) => id)).toEqual(ids.toReversed())
    })

    test('offers nothing of another port, scheme or name', async () => {
      const store = await createStore()
      await store.put(token())
      for (const origin of ['https://a.test:8443', 'http://a.test', 'https://b.a.test', '']) {
        expect(await store.usable(origin, 1500)).toEqual([])
      }
    })

    test('R-PAY-45 counts what a host owes, at all of its origins, as long as it is owed', async () => {
      const store = await createStore()
      const owed = { standing: 'owed', facts: undefined } as const
      await store.put(token({ id: idOf(1), ...owed }))
      await store.put(token({ id: idOf(2), ...owed, origin: 'http://a.test:8080' }))
      await store.put(token({ id: idOf(3), ...owed, origin: 'https://a.test.' }))
      await store.put(token({ id: idOf(4), ...owed, origin: 'https://b.a.test' }))
      await store.put(token({ id: idOf(5), ...owed, standing: 'good' }))
      await store.put(token({ id: idOf(6), ...owed, standing: 'abandoned' }))
      await store.put(token({ id: idOf(7), ...owed, origin: 'https://a.test', boughtAtSeconds: 0 }))
      await store.put(token({ id: idOf(8) }))
      expect(await store.countOwed('a.test', 1001)).toBe(4)
      expect(await store.countOwed('a.test', 86_399)).toBe(4)
      expect(await store.countOwed('a.test', 86_400)).toBe(3)
      expect(await store.countOwed('b.a.test', 1001)).toBe(1)
      expect(await store.countOwed('test', 1001)).toBe(0)
      expect(await store.countOwed('a.test', 87_400)).toBe(0)
      await store.mark(idOf(8), { kind: 'undelivered', accepted: false })
      expect(await store.countOwed('a.test', 1001)).toBe(5)
      await store.mark(idOf(8), served('GET /data'))
      expect(await store.countOwed('a.test', 1001)).toBe(4)
      await store.mark(idOf(1), { kind: 'abandoned' })
      expect(await store.countOwed('a.test', 1001)).toBe(3)
    })

    test('R-PAY-40 a hundred at once are a hundred', async () => {
      const store = await createStore()
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => store.put(token({ id: idOf(i % 50) }))),
      )
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => store.mark(idOf(i % 50), served(`GET /${i}`))),
      )
      const all = await store.list()
      expect(all.length).toBe(50)
      for (const { usesSeen, servedRoutes } of all) {
        expect([usesSeen, servedRoutes.length]).toEqual([2, 2])
      }
    })
  })

  test(`R-PAY-43 ${name}: agrees with a plain list of tokens, whatever happens`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (commands) => {
        const store = await createStore()
        const model = new Map<string, StoredToken>()
        let now = 1000
        for (const one of commands) {
          now += one.seconds
          const id = idOf(one.number)
          if (one.kind === 'put') {
            const next = token({ ...one.token, id, boughtAtSeconds: now })
            if (!model.has(id)) model.set(id, next)
            await store.put(next)
          } else {
            const known = model.get(id)
            if (known !== undefined) model.set(id, markToken(known, one.mark))
            await store.mark(id, one.mark)
          }
          expect(await store.find(id)).toEqual(model.get(id))
        }
        const all = [...model.values()]
        expect(await store.list()).toEqual(all)
        for (const origin of origins) {
          const usable = all.filter((held) => held.origin === origin && mayOpen(held, now))
          expect(await store.usable(origin, now)).toEqual(usable.reverse())
        }
        for (const host of new Set(origins.map(hostOf))) {
          const owed = all.filter(
            (held) =>
              hostOf(held.origin) === host && held.standing === 'owed' && mayOpen(held, now),
          )
          expect(await store.countOwed(host, now)).toBe(owed.length)
        }
      }),
      { numRuns: 100 },
    )
  })
}

const origins = ['https://a.test', 'https://a.test:8443', 'https://b.test']
const target = fc.constantFrom('GET /data?x=1', 'GET /data?x=2', 'POST /b')
const mark: fc.Arbitrary<TokenMark> = fc.oneof(
  fc.record({
    kind: fc.constant('served' as const),
    target,
    used: fc.boolean(),
    asked: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('refused' as const),
    target,
    sells: fc.constantFrom(undefined, facts.coverage, 'other'),
  }),
  fc.constantFrom<TokenMark>(
    { kind: 'undelivered', accepted: false },
    { kind: 'undelivered', accepted: true },
    { kind: 'abandoned' },
  ),
)
const base = { seconds: fc.constantFrom(0, 1, 900, 50_000), number: fc.nat(8) }
const command = fc.oneof(
  fc.record({
    ...base,
    kind: fc.constant('put' as const),
    token: fc.record({
      origin: fc.constantFrom(...origins),
      target,
      facts: fc.constantFrom(undefined, facts, { ...facts, uses: 2, validUntilSeconds: 60_000 }),
      standing: fc.constantFrom('new' as const, 'owed' as const),
    }),
  }),
  fc.record({ ...base, kind: fc.constant('mark' as const), mark }),
)
