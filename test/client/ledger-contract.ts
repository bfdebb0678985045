import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Msat } from '../../library/src/amount/index.ts'
import { msat } from '../../library/src/amount/index.ts'
import type {
  BudgetLimits,
  Ledger,
  PaymentEntry,
  PaymentIntent,
  PaymentRecord,
} from '../../library/src/client/index.ts'

const noLimits: BudgetLimits = {
  maxTotalMsat: msat(10n ** 12n),
  perHourMsat: undefined,
  perDayMsat: undefined,
  perHostMsat: undefined,
}

export function hashOf(number: number): string {
  return number.toString(16).padStart(64, '0')
}

function intent(change: Partial<PaymentIntent> = {}): PaymentIntent {
  return {
    paymentHash: hashOf(1),
    origin: 'https://a.test',
    host: 'a.test',
    method: 'GET',
    url: 'https://a.test/data',
    target: 'GET /data',
    coverage: 'data',
    hasBody: false,
    scheme: 'L402',
    token: 'AgEE',
    invoice: 'lnbcrt1',
    amountMsat: msat(100n),
    maxFeeMsat: msat(10n),
    enforces: ['exp', 'req'],
    decidedBy: 'policy',
    createdAtSeconds: 1000,
    leaseUntilSeconds: 1090,
    ...change,
  }
}

const preimage = 'cd'.repeat(32)
const settled = (feeMsat = 1n): PaymentRecord => ({
  state: 'settled',
  preimage,
  feeMsat: msat(feeMsat),
  owed: false,
})
const failed: PaymentRecord = { state: 'failed', failure: 'no-route' }
const unknown: PaymentRecord = { state: 'unknown' }

