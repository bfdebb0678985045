import { isL402Error } from 'satway'
import { afterEach, describe, expect, test } from 'vitest'
import type { JsonService } from '../../../../test/gateway/json-service.ts'
import { json, openJsonService } from '../../../../test/gateway/json-service.ts'
import type { RateSourceConfig } from '../config/index.ts'
import { parseJson } from './json-call.ts'
import type { RateSource } from './rate-source.ts'
import { createRateSource, rateIn } from './rate-source.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function open(
  first: string,
  changes: Partial<RateSourceConfig> = {},
): Promise<{
  service: JsonService
  source: RateSource
  clock: { ms: number }
  failures: unknown[]
}> {
  const service = await openJsonService(first)
  const clock = { ms: 0 }
  const failures: unknown[] = []
  const config: RateSourceConfig = {
    url: service.url,
    member: 'data.rates.{currency}',
    maxAgeMs: 600_000,
    refreshMs: 60_000,
    timeoutMs: 5000,
    ...changes,
  }
  const source = createRateSource(config, {
    now: () => clock.ms,
    failed: (error) => failures.push(error),
  })
  closing.push(() => source.close(), service.close)
  return { service, source, clock, failures }
}

const usd = (rate: string): string => `{"data":{"rates":{"USD":${rate},"EUR":"50000"}}}`

