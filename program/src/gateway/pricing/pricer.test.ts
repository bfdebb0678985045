import { isL402Error } from 'satway'
import { afterEach, describe, expect, test } from 'vitest'
import type { JsonService } from '../../../../test/gateway/json-service.ts'
import { json, openJsonService } from '../../../../test/gateway/json-service.ts'
import { parseJson } from './json-call.ts'
import type { HttpPriceConfig, PriceQuestion, PricerSource } from './pricer.ts'
import { createPricerSource } from './pricer.ts'
import { readPricerAnswer } from './pricer-answer.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

type Stage = {
  readonly service: JsonService
  readonly clock: { ms: number }
  readonly pricers: PricerSource
  ask(changes?: Partial<PriceQuestion>): ReturnType<PricerSource['ask']>
}

async function open(first: string, changes: Partial<HttpPriceConfig> = {}): Promise<Stage> {
  const service = await openJsonService(first)
  const clock = { ms: 0 }
  const pricers = createPricerSource({ now: () => clock.ms })
  closing.push(() => pricers.close(), service.close)
  const config: HttpPriceConfig = {
    kind: 'http',
    url: service.url,
    timeoutMs: 5000,
    headers: [],
    bodyBytes: 0,
    ...changes,
  }
  const question: PriceQuestion = {
    service: 'weather',
    capability: 'x',
    method: 'GET',
    path: '/x',
    query: '',
    headers: {},
  }
  return { service, clock, pricers, ask: (other) => pricers.ask(config, { ...question, ...other }) }
}

async function refusal(asked: Promise<unknown>): Promise<string> {
  try {
    await asked
  } catch (error) {
    if (isL402Error(error, 'REQUEST_UNPRICED')) return String(error.details['reason'])
    throw error
  }
  throw new Error('there is a price')
}

const priced = { amounts: { amountMsat: 1500n, leastMsat: 1500n }, cacheSeconds: 0 }

describe('the answer of a pricer', () => {
  test.each([
    ['{"amount_msat":1500}', priced],
    ['{"amount_msat":"1500"}', priced],
    ['{"amount_msat":1500,"free":false,"note":"whatever"}', priced],
    ['{"amount_msat":1}', { ...priced, amounts: { amountMsat: 1n, leastMsat: 1n } }],
    [
      '{"amount_msat":"9007199254740991"}',
      {
        ...priced,
        amounts: { amountMsat: 9_007_199_254_740_991n, leastMsat: 9_007_199_254_740_991n },
      },
    ],
    ['{"amount_msat":1500,"cache_seconds":60}', { ...priced, cacheSeconds: 60 }],
    [
      '{"amount_msat":1500,"least_msat":"1000"}',
      { ...priced, amounts: { amountMsat: 1500n, leastMsat: 1000n } },
    ],
    ['{"free":true}', { amounts: undefined, cacheSeconds: 0 }],
    ['{"free":true,"cache_seconds":0}', { amounts: undefined, cacheSeconds: 0 }],
  ])('R-PRC-11 R-PRC-12 %s is read', (text, expected) => {
    expect(readPricerAnswer(parseJson(text))).toEqual(expected)
  })

  test.each([
    '{"amount_msat":0}',
    '{"amount_msat":"0"}',
    '{"amount_msat":-1}',
    '{"amount_msat":1.5}',
    '{"amount_msat":1500.0}',
    '{"amount_msat":1e3}',
    '{"amount_msat":"01500"}',
    '{"amount_msat":" 1500"}',
    '{"amount_msat":"0x10"}',
    '{"amount_msat":"10 sat"}',
    '{"amount_msat":""}',
    '{"amount_msat":9007199254740992}',
    '{"amount_msat":"99999999999999999"}',
    '{"amount_msat":null}',
    '{"amount_msat":true}',
    '{"amount_msat":[1500]}',
    '{"amount_msat":{"text":"1500"}}',
    '{"amount_sat":10}',
    '{}',
    '[]',
    'null',
    '1500',
    '"1500"',
    'true',
    '{"free":"true"}',
    '{"free":1}',
    '{"free":null}',
    '{"free":false}',
    '{"free":true,"amount_msat":1500}',
    '{"free":true,"amount_msat":0}',
    '{"amount_msat":1500,"least_msat":1501}',
    '{"amount_msat":1500,"least_msat":0}',
    '{"amount_msat":1500,"cache_seconds":-1}',
    '{"amount_msat":1500,"cache_seconds":1.5}',
    '{"amount_msat":1500,"cache_seconds":"60"}',
    '{"amount_msat":1500,"cache_seconds":null}',
    '{"__proto__":{"free":true}}',
  ])('R-PRC-11 R-PRC-12 %s is none', (text) => {
    expect(() => readPricerAnswer(parseJson(text))).toThrow(/answer|msat|free|cache/)
  })
})