/** What every ledger does, wherever it keeps its entries. */
export function describeLedger(name: string, createLedger: () => Ledger | Promise<Ledger>): void {
  describe(`R-PAY-31 ${name}: begin`, () => {
    test('writes the intent and sets its money aside', async () => {
      const ledger = await createLedger()
      expect(await ledger.begin(intent(), noLimits)).toEqual({ status: 'begun' })
      expect(await ledger.find(hashOf(1))).toEqual({
        ...intent(),
        state: 'intent',
        preimage: undefined,
        feeMsat: undefined,
        failure: undefined,
        endedAtSeconds: undefined,
        tokenStored: false,
        abandoned: false,
      })
      expect(await ledger.spending(1000)).toEqual({
        hourMsat: 110n,
        dayMsat: 110n,
        totalMsat: 110n,
        heldMsat: 110n,
      })
    })

    for (const [what, before, next, status] of [
      ['the same hash while it is open', [], {}, 'known'],
      ['the same hash once it is unknown', [unknown], {}, 'known'],
      ['the same hash once it settled', [settled()], {}, 'known'],
      ['the same hash once it failed', [failed], {}, 'begun'],
      [
        'the same hash at another origin, although it failed',
        [failed],
        { origin: 'https://b.test' },
        'known',
      ],
      ['another hash for the same target', [], { paymentHash: hashOf(2), coverage: 'b' }, 'open'],
      [
        'another hash of the same coverage',
        [],
        { paymentHash: hashOf(2), target: 'GET /other' },
        'open',
      ],
      [
        'another hash for the same path, with a token nobody can read',
        [],
        { paymentHash: hashOf(2), target: 'GET /data?x', coverage: undefined },
        'open',
      ],
      [
        'another coverage of the same path',
        [],
        { paymentHash: hashOf(2), target: 'GET /data?x', coverage: 'b' },
        'begun',
      ],
      ['the same thing once it settled', [settled()], { paymentHash: hashOf(2) }, 'begun'],
      ['the same thing once it failed', [failed], { paymentHash: hashOf(2) }, 'begun'],
      [
        'the same thing at another origin',
        [],
        { paymentHash: hashOf(2), origin: 'https://b.test' },
        'begun',
      ],
    ] as const satisfies readonly (readonly [
      string,
      readonly PaymentRecord[],
      Partial<PaymentIntent>,
      string,
    ])[]) {
      test(`of ${what}: ${status}`, async () => {
        const ledger = await createLedger()
        await ledger.begin(intent(), noLimits)
        for (const record of before) await ledger.record(hashOf(1), record, 1001)
        expect((await ledger.begin(intent(next), noLimits)).status).toBe(status)
      })
    }

    test('R-PAY-74 of the same thing once it was written off: begun, with both held', async () => {
      const ledger = await createLedger()
      await ledger.begin(intent(), noLimits)
      await ledger.abandon(hashOf(1))
      const next = intent({ paymentHash: hashOf(2) })
      expect(await ledger.begin(next, noLimits)).toEqual({ status: 'begun' })
      expect((await ledger.spending(1000)).heldMsat).toBe(220n)
    })

    for (const [limit, limits] of [
      ['total', { maxTotalMsat: msat(219n) }],
      ['per-host', { perHostMsat: msat(219n) }],
      ['per-day', { perDayMsat: msat(219n) }],
      ['per-hour', { perHourMsat: msat(219n) }],
    ] as const) {
      test(`R-PAY-24 past a limit (${limit}) changes nothing`, async () => {
        const ledger = await createLedger()
        const all = { ...noLimits, ...limits }
        await ledger.begin(intent(), all)
        const next = intent({ paymentHash: hashOf(2), target: 'GET /b', coverage: 'b' })
        const exceeded = { limit, leftMsat: 109n }
        expect(await ledger.begin(next, all)).toEqual({ status: 'exceeded', ...exceeded })
        expect(await ledger.find(hashOf(2))).toBeUndefined()
        expect((await ledger.spending(1000)).totalMsat).toBe(110n)
        const payment = { host: 'a.test', costMsat: msat(110n), nowSeconds: 1000 }
        expect(await ledger.limitReached(payment, all)).toEqual(exceeded)
        const less = { ...payment, costMsat: msat(109n) }
        expect(await ledger.limitReached(less, all)).toBeUndefined()
      })
    }

    test('R-PAY-24 of a hundred at once lets in as many as fit', async () => {
      const ledger = await createLedger()
      const limits = { ...noLimits, maxTotalMsat: msat(1100n) }
      const all = await Promise.all(
        Array.from({ length: 100 }, (_, i) => {
          const one = { paymentHash: hashOf(i), target: `GET /${i}`, coverage: `${i}` }
          return ledger.begin(intent(one), limits)
        }),
      )
      expect(all.filter(({ status }) => status === 'begun').length).toBe(10)
    })
  })

  describe(`${name}: a payment`, () => {
    test('R-PAY-34 is sent once, and only as an intent', async () => {
      const ledger = await createLedger()
      await ledger.begin(intent(), noLimits)
      expect(await ledger.send(hashOf(1))).toBe(true)
      expect(await ledger.send(hashOf(1))).toBe(false)
      expect(await ledger.send(hashOf(9))).toBe(false)
      expect((await ledger.find(hashOf(1)))?.state).toBe('sending')
    })

    test('R-PAY-34 is not sent once somebody else ended it', async () => {
      const ledger = await createLedger()
      await ledger.begin(intent(), noLimits)
      await ledger.record(hashOf(1), { state: 'failed', failure: 'never-sent' }, 1001)
      expect(await ledger.send(hashOf(1))).toBe(false)
    })

    for (const [records, state, totalMsat] of [
      [[settled()], 'settled', 101n],
      [[settled(), settled(9n)], 'settled', 101n],
      [[settled(), failed], 'settled', 101n],
      [[settled(), unknown], 'settled', 101n],
      [[failed], 'failed', 0n],
      [[failed, unknown], 'failed', 0n],
      [[failed, settled()], 'settled', 101n],
      [[unknown], 'unknown', 110n],
      [[unknown, settled(50n)], 'settled', 150n],
      [[unknown, failed], 'failed', 0n],
    ] as const) {
      const news = records.map((record) => record.state).join(', then ')
      test(`R-PAY-32 heard of as ${news}, is ${state}`, async () => {
        const ledger = await createLedger()
        await ledger.begin(intent(), noLimits)
        await ledger.send(hashOf(1))
        for (const record of records) await ledger.record(hashOf(1), record, 1001)
        const entry = await ledger.find(hashOf(1))
        expect(entry?.state).toBe(state)
        expect(entry?.preimage).toBe(state === 'settled' ? preimage : undefined)
        expect((await ledger.spending(1001)).totalMsat).toBe(totalMsat)
      })
    }

    test('R-PAY-38 is unfinished until its token is kept', async () => {
      const ledger = await createLedger()
      await ledger.begin(intent(), noLimits)
      const other = { paymentHash: hashOf(2), origin: 'https://b.test' }
      await ledger.begin(intent(other), noLimits)
      const names = async (origin?: string): Promise<readonly string[]> =>
        (await ledger.unfinished(origin)).map(({ paymentHash }) => paymentHash)
      expect(await names()).toEqual([hashOf(1), hashOf(2)])
      expect(await names('https://b.test')).toEqual([hashOf(2)])
      await ledger.record(hashOf(2), failed, 1001)
      await ledger.record(hashOf(1), settled(), 1001)
      // A ledger that is one with the token store may have kept the token by now.
      const { tokenStored } = (await ledger.find(hashOf(1)))!
      expect(await names()).toEqual(tokenStored ? [] : [hashOf(1)])
      await ledger.noteTokenStored(hashOf(1))
      expect(await names()).toEqual([])
      expect((await ledger.list()).map(({ paymentHash }) => paymentHash)).toEqual([
        hashOf(1),
        hashOf(2),
      ])
    })

    test('R-PAY-44 is settled once, whether it is owed or not', async () => {
      const ledger = await createLedger()
      await ledger.begin(intent(), noLimits)
      const owed: PaymentRecord = { state: 'settled', preimage, feeMsat: msat(2n), owed: true }
      await ledger.record(hashOf(1), owed, 1001)
      const entry = await ledger.find(hashOf(1))
      expect(entry).toMatchObject({ state: 'settled', preimage, feeMsat: 2n, endedAtSeconds: 1001 })
      await ledger.noteTokenStored(hashOf(1))
      expect((await ledger.find(hashOf(1)))?.tokenStored).toBe(true)
      expect(await ledger.unfinished()).toEqual([])
    })

    test('R-PAY-62 keeps the conditions of the server, in their order', async () => {
      const ledger = await createLedger()
      const enforces = Array.from({ length: 64 }, (_, i) => `condition-${i}=~,"'`)
      await ledger.begin(intent({ enforces }), noLimits)
      expect((await ledger.find(hashOf(1)))?.enforces).toEqual(enforces)
      expect((await ledger.unfinished())[0]?.enforces).toEqual(enforces)
    })

    test('R-BARE-3 for a bare invoice buys no token, and is finished once it settled', async () => {
      const ledger = await createLedger()
      const payee = `02${'ab'.repeat(32)}`
      const bare = intent({
        origin: `lightning:${payee}`,
        host: payee,
        url: `lightning:${payee}`,
        method: 'PAY',
        target: `PAY ${hashOf(1)}`,
        coverage: undefined,
        token: undefined,
        enforces: [],
      })
      expect(await ledger.begin(bare, noLimits)).toEqual({ status: 'begun' })
      expect(await ledger.find(hashOf(1))).toMatchObject({ ...bare, tokenStored: false })
      expect((await ledger.unfinished()).length).toBe(1)
      expect((await ledger.unfinished(`lightning:${payee}`)).length).toBe(1)
      await ledger.send(hashOf(1))
      await ledger.record(hashOf(1), settled(), 1001)
      expect(await ledger.unfinished()).toEqual([])
      expect(await ledger.find(hashOf(1))).toMatchObject({
        state: 'settled',
        preimage,
        token: undefined,
        tokenStored: true,
      })
      expect(await ledger.paidBefore(payee)).toBe(true)
    })

    test('R-PAY-82 makes its host one that was paid before, once it settled, and for good', async () => {
      const ledger = await createLedger()
      expect(await ledger.paidBefore('a.test')).toBe(false)
      await ledger.begin(intent(), noLimits)
      await ledger.send(hashOf(1))
      expect(await ledger.paidBefore('a.test')).toBe(false)
      await ledger.record(hashOf(1), unknown, 1001)
      expect(await ledger.paidBefore('a.test')).toBe(false)
      await ledger.record(hashOf(1), failed, 1001)
      expect(await ledger.paidBefore('a.test')).toBe(false)
      await ledger.begin(intent({ paymentHash: hashOf(2) }), noLimits)
      await ledger.record(hashOf(2), settled(), 1002)
      expect(await ledger.paidBefore('a.test')).toBe(true)
      await ledger.noteTokenStored(hashOf(2))
      await ledger.abandon(hashOf(2))
      expect(await ledger.paidBefore('a.test')).toBe(true)
      for (const other of ['b.test', 'A.test', 'www.a.test', '', 'a.tes_', '%']) {
        expect(await ledger.paidBefore(other)).toBe(false)
      }
    })

    test('R-PAY-25 counts for an hour and a day, and not a second longer', async () => {
      const ledger = await createLedger()
      await ledger.begin(intent(), noLimits)
      await ledger.record(hashOf(1), settled(), 1500)
      const at = async (seconds: number): Promise<readonly bigint[]> => {
        const { hourMsat, dayMsat, totalMsat } = await ledger.spending(seconds)
        return [hourMsat, dayMsat, totalMsat]
      }
      expect(await at(1500 + 3599)).toEqual([101n, 101n, 101n])
      expect(await at(1500 + 3600)).toEqual([0n, 101n, 101n])
      // R-PAY-26: what is over stays over when the clock is set back.
      expect(await at(1600)).toEqual([0n, 101n, 101n])
      expect(await at(1500 + 86_399)).toEqual([0n, 101n, 101n])
      expect(await at(1500 + 86_400)).toEqual([0n, 0n, 101n])
    })

    test('R-PAY-25 counts while it has not ended, however long ago it began', async () => {
      const ledger = await createLedger()
      await ledger.begin(intent(), noLimits)
      await ledger.record(hashOf(1), unknown, 1001)
      expect((await ledger.spending(1000 + 10 * 86_400)).hourMsat).toBe(110n)
    })
  })

  test(`R-PAY-24 ${name}: agrees with a plain list of what happened, whatever happens`, async () => {
    let refusals = 0
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 60 }), async (commands) => {
        const ledger = await createLedger()
        const model = new Model()
        let now = 1000
        for (const one of commands) {
          now += one.seconds
          if (one.kind === 'begin') {
            const { number, amount, fee, host } = one
            const next = intent({
              paymentHash: hashOf(number),
              origin: `https://${host}`,
              host,
              target: `GET /${number}`,
              coverage: `${number}`,
              amountMsat: msat(BigInt(amount)),
              maxFeeMsat: msat(BigInt(fee)),
              createdAtSeconds: now,
            })
            const begun = await ledger.begin(next, modelLimits)
            if (begun.status === 'exceeded') refusals++
            expect(begun.status).toBe(model.begin(next))
          } else if (await ledger.find(hashOf(one.number))) {
            await ledger.record(hashOf(one.number), one.record, now)
            model.record(hashOf(one.number), one.record, now)
          }
          const { hourMsat, dayMsat, totalMsat } = await ledger.spending(now)
          expect([hourMsat, dayMsat, totalMsat]).toEqual(model.sums(now))
          if (!model.isOverpaid) {
            expect(totalMsat).toBeLessThanOrEqual(modelLimits.maxTotalMsat)
            expect(hourMsat).toBeLessThanOrEqual(modelLimits.perHourMsat!)
            expect(dayMsat).toBeLessThanOrEqual(modelLimits.perDayMsat!)
          }
        }
      }),
      { numRuns: 300 },
    )
    expect(refusals).toBeGreaterThan(100)
  })
}

