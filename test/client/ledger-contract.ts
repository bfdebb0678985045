import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Msat } from '../../library/src/amount/index.ts'
import { maxMsat, msat } from '../../library/src/amount/index.ts'
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
    walletId: undefined,
    orderLagSeconds: undefined,
    ...change,
  }
}

const other = { paymentHash: hashOf(2), target: 'GET /other', coverage: 'other' }

const preimage = 'cd'.repeat(32)
const settled = (feeMsat = 1n): PaymentRecord => ({
  state: 'settled',
  preimage,
  feeMsat: msat(feeMsat),
  owed: false,
})
const failed: PaymentRecord = { state: 'failed', failure: 'no-route' }
const neverSent: PaymentRecord = { state: 'failed', failure: 'never-sent' }
const unknown: PaymentRecord = { state: 'unknown' }

/** What every ledger does, wherever it keeps its entries. */
export function describeLedger(name: string, createLedger: () => Ledger | Promise<Ledger>): void {
  describe(`R-PAY-31 ${name}: begin`, () => {
    test('writes the intent and sets its money aside', async () => {
      const ledger = await createLedger()
      expect(await ledger.begin(intent(), noLimits)).toEqual({ status: 'begun', attempt: 1 })
      expect(await ledger.find(hashOf(1))).toEqual({
        ...intent(),
        attempt: 1,
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
      [
        'the same hash at another origin, once it was never sent',
        [neverSent],
        { origin: 'https://b.test', host: 'b.test' },
        'begun',
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
        for (const record of before) await ledger.record(hashOf(1), record, 1001, 1)
        expect((await ledger.begin(intent(next), noLimits)).status).toBe(status)
      })
    }

    test('R-PAY-19 of a hash that any wallet had an order for, stays at its origin', async () => {
      const ledger = await createLedger()
      for (const [attempt, news] of [failed, neverSent].entries()) {
        expect(await ledger.begin(intent(), noLimits)).toMatchObject({ attempt: attempt + 1 })
        await ledger.record(hashOf(1), news, 1001, attempt + 1)
      }
      const other = intent({ origin: 'https://b.test', host: 'b.test' })
      expect((await ledger.begin(other, noLimits)).status).toBe('known')
      expect((await ledger.begin(intent(), noLimits)).status).toBe('begun')
    })

    test('R-PAY-19 of a hash that was never sent twice is free for another origin', async () => {
      const ledger = await createLedger()
      for (const attempt of [1, 2]) {
        await ledger.begin(intent(), noLimits)
        await ledger.send(hashOf(1), attempt)
        await ledger.record(hashOf(1), neverSent, 1001, attempt)
      }
      const other = intent({ origin: 'https://b.test', host: 'b.test' })
      expect(await ledger.begin(other, noLimits)).toEqual({ status: 'begun', attempt: 3 })
      expect(await ledger.find(hashOf(1))).toMatchObject({ ...other, state: 'intent' })
      expect(await ledger.unfinished('https://a.test')).toEqual([])
      expect((await ledger.begin(intent(), noLimits)).status).toBe('known')
    })

    test('R-PAY-89 at a host that owes as much as it may: crowded, and changes nothing', async () => {
      const ledger = await createLedger()
      const limits = { ...noLimits, maxUndelivered: 2 }
      const thing = (number: number, change: Partial<PaymentIntent> = {}): PaymentIntent =>
        intent({
          paymentHash: hashOf(number),
          origin: `https://a.test:${number}`,
          target: `GET /${number}`,
          coverage: `${number}`,
          ...change,
        })
      await ledger.begin(thing(1), limits)
      await ledger.begin(thing(2), limits)
      const crowded = { status: 'crowded', passes: true }
      expect(await ledger.begin(thing(3), limits)).toEqual(crowded)
      expect(await ledger.find(hashOf(3))).toBeUndefined()
      expect((await ledger.spending(1000)).heldMsat).toBe(220n)
      // Neither another host, nor what buys no token, nor who sets no limit has to do with it.
      const elsewhere = thing(4, { host: 'b.test', origin: 'https://b.test' })
      expect((await ledger.begin(elsewhere, limits)).status).toBe('begun')
      expect((await ledger.begin(thing(5, { token: undefined }), limits)).status).toBe('begun')
      expect((await ledger.begin(thing(6), noLimits)).status).toBe('begun')
      for (const number of [5, 6]) await ledger.abandon(hashOf(number))

      // What nobody can tell the end of makes no room by waiting.
      for (const number of [1, 2]) await ledger.record(hashOf(number), unknown, 1001, 1)
      expect(await ledger.begin(thing(3), limits)).toEqual({ status: 'crowded', passes: false })
      await ledger.abandon(hashOf(1))
      expect((await ledger.begin(thing(3), limits)).status).toBe('begun')
      await ledger.record(hashOf(2), failed, 1001, 1)
      expect((await ledger.begin(thing(7), limits)).status).toBe('begun')
    })

    test('R-PAY-74 of the same thing once it was written off: begun, with both held', async () => {
      const ledger = await createLedger()
      await ledger.begin(intent(), noLimits)
      await ledger.abandon(hashOf(1))
      const next = intent({ paymentHash: hashOf(2) })
      expect(await ledger.begin(next, noLimits)).toEqual({ status: 'begun', attempt: 1 })
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
      expect(await ledger.send(hashOf(1), 1)).toBe(true)
      expect(await ledger.send(hashOf(1), 1)).toBe(false)
      expect(await ledger.send(hashOf(9), 1)).toBe(false)
      expect((await ledger.find(hashOf(1)))?.state).toBe('sending')
    })

    test('R-PAY-88 that failed and begins again is another attempt', async () => {
      const ledger = await createLedger()
      for (const attempt of [1, 2, 3]) {
        const begun = await ledger.begin(intent({ createdAtSeconds: 1000 + attempt }), noLimits)
        expect(begun).toEqual({ status: 'begun', attempt })
        expect((await ledger.find(hashOf(1)))?.attempt).toBe(attempt)
        for (const other of [attempt - 1, attempt + 1]) {
          expect(await ledger.send(hashOf(1), other)).toBe(false)
        }
        expect(await ledger.send(hashOf(1), attempt)).toBe(true)
        await ledger.record(hashOf(1), failed, 1001, attempt)
      }
      expect((await ledger.list()).length).toBe(1)
    })

    for (const [what, news] of [
      ['failed', failed],
      ['was never sent', neverSent],
      ['is unknown', unknown],
    ] as const) {
      test(`R-PAY-88 is left alone by late news that an earlier attempt ${what}`, async () => {
        const ledger = await createLedger()
        await ledger.begin(intent(), noLimits)
        await ledger.record(hashOf(1), failed, 1001, 1)
        await ledger.begin(intent(), noLimits)
        const intended = await ledger.find(hashOf(1))
        await ledger.record(hashOf(1), news, 1002, 1)
        expect(await ledger.find(hashOf(1))).toEqual(intended)
        await ledger.send(hashOf(1), 2)
        await ledger.record(hashOf(1), news, 1002, 1)
        expect(await ledger.find(hashOf(1))).toMatchObject({ state: 'sending', attempt: 2 })
        expect((await ledger.spending(1002)).heldMsat).toBe(110n)
        await ledger.record(hashOf(1), news, 1002, 2)
        expect((await ledger.find(hashOf(1)))?.state).toBe(news.state)
      })
    }

    test('R-PAY-88 is settled by late news that an earlier attempt settled', async () => {
      const ledger = await createLedger()
      await ledger.begin(intent(), noLimits)
      await ledger.record(hashOf(1), failed, 1001, 1)
      await ledger.begin(intent(), noLimits)
      await ledger.send(hashOf(1), 2)
      await ledger.record(hashOf(1), settled(), 1002, 1)
      expect(await ledger.find(hashOf(1))).toMatchObject({ state: 'settled', preimage })
      expect((await ledger.spending(1002)).totalMsat).toBe(101n)
    })

    test('R-PAY-87 remembers the wallet that is to pay it', async () => {
      const ledger = await createLedger()
      const named = intent({ walletId: 'wallet-é', orderLagSeconds: 0.5 })
      await ledger.begin(named, noLimits)
      expect(await ledger.find(hashOf(1))).toMatchObject(named)
      expect((await ledger.unfinished())[0]).toMatchObject(named)
    })

    test('R-PAY-36 of a wallet that names more than there is makes no sum more than that', async () => {
      const ledger = await createLedger()
      const numbers = [1, 2, 3, 4, 5, 6]
      const thing = (number: number): PaymentIntent =>
        intent({ paymentHash: hashOf(number), target: `GET /${number}`, coverage: `${number}` })
      for (const number of numbers) await ledger.begin(thing(number), noLimits)
      await ledger.record(hashOf(6), failed, 1001, 1)
      for (const number of numbers) {
        await ledger.record(hashOf(number), settled(maxMsat), 1001, 1)
        const { hourMsat, dayMsat, totalMsat } = await ledger.spending(1001)
        expect(totalMsat).toBe(maxMsat)
        expect(hourMsat).toBeLessThanOrEqual(maxMsat)
        expect(dayMsat).toBeLessThanOrEqual(maxMsat)
      }
      // 100 for each, 110 set aside for each of the four others, and the fee is the rest.
      expect((await ledger.find(hashOf(1)))?.feeMsat).toBe(maxMsat - 100n - 440n)
      const begun = await ledger.begin(thing(7), { ...noLimits, maxTotalMsat: maxMsat })
      expect(begun).toEqual({ status: 'exceeded', limit: 'total', leftMsat: 0n })
    })

    test('R-PAY-34 is not sent once somebody else ended it', async () => {
      const ledger = await createLedger()
      await ledger.begin(intent(), noLimits)
      await ledger.record(hashOf(1), { state: 'failed', failure: 'never-sent' }, 1001, 1)
      expect(await ledger.send(hashOf(1), 1)).toBe(false)
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
        await ledger.send(hashOf(1), 1)
        for (const record of records) await ledger.record(hashOf(1), record, 1001, 1)
        const entry = await ledger.find(hashOf(1))
        expect(entry?.state).toBe(state)
        expect(entry?.preimage).toBe(state === 'settled' ? preimage : undefined)
        expect((await ledger.spending(1001)).totalMsat).toBe(totalMsat)
      })
    }

    test('R-PAY-38 is unfinished until its token is kept', async () => {
      const ledger = await createLedger()
      await ledger.begin(intent(), noLimits)
      await ledger.begin(intent({ paymentHash: hashOf(2), origin: 'https://b.test' }), noLimits)
      const names = async (origin?: string): Promise<readonly string[]> =>
        (await ledger.unfinished(origin)).map(({ paymentHash }) => paymentHash)
      expect(await names()).toEqual([hashOf(1), hashOf(2)])
      expect(await names('https://b.test')).toEqual([hashOf(2)])
      await ledger.record(hashOf(2), failed, 1001, 1)
      await ledger.record(hashOf(1), settled(), 1001, 1)
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
      await ledger.record(hashOf(1), owed, 1001, 1)
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
      expect(await ledger.begin(bare, noLimits)).toEqual({ status: 'begun', attempt: 1 })
      expect(await ledger.find(hashOf(1))).toMatchObject({ ...bare, tokenStored: false })
      expect((await ledger.unfinished()).length).toBe(1)
      expect((await ledger.unfinished(`lightning:${payee}`)).length).toBe(1)
      await ledger.send(hashOf(1), 1)
      await ledger.record(hashOf(1), settled(), 1001, 1)
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
      await ledger.send(hashOf(1), 1)
      expect(await ledger.paidBefore('a.test')).toBe(false)
      await ledger.record(hashOf(1), unknown, 1001, 1)
      expect(await ledger.paidBefore('a.test')).toBe(false)
      await ledger.record(hashOf(1), failed, 1001, 1)
      expect(await ledger.paidBefore('a.test')).toBe(false)
      await ledger.begin(intent({ paymentHash: hashOf(2) }), noLimits)
      await ledger.record(hashOf(2), settled(), 1002, 1)
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
      await ledger.record(hashOf(1), settled(), 1500, 1)
      const at = async (seconds: number): Promise<readonly bigint[]> => {
        const { hourMsat, dayMsat, totalMsat } = await ledger.spending(seconds)
        return [hourMsat, dayMsat, totalMsat]
      }
      expect(await at(1500 + 3599)).toEqual([101n, 101n, 101n])
      expect(await at(1500 + 3600)).toEqual([0n, 101n, 101n])
      expect(await at(1500 + 86_399)).toEqual([0n, 101n, 101n])
      expect(await at(1500 + 86_400)).toEqual([0n, 0n, 101n])
      // R-PAY-26: who only looks teaches no time.
      expect(await at(1600)).toEqual([101n, 101n, 101n])
    })

    for (const [what, note] of [
      [
        'began',
        (ledger: Ledger) => ledger.begin(intent({ ...other, createdAtSeconds: 5100 }), noLimits),
      ],
      ['ended', (ledger: Ledger) => ledger.record(hashOf(2), failed, 5100, 1)],
    ] as const) {
      test(`R-PAY-26 is over when one ${what} after its hour, also once the clock is set back`, async () => {
        const ledger = await createLedger()
        await ledger.begin(intent(), noLimits)
        await ledger.record(hashOf(1), settled(), 1500, 1)
        if (what === 'ended')
          await ledger.begin(intent({ ...other, createdAtSeconds: 1500 }), noLimits)
        const payment = { host: 'a.test', costMsat: msat(0n), nowSeconds: 90_000 }
        await ledger.limitReached(payment, noLimits)
        expect((await ledger.spending(1600)).hourMsat).toBeGreaterThanOrEqual(101n)
        await note(ledger)
        const { hourMsat, dayMsat, heldMsat } = await ledger.spending(1600)
        expect([hourMsat - heldMsat, dayMsat - heldMsat]).toEqual([0n, 101n])
      })
    }

    test('R-PAY-25 counts while it has not ended, however long ago it began', async () => {
      const ledger = await createLedger()
      await ledger.begin(intent(), noLimits)
      await ledger.record(hashOf(1), unknown, 1001, 1)
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
          } else {
            const entry = await ledger.find(hashOf(one.number))
            const attempt = (entry?.attempt ?? 0) - (one.isLate ? 1 : 0)
            if (entry === undefined) continue
            await ledger.record(hashOf(one.number), one.record, now, attempt)
            if (!one.isLate || one.record.state === 'settled') {
              model.record(hashOf(one.number), one.record, now)
            }
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
    isLate: fc.nat(3).map((n) => n === 0),
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