describe('asking a pricer', () => {
  test('R-PRC-10 sends the question as JSON, and keeps its connection', async () => {
    const { service, ask } = await open('{"amount_msat":1500}')
    expect(await ask({ query: '?a=b' })).toEqual(priced)
    expect(await ask()).toEqual(priced)
    const [request] = service.requests
    expect(request?.method).toBe('POST')
    expect(request?.headers['content-type']).toBe('application/json')
    expect(JSON.parse(service.asked[0]!)).toEqual({
      service: 'weather',
      capability: 'x',
      method: 'GET',
      path: '/x',
      query: '?a=b',
      headers: {},
    })
    for (let i = 0; i < 20; i++) await ask()
    expect(service.connections()).toBeLessThan(5)
  })

  test('R-PRC-14 asks again unless the answer may be kept', async () => {
    const { service, ask } = await open('{"amount_msat":1500}')
    await ask()
    await ask()
    expect(service.asked).toHaveLength(2)
  })

  test('R-PRC-14 keeps an answer as long as it says, for the same question only', async () => {
    const { service, clock, ask } = await open('{"amount_msat":1500,"cache_seconds":60}')
    await ask()
    clock.ms = 59_999
    await ask()
    expect(service.asked).toHaveLength(1)
    for (const changes of [
      { query: '?' },
      { path: '/y' },
      { method: 'POST' },
      { service: 'other' },
      { capability: 'y' },
      { headers: { 'x-size': null } },
      { headers: { 'x-size': '' } },
      { body_base64: '' },
    ]) {
      await ask(changes)
    }
    expect(service.asked).toHaveLength(9)
    clock.ms = 60_000
    await ask()
    expect(service.asked).toHaveLength(10)
  })

  test('R-PRC-14 keeps no answer longer than a day, and no failure at all', async () => {
    const { service, clock, ask } = await open('{"amount_msat":1500,"cache_seconds":999999999}')
    await ask()
    clock.ms = 86_400_000
    service.answer = json('{"cache_seconds":60}')
    await refusal(ask())
    await refusal(ask())
    expect(service.asked).toHaveLength(3)
  })

  test('R-PRC-14 shares one question among all that ask the same at the same time', async () => {
    const { service, ask } = await open('')
    const waiting: (() => void)[] = []
    service.answer = (body, response) =>
      void waiting.push(() => json('{"amount_msat":1500}')(body, response))
    const all = Promise.all([ask(), ask(), ask(), ask({ path: '/y' })])
    while (waiting.length < 2) await new Promise(setImmediate)
    for (const answer of waiting) answer()
    expect(await all).toEqual(Array(4).fill(priced))
    expect(service.asked).toHaveLength(2)
  })

  test('R-PRC-14 refuses at once what would be too many questions', async () => {
    const { service, ask } = await open('')
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    service.answer = (body, response) =>
      void released.then(() => json('{"amount_msat":1500}')(body, response))
    const waiting = Array.from({ length: 512 }, (_, i) => ask({ path: `/${i}` }))
    expect(await refusal(ask({ path: '/more' }))).toContain('too many')
    release()
    expect(await Promise.all(waiting)).toEqual(Array(512).fill(priced))
    expect(await ask({ path: '/more' })).toEqual(priced)
  })

  test.each([
    ['a status that is not 200', json('{"amount_msat":1500}', 201), 'status 201'],
    ['a failure', json('{"amount_msat":1500}', 500), 'status 500'],
    ['what is not JSON', json('1500 msat'), 'not JSON'],
    ['a document as deep as it is long', json('['.repeat(16_000)), 'not JSON'],
    [
      'an answer that is too long',
      json(`{"amount_msat":1500,"x":"${'x'.repeat(16_384)}"}`),
      'longer than 16384',
    ],
  ])('R-PRC-6 has no price from %s', async (_, answer, reason) => {
    const { service, ask } = await open('')
    service.answer = answer
    expect(await refusal(ask())).toContain(reason)
  })

  test('R-PRC-6 does not follow a redirect', async () => {
    const other = await openJsonService('{"amount_msat":1}')
    closing.push(other.close)
    const { service, ask } = await open('')
    service.answer = (_, response) => void response.writeHead(307, { Location: other.url }).end()
    expect(await refusal(ask())).toContain('status 307')
    expect(other.asked).toEqual([])
  })

  test('R-PRC-6 has no price from a pricer that does not answer in time', async () => {
    const { service, ask } = await open('', { timeoutMs: 50 })
    service.answer = () => undefined
    expect(await refusal(ask())).toBe('no answer in time')
    service.answer = (_, response) => void response.writeHead(200).write('{"amount_msat":15')
    expect(await refusal(ask())).toBe('no answer in time')
    service.answer = json('{"amount_msat":1500}')
    expect(await ask()).toEqual(priced)
  })

  test('R-PRC-6 asks once more where a kept connection is closed as it is used', async () => {
    const { service, ask } = await open('{"amount_msat":1500}')
    await ask()
    let broken = 0
    service.answer = (body, response) => {
      service.answer = json('{"amount_msat":1500}')
      broken++
      response.socket?.destroy()
      void body
    }
    expect(await ask()).toEqual(priced)
    expect(broken).toBe(1)
    service.answer = (_, response) => void response.socket?.destroy()
    expect(await refusal(ask())).toBe('the call failed')
  })

  test('R-PRC-6 has no price from a pricer that is not there', async () => {
    const { service, ask } = await open('')
    await service.close()
    expect(await refusal(ask())).toBe('the call failed')
  })
})
