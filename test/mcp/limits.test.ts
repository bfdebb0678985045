import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { L402Error } from '../../library/src/errors.ts'
import type { Payer } from '../../library/src/lightning/index.ts'
import { openMarket } from '../client/market.ts'
import { startSeller } from '../client/seller.ts'
import { call, localPolicy, openOffice, reportOf, textOf } from './office.ts'

const amounts = fc.oneof(
  fc.nat(200).map((n) => `${n} sat`),
  fc.nat(200_000).map((n) => `${n} msat`),
  fc.constantFrom('1 BTC', '21000000 BTC', '0 sat'),
)

test('R-MCP-11 whatever limits a model gives, no more is paid than without them, and no more than it said', async () => {
  const market = openMarket()
  let sat = 10n
  let number = 0
  const { origin } = await startSeller({
    ...market,
    answer: (request, by) => by.serve(request, { sat }),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.record({ maxCost: amounts, maxFee: amounts, pay: fc.boolean() }, { requiredKeys: [] }),
      fc.nat(150).map((n) => n + 1),
      fc.nat(120).map((n) => n + 1),
      async (given, price, limit) => {
        sat = BigInt(price)
        const policy = {
          ...localPolicy,
          maxPaymentMsat: `${limit} sat`,
          maxTotalMsat: '100000 sat',
        }
        const before = market.spentMsat()
        const asked = async (more: object): Promise<bigint> => {
          const start = market.spentMsat()
          const host = await openOffice(market, { policy }).connect()
          await call(host, 'fetch', { url: `${origin}/item${number++}`, ...more })
          return market.spentMsat() - start
        }
        const paid = await asked(given)
        const freely = await asked({})
        expect(market.spentMsat() - before).toBe(paid + freely)
        if (paid > 0n) {
          expect(freely).toBe(paid)
          expect(given.pay).not.toBe(false)
          expect(paid).toBeLessThanOrEqual(BigInt(limit) * 1000n)
          // The fee comes on top of the price that a model names.
          const fee = paid - BigInt(price) * 1000n
          if (given.maxCost !== undefined) {
            expect(BigInt(price) * 1000n).toBeLessThanOrEqual(msatOf(given.maxCost))
          }
          if (given.maxFee !== undefined) expect(fee).toBeLessThanOrEqual(msatOf(given.maxFee))
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('R-MCP-11 maxCost is the price, as at the command line: exactly as much is paid, and less is refused', async () => {
  const market = openMarket()
  const { origin } = await startSeller({
    ...market,
    answer: (request, by) => by.serve(request, { sat: 10n }),
  })
  const host = await openOffice(market).connect()
  const less = await call(host, 'fetch', { url: `${origin}/data`, maxCost: '9999 msat' })
  expect(reportOf(less)).toMatchObject({ outcome: 'refused', exitCode: 8 })
  expect(textOf(less)).toContain('maxCost allows 9.999 sat')
  const bought = await call(host, 'fetch', { url: `${origin}/data`, maxCost: '10 sat' })
  expect(reportOf(bought)).toMatchObject({ outcome: 'paid_delivered', amountMsat: '10000' })
})

function msatOf(text: string): bigint {
  const [digits = '', unit = ''] = text.split(' ')
  const factor = { sat: 1000n, msat: 1n, BTC: 100_000_000_000n }[unit] ?? 0n
  return BigInt(digits) * factor
}

describe('R-MCP-4 R-MCP-34 a call that is cancelled', () => {
  test('before it paid: nothing is paid', async () => {
    const market = openMarket()
    const asked = Promise.withResolvers<void>()
    const { origin } = await startSeller({
      ...market,
      answer: () => {
        asked.resolve()
        return { raw: () => undefined }
      },
    })
    const office = openOffice(market)
    const host = await office.connect('legacy')
    const stop = new AbortController()
    const going = host.callTool(
      { name: 'fetch', arguments: { url: `${origin}/data` } },
      { signal: stop.signal },
    )
    await asked.promise
    stop.abort()
    await expect(going).rejects.toThrow()
    await office.calls.end()
    expect(market.spentMsat()).toBe(0n)
    expect(office.log.join()).toContain('INTERRUPTED')
  })

  test('while it pays: the end is unknown, nothing is paid twice, and resume delivers it', async () => {
    const market = openMarket()
    const { origin } = await startSeller(market)
    const paying = Promise.withResolvers<void>()
    const settle = Promise.withResolvers<void>()
    const payer: Payer = {
      ...market.buyer,
      pay: async (invoice, limits) => {
        paying.resolve()
        await settle.promise
        return await market.buyer.pay(invoice, { maxFeeMsat: limits.maxFeeMsat })
      },
    }
    const office = openOffice(market, { payer })
    const host = await office.connect()
    const stop = new AbortController()
    const going = host.callTool(
      { name: 'fetch', arguments: { url: `${origin}/data` } },
      { signal: stop.signal },
    )
    await paying.promise
    stop.abort()
    await expect(going).rejects.toThrow()
    while (office.log.length === 0) await new Promise((done) => setTimeout(done, 5))
    expect(office.log[0]).toContain('PAYMENT_UNKNOWN')

    const again = await call(host, 'fetch', { url: `${origin}/data`, timeoutSeconds: 3 })
    const report = reportOf(again)
    expect(report).toMatchObject({ outcome: 'unknown', error: { code: 'PAYMENT_UNKNOWN' } })
    expect(report.resume).toBe(report.paymentHash)
    expect(textOf(again)).toContain(`resume with {"paymentHash":"${report.resume}"}`)
    settle.resolve()
    while (market.spentMsat() === 0n) await new Promise((done) => setTimeout(done, 5))

    const resumed = await call(host, 'resume', { paymentHash: report.resume!.toUpperCase() })
    expect(reportOf(resumed)).toMatchObject({ outcome: 'paid_delivered', status: 200 })
    expect(textOf(resumed)).toContain('paid /data')
    expect(market.spentMsat()).toBeLessThanOrEqual(12_000n)
  })

  test('a purchase that nobody knows cannot be gone on with', async () => {
    const host = await openOffice(openMarket()).connect()
    const result = await call(host, 'resume', { paymentHash: 'ab'.repeat(32) })
    expect(result.isError).toBe(true)
    expect(reportOf(result).outcome).toBe('not_paid')
  })
})

describe('R-MCP-6 R-MCP-33 what goes wrong inside', () => {
  test('is told in our own words: not in those of an error, which may hold anything', async () => {
    const market = openMarket()
    const office = openOffice(market)
    const secret = 'ab'.repeat(32)
    Object.assign(office.parts.agent.journal!.tokens, {
      latest: () => Promise.reject(new Error(`cannot read ${secret}`)),
    })
    const host = await office.connect()
    const result = await call(host, 'tokens')
    expect(result.isError).toBe(true)
    expect(textOf(result)).toBe('This could not be done, because of a fault of the server itself.')
    expect(office.log.join()).not.toContain(secret)
  })

  test('what is free goes on without a journal, and what looks like a proof is not shown then', async () => {
    const market = openMarket()
    const hash = 'ab'.repeat(32)
    const { origin } = await startSeller({ ...market, answer: () => ({ body: `sha256 ${hash}` }) })
    const office = openOffice(market)
    Object.assign(office.parts.agent.journal!.ledger, {
      find: () => Promise.reject(new L402Error('STORE_UNAVAILABLE')),
    })
    const host = await office.connect()
    const result = await call(host, 'fetch', { url: `${origin}/free` })
    expect(reportOf(result)).toMatchObject({ outcome: 'not_paid', status: 200, error: null })
    expect(textOf(result)).toContain('sha256 [credential removed]')
  })

  test('and words of a refusal are bounded and plain', async () => {
    const market = openMarket()
    const { origin } = await startSeller({
      ...market,
      answer: () => ({
        status: 302,
        headers: { location: `gopher://x/\u00e9${'y'.repeat(3000)}` },
      }),
    })
    const host = await openOffice(market).connect()
    const result = await call(host, 'fetch', { url: `${origin}/x` })
    expect(textOf(result).length).toBeLessThan(1500)
    expect(textOf(result)).not.toContain(
      'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy',
    )
  })
})