const modelLimits: BudgetLimits = {
  maxTotalMsat: msat(1500n),
  perDayMsat: msat(800n),
  perHourMsat: msat(500n),
  perHostMsat: msat(700n),
}

const base = { seconds: fc.constantFrom(0, 1, 100, 1000, 3600, 50_000), number: fc.nat(12) }
const command = fc.oneof(
  fc.record({
    ...base,
    kind: fc.constant('begin' as const),
    amount: fc.integer({ min: 1, max: 200 }),
    fee: fc.integer({ min: 0, max: 40 }),
    host: fc.constantFrom('a.test', 'b.test'),
  }),
  fc.record({
    ...base,
    kind: fc.constant('record' as const),
    record: fc.constantFrom(settled(0n), settled(), settled(60n), failed, unknown),
  }),
)

/** The definitions, without any care for speed. */
class Model {
  #entries: PaymentEntry[] = []
  /** A fee above its ceiling, or news of a settlement after a failure: money is a fact. */
  isOverpaid = false

  begin(next: PaymentIntent): string {
    const known = this.#entries.find(({ paymentHash }) => paymentHash === next.paymentHash)
    if (known !== undefined && (known.state !== 'failed' || known.origin !== next.origin)) {
      return 'known'
    }
    const costMsat = next.amountMsat + next.maxFeeMsat
    const [hourMsat, dayMsat, totalMsat] = this.sums(next.createdAtSeconds)
    const hostMsat = sum(this.#entries.filter(({ host }) => host === next.host))
    if (
      totalMsat! + costMsat > modelLimits.maxTotalMsat ||
      hostMsat + costMsat > modelLimits.perHostMsat! ||
      dayMsat! + costMsat > modelLimits.perDayMsat! ||
      hourMsat! + costMsat > modelLimits.perHourMsat!
    ) {
      return 'exceeded'
    }
    this.#entries = this.#entries.filter((entry) => entry !== known)
    this.#entries.push({ ...(next as PaymentEntry), state: 'intent' })
    return 'begun'
  }

  record(paymentHash: string, record: PaymentRecord, nowSeconds: number): void {
    this.#entries = this.#entries.map((entry) => {
      if (entry.paymentHash !== paymentHash || entry.state === 'settled') return entry
      if (entry.state === 'failed' && record.state !== 'settled') return entry
      const late = entry.state === 'failed'
      if (record.state === 'settled' && (late || record.feeMsat > entry.maxFeeMsat)) {
        this.isOverpaid = true
      }
      return { ...entry, ...record, endedAtSeconds: nowSeconds }
    })
  }

  sums(nowSeconds: number): readonly Msat[] {
    const within = (seconds: number): Msat =>
      sum(
        this.#entries.filter(
          ({ state, endedAtSeconds }) =>
            state !== 'settled' || endedAtSeconds! > nowSeconds - seconds,
        ),
      )
    return [within(3600), within(86_400), sum(this.#entries)]
  }
}

function sum(entries: readonly PaymentEntry[]): Msat {
  let total = 0n
  for (const { state, amountMsat, feeMsat, maxFeeMsat } of entries) {
    if (state === 'failed') continue
    total += amountMsat + (state === 'settled' ? feeMsat! : maxFeeMsat)
  }
  return msat(total)
}
