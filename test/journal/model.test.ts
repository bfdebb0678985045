import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Msat } from '../../library/src/amount/index.ts'
import { msat } from '../../library/src/amount/index.ts'
import type {
  BudgetLimits,
  Ledger,
  PaymentRecord,
  StoredToken,
  TokenMark,
  TokenStore,
} from '../../library/src/client/index.ts'
import { createMemoryLedger, createMemoryTokenStore } from '../../library/src/client/index.ts'
import type { Journal } from '../../library/src/journal/index.ts'
import { intentOf, openAt, proofOf, scratchFolders, settledBy } from './scratch-journal.ts'

const newFolder = scratchFolders()

const limits: BudgetLimits = {
  maxTotalMsat: msat(6000n),
  perDayMsat: msat(3000n),
  perHourMsat: msat(1500n),
  perHostMsat: msat(2500n),
}

/** The journal beside the ledger in memory, and the one clock of both, which anybody may set. */
type World = { path: string; journal: Journal; nowSeconds: number }
type Model = { ledger: Ledger }
type Step = fc.AsyncCommand<Model, World>

const hosts = ['a.test', 'b.test'] as const
const seen = new Map<string, number>()
const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1)

/** Does the same to both, which have to answer the same. */
async function same<T>(name: string, one: Promise<T>, other: Promise<T>): Promise<T | undefined> {
  const [expected, actual] = await Promise.allSettled([one, other])
  if (expected.status === 'rejected') {
    expect(actual.status, name).toBe('rejected')
    expect(String((actual as PromiseRejectedResult).reason), name).toBe(String(expected.reason))
    return undefined
  }
  expect(actual, name).toEqual(expected)
  return expected.value
}

function step(name: string, run: (memory: Ledger, world: World) => Promise<void>): Step {
  return {
    check: () => true,
    async run({ ledger }, world) {
      await run(ledger, world)
      const disk = world.journal.ledger
      await same(
        `${name}: spending`,
        ledger.spending(world.nowSeconds),
        disk.spending(world.nowSeconds),
      )
      await same(`${name}: unfinished`, ledger.unfinished(), disk.unfinished())
      for (const host of hosts) {
        const payment = { host, costMsat: msat(900n), nowSeconds: world.nowSeconds }
        const reached = ledger.limitReached(payment, limits)
        await same(`${name}: limit`, reached, disk.limitReached(payment, limits))
        await same(`${name}: paid before`, ledger.paidBefore(host), disk.paidBefore(host))
        const origin = `https://${host}`
        await same(`${name}: at ${host}`, ledger.unfinished(origin), disk.unfinished(origin))
      }
    },
    toString: () => name,
  }
}