/** Waits until something that goes on in the background is there. */
async function until(isThere: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!isThere()) {
    if (performance.now() > end) throw new Error('it does not come')
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

async function refusal(asked: unknown): Promise<string> {
  try {
    await asked
  } catch (error) {
    if (isL402Error(error, 'REQUEST_UNPRICED')) return String(error.details['reason'])
    throw error
  }
  throw new Error('there is a rate')
}

describe('a source of rates', () => {
  test('R-PRC-5 asks nothing until somebody asks it, and once for all that ask at once', async () => {
    const { service, source } = await open(usd('64000.12'))
    expect(service.asked).toEqual([])
    const both = await Promise.all([source.rate('USD'), source.rate('USD')])
    expect(both).toEqual(Array(2).fill({ digits: 6_400_012n, decimals: 2 }))
    expect(service.asked).toHaveLength(1)
    expect(source.rate('USD')).toEqual(both[0])
  })

  test('R-PRC-5 reads an older rate again in the background, and nobody waits for it', async () => {
    const { service, source, clock } = await open(usd('64000'))
    await source.rate('USD')
    service.answer = json(usd('65000'))
    clock.ms = 59_999
    expect(source.rate('USD')).toEqual({ digits: 64_000n, decimals: 0 })
    expect(service.asked).toHaveLength(1)
    clock.ms = 60_000
    expect(source.rate('USD')).toEqual({ digits: 64_000n, decimals: 0 })
    expect(source.rate('USD')).toEqual({ digits: 64_000n, decimals: 0 })
    const rate = (): unknown => source.rate('USD')
    await until(() => JSON.stringify(rate(), digits) === '{"digits":"65000","decimals":0}')
    expect(service.asked).toHaveLength(2)
  })

  test('R-PRC-5 R-PRC-9 never gives a rate that is too old', async () => {
    const { service, source, clock, failures } = await open(usd('64000'))
    await source.rate('USD')
    service.answer = json('{}', 500)
    clock.ms = 599_999
    expect(source.rate('USD')).toEqual({ digits: 64_000n, decimals: 0 })
    await until(() => failures.length === 1)
    clock.ms = 604_999
    expect(await refusal(source.rate('USD'))).toBe('the answer has status 500')
    service.answer = json(usd('66000'))
    clock.ms += 5000
    expect(await source.rate('USD')).toEqual({ digits: 66_000n, decimals: 0 })
  })

  test('R-PRC-5 leaves a source that failed alone for a while', async () => {
    const { service, source, clock, failures } = await open('{}')
    await refusal(source.rate('USD'))
    clock.ms = 4999
    expect(await refusal(source.rate('USD'))).toBe('there is no rate')
    expect(service.asked).toHaveLength(1)
    service.answer = json(usd('64000'))
    clock.ms = 5000
    expect(await source.rate('USD')).toEqual({ digits: 64_000n, decimals: 0 })
    expect(failures).toHaveLength(1)
  })

  test('R-PRC-8 does not believe a rate that moved absurdly, and goes on with the last good one', async () => {
    const { service, source, clock, failures } = await open(usd('64000'))
    await source.rate('USD')
    for (const [i, absurd] of ['640000.01', '6399.99', '0.01'].entries()) {
      service.answer = json(usd(absurd))
      clock.ms += 60_000
      expect(source.rate('USD'), absurd).toEqual({ digits: 64_000n, decimals: 0 })
      await until(() => failures.length === i + 1)
    }
    clock.ms = 600_000
    expect(await refusal(source.rate('USD'))).toContain('more than ten times')
    service.answer = json(usd('640000'))
    clock.ms += 5000
    expect(await source.rate('USD')).toEqual({ digits: 640_000n, decimals: 0 })
  })

  test('R-PRC-5 keeps currencies apart', async () => {
    const { source } = await open(usd('64000'))
    expect(await source.rate('EUR')).toEqual({ digits: 50_000n, decimals: 0 })
    expect(await source.rate('USD')).toEqual({ digits: 64_000n, decimals: 0 })
    expect(await refusal(source.rate('CHF'))).toContain('data.rates.CHF')
  })

  test.each([
    ['a status that is not 200', json(usd('64000'), 203), 'status 203'],
    [
      'a redirect',
      (_: string, response: { writeHead: (...all: never[]) => { end(): unknown } }) =>
        void response.writeHead(...([302, { Location: '/other' }] as never[])).end(),
      'status 302',
    ],
    ['what is not JSON', json('<html>64000</html>'), 'not JSON'],
    ['bytes that are not UTF-8', json(Buffer.from([0x22, 0xff, 0x22]) as never), 'the call failed'],
    [
      'an answer that is too long',
      json(`${usd('64000')}${' '.repeat(70_000)}`),
      'longer than 65536',
    ],
    ['a list instead of an object', json('[]'), 'has no'],
    ['nothing', json(''), 'not JSON'],
  ] as const)('R-PRC-6 has no rate from %s', async (_, answer, reason) => {
    const { service, source } = await open('')
    service.answer = answer as JsonService['answer']
    expect(await refusal(source.rate('USD'))).toContain(reason)
  })

  test('R-PRC-6 has no rate from a source that does not end its answer in time, or is not there', async () => {
    const { service, source } = await open('', { timeoutMs: 50 })
    service.answer = (_, response) => void response.write('{"data":')
    expect(await refusal(source.rate('USD'))).toBe('no answer in time')
    const gone = await open('')
    await gone.service.close()
    expect(await refusal(gone.source.rate('USD'))).toBe('the call failed')
  })

  test.each([
    'http://rates.example/',
    'http://192.0.2.1/',
    'http://127.0.0.1.example/',
    'https://user:secret@rates.example/',
    'ftp://127.0.0.1/',
    'file:///rates.json',
    'rates.example',
    '',
  ])('R-PRC-6 is not made for %j', (url) => {
    const config = { url, member: 'x', maxAgeMs: 1, refreshMs: 1, timeoutMs: 1 }
    expect(() => createRateSource(config)).toThrow(RangeError)
    expect(() => createRateSource(config)).not.toThrow(/secret/)
  })

  test.each([
    'https://rates.example/',
    'http://localhost:1/',
    'http://[::1]:1/',
    'http://127.1.2.3/',
  ])('R-PRC-6 is made for %s', (url) => {
    createRateSource({ url, member: 'x', maxAgeMs: 1, refreshMs: 1, timeoutMs: 1 }).close()
  })
})

function digits(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

describe('a rate in an answer', () => {
  test.each([
    ['{"USD":64000}', 'USD', 64_000n, 0],
    ['{"USD":"64000.50"}', 'USD', 6_400_050n, 2],
    ['{"USD":64000.1234567890123456}', 'USD', 640_001_234_567_890_123_456n, 16],
    ['{"USD":6.4e4}', 'USD', 64_000n, 0],
    ['{"USD":640000E-1}', 'USD', 640_000n, 1],
    ['{"result":{"X":{"c":["64000.1","0.2"]}}}', 'result.X.c.0', 640_001n, 1],
    ['[{"price":1}]', '0.price', 1n, 0],
    ['{"a":{"b":{"USD":0.00001}}}', 'a.b.USD', 1n, 5],
  ])('R-PRC-7 %s has at %s what is written there', (text, member, digits, decimals) => {
    expect(rateIn(parseJson(text), member)).toEqual({ digits, decimals })
  })

  test.each([
    ['{"USD":0}', 'USD'],
    ['{"USD":0.00}', 'USD'],
    ['{"USD":-64000}', 'USD'],
    ['{"USD":"-64000"}', 'USD'],
    ['{"USD":"+64000"}', 'USD'],
    ['{"USD":" 64000"}', 'USD'],
    ['{"USD":"64,000"}', 'USD'],
    ['{"USD":"64000 "}', 'USD'],
    ['{"USD":""}', 'USD'],
    ['{"USD":"NaN"}', 'USD'],
    ['{"USD":"Infinity"}', 'USD'],
    ['{"USD":"0x10"}', 'USD'],
    ['{"USD":null}', 'USD'],
    ['{"USD":true}', 'USD'],
    ['{"USD":[64000]}', 'USD'],
    ['{"USD":{"text":"64000"}}', 'USD'],
    ['{"USD":1e400}', 'USD'],
    ['{"USD":1e-19}', 'USD'],
    [`{"USD":"${'9'.repeat(41)}"}`, 'USD'],
    ['{"usd":64000}', 'USD'],
    ['{"USD":64000}', 'USD.text'],
    ['{"USD":"64000"}', 'USD.length'],
    ['{"USD":"64000"}', 'USD.0'],
    ['{"a":{}}', 'a.__proto__.b'],
    ['{}', 'constructor.name'],
    ['[64000]', 'length'],
    ['64000', 'USD'],
    ['null', 'USD'],
  ])('R-PRC-7 %s has no rate at %s', (text, member) => {
    expect(() => rateIn(parseJson(text), member)).toThrow(/member|number above zero|has no/)
  })
})