const number = fc.nat(4)
/** Whether what is told is about the latest attempt, or about one before. */
const ago = fc.constantFrom(0, 0, 0, 1)
const steps: fc.Arbitrary<Step>[] = [
  fc
    .record({
      number,
      host: fc.constantFrom(...hosts),
      thing: fc.nat(3),
      variant: fc.nat(1),
      coverage: fc.option(fc.nat(3), { nil: undefined }),
      amount: fc.integer({ min: 1, max: 900 }),
      fee: fc.integer({ min: 0, max: 200 }),
      bare: fc.nat(9).map((n) => n === 0),
    })
    .map(({ number, host, thing, variant, coverage, amount, fee, bare }) =>
      step(
        `begin ${number} at ${host}, ${thing}?${variant} of ${coverage}`,
        async (memory, world) => {
          const { nowSeconds, journal } = world
          const target = `GET /${thing}?${variant}`
          const intent = intentOf(number, {
            host,
            origin: `https://${host}`,
            target,
            coverage: coverage === undefined ? undefined : `c${coverage}`,
            amountMsat: msat(BigInt(amount)),
            maxFeeMsat: msat(BigInt(fee)),
            createdAtSeconds: nowSeconds,
            leaseUntilSeconds: nowSeconds + 90,
            walletId: amount % 2 === 0 ? undefined : `wallet ${amount}`,
            orderLagSeconds: amount % 3 === 0 ? undefined : amount / 7,
            ...(bare ? { token: undefined } : {}),
          })
          const begun = await same(
            'begin',
            memory.begin(intent, limits),
            journal.ledger.begin(intent, limits),
          )
          count(begun?.status ?? 'refused')
        },
      ),
    ),
  fc.record({ number, ago }).map(({ number, ago }) =>
    step(`send ${number}, ${ago} attempts ago`, async (memory, { journal }) => {
      const { hash } = proofOf(number)
      const attempt = ((await memory.find(hash))?.attempt ?? 1) - ago
      const sent = memory.send(hash, attempt)
      count(`sent ${await same('send', sent, journal.ledger.send(hash, attempt))}`)
    }),
  ),
  fc
    .record({
      number,
      kind: fc.constantFrom('settled', 'failed', 'failed', 'never-sent', 'unknown'),
      ago,
      fee: fc.nat(300),
      owed: fc.boolean(),
    })
    .map(({ number, kind, ago, fee, owed }) =>
      step(
        `record ${number}, ${ago} attempts ago, as ${kind}`,
        async (memory, { journal, nowSeconds }) => {
          const { hash } = proofOf(number)
          const records: Record<string, PaymentRecord> = {
            settled: { ...settledBy(number, BigInt(fee)), owed } as PaymentRecord,
            failed: { state: 'failed', failure: 'no-route' },
            'never-sent': { state: 'failed', failure: 'never-sent' },
            unknown: { state: 'unknown' },
          }
          const { ledger } = journal
          const news = records[kind]!
          const attempt = ((await memory.find(hash))?.attempt ?? 1) - ago
          await same(
            'record',
            memory.record(hash, news, nowSeconds, attempt),
            ledger.record(hash, news, nowSeconds, attempt),
          )
          // In the file the token is kept in the same moment; in memory somebody has to say so.
          const entry = await memory.find(hash)
          if (entry?.state !== 'settled') return
          count('settled')
          if (ago > 0 && kind === 'settled') count('settled late')
          await memory.noteTokenStored(hash)
          await ledger.noteTokenStored(hash)
        },
      ),
    ),
  number.map((number) =>
    step(`abandon ${number}`, async (memory, { journal }) => {
      const { hash } = proofOf(number)
      await same('abandon', memory.abandon(hash), journal.ledger.abandon(hash))
    }),
  ),
  fc
    .constantFrom(0.25, 1, 50, 1800, 3599, 3600, 40_000, 86_400, -1, -3600, -200_000)
    .map((seconds) =>
      step(`the clock jumps by ${seconds}`, async (_, world) => {
        world.nowSeconds = Math.max(0, world.nowSeconds + seconds)
      }),
    ),
  fc.constant(
    step('reopen', async (_, world) => {
      count('reopened')
      await world.journal.close()
      world.journal = await openAt(world.path, { now: () => world.nowSeconds })
    }),
  ),
]

describe('R-JRN-16 the journal beside a ledger and a token store in memory', () => {
  test('answers the same to any history of payments', async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(steps, { maxCommands: 120, size: 'max' }), async (commands) => {
        const path = join(newFolder(), 'journal.db')
        const world: World = { path, journal: await openAt(path), nowSeconds: 1000 }
        const ledger = createMemoryLedger()
        await fc.asyncModelRun(() => ({ model: { ledger }, real: world }), commands)
        await same('list', ledger.list(), world.journal.ledger.list())
        await world.journal.close()
      }),
      { numRuns: 150 },
    )
    for (const what of ['begun', 'known', 'open', 'exceeded', 'sent true', 'settled', 'reopened']) {
      expect(seen.get(what) ?? 0, what).toBeGreaterThan(20)
    }
  }, 240_000)

  test('answers the same about any history of tokens', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tokenStep, { minLength: 5, maxLength: 60 }), async (history) => {
        const path = join(newFolder(), 'journal.db')
        let journal = await openAt(path)
        const memory = createMemoryTokenStore()
        for (const one of history) {
          if (one.kind === 'reopen') {
            await journal.close()
            journal = await openAt(path)
          } else {
            await one.run(memory)
            await one.run(journal.tokens)
          }
          await compareTokens(memory, journal.tokens, one.nowSeconds)
        }
        await journal.close()
      }),
      { numRuns: 60 },
    )
  }, 240_000)
})

async function compareTokens(
  memory: TokenStore,
  disk: TokenStore,
  nowSeconds: number,
): Promise<void> {
  const all = await memory.list()
  expect(await disk.list()).toEqual(all)
  for (const origin of ['https://a.test', 'https://a.test:8443', 'https://b.test']) {
    const usable = await disk.usable(origin, nowSeconds)
    const ids = new Set((await memory.usable(origin, nowSeconds)).map(({ id }) => id))
    expect(usable).toEqual(all.filter(({ id }) => ids.has(id)).reverse())
  }
  for (const host of hosts) {
    expect(await disk.countOwed(host, nowSeconds)).toBe(await memory.countOwed(host, nowSeconds))
  }
  for (const { id } of all) expect(await disk.find(id)).toEqual(await memory.find(id))
  expect(await disk.find('f'.repeat(32))).toBeUndefined()
}

function token(number: number, change: Partial<StoredToken>): StoredToken {
  const { hash, preimage } = proofOf(number)
  return {
    id: number.toString(16).padStart(32, '0'),
    origin: 'https://a.test',
    scheme: 'LSAT',
    token: `AgEE${number}`,
    paymentHash: hash,
    preimage,
    amountMsat: msat(1000n),
    feeMsat: 0n as Msat,
    target: 'GET /a',
    boughtAtSeconds: 1000.5,
    facts: undefined,
    enforces: ['exp'],
    standing: 'new',
    usesSeen: 0,
    servedRoutes: [],
    refusedTargets: [],
    ...change,
  }
}

const target = fc.constantFrom('GET /a', 'GET /b', 'GET /a?x=1')
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
    sells: fc.constantFrom(undefined, 'data', 'other'),
  }),
  fc.record({ kind: fc.constant('undelivered' as const), accepted: fc.boolean() }),
  fc.constant<TokenMark>({ kind: 'abandoned' }),
)
const nowSeconds = fc.constantFrom(0, 1000, 5000, 87_400, 87_401, 200_000)
type TokenStep =
  | { readonly kind: 'reopen'; readonly nowSeconds: number }
  | {
      readonly kind: 'do'
      readonly nowSeconds: number
      readonly run: (store: TokenStore) => Promise<void>
    }
const tokenStep: fc.Arbitrary<TokenStep> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        nowSeconds,
        number: fc.nat(7),
        origin: fc.constantFrom('https://a.test', 'https://a.test:8443', 'https://b.test'),
        until: fc.constantFrom(undefined, 'opaque', 5000, 100_000),
        standing: fc.constantFrom('new' as const, 'owed' as const),
      })
      .map(({ nowSeconds, number, origin, until, standing }) => {
        const facts =
          until === 'opaque'
            ? undefined
            : {
                paymentHash: proofOf(number).hash,
                service: 'shop',
                capability: undefined,
                validUntilSeconds: until as number | undefined,
                uses: 3,
                coverage: 'data',
              }
        const one = token(number, { origin, standing, facts })
        return { kind: 'do' as const, nowSeconds, run: (store: TokenStore) => store.put(one) }
      }),
  },
  {
    weight: 6,
    arbitrary: fc
      .record({ nowSeconds, number: fc.nat(8), mark })
      .map(({ nowSeconds, number, mark }) => ({
        kind: 'do' as const,
        nowSeconds,
        run: (store: TokenStore) => store.mark(token(number, {}).id, mark),
      })),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const), nowSeconds }) },
)
