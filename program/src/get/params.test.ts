import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { Given } from '../cli/command.ts'
import { readCommandLine } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import { get } from '../cli/get.ts'
import { readLimits } from './limits.ts'
import { withParams } from './params.ts'
import { readRequest } from './request.ts'

const folder = mkdtempSync(join(tmpdir(), 'satway-params-'))
afterAll(() => rmSync(folder, { recursive: true }))

const url = 'https://shop.example/data'

async function read(params: unknown, ...args: readonly string[]): Promise<Given> {
  const text = typeof params === 'string' ? params : JSON.stringify(params)
  return await withParams(get.flags, readCommandLine(get, ['--params', text, ...args]))
}

describe('R-GET-12 --params', () => {
  test('says what the flags say, to the letter', async () => {
    const given = await read({
      url,
      method: 'PUT',
      headers: { Accept: 'text/html, text/plain', 'X-A': ['1', '2'] },
      data: '{"a":1}',
      content_type: 'application/problem+json',
      output: 'file',
      max_cost: 500,
      max_fee: '2500msat',
      payment_timeout: 5,
      max_redirects: 3,
      no_pay: true,
      public_only: true,
      replace_authorization: false,
    })
    const flags = readCommandLine(get, [
      ...[url, '-X', 'PUT', '-H', 'Accept: text/html, text/plain', '-H', 'X-A: 1', '-H', 'X-A: 2'],
      ...['-d', '{"a":1}', '--content-type', 'application/problem+json', '-o', 'file'],
      ...['--max-cost', '500', '--max-fee', '2500msat', '--payment-timeout', '5'],
      ...['--max-redirects', '3', '--no-pay', '--public-only'],
    ])
    expect(given.operands).toEqual(flags.operands)
    for (const name of Object.keys(get.flags).filter((other) => other !== 'params')) {
      expect([name, given.has(name)]).toEqual([name, flags.has(name)])
      if (get.flags[name]?.value === undefined) continue
      expect([name, given.texts(name)]).toEqual([name, flags.texts(name)])
    }
  })

  test('sets limits that apply', async () => {
    expect(readLimits(await read({ url, max_cost: 500, max_fee: 2 }))).toMatchObject({
      expectedPriceMsat: 500_000n,
      maxFeeMsat: 2000n,
      pay: true,
    })
    expect(readLimits(await read({ url, no_pay: true }))).toMatchObject({ pay: false })
  })

  test('makes the request that the flags would make', async () => {
    const request = await readRequest(await read({ url, headers: { 'X-A': 'b, c' }, data: 'd' }))
    expect([request.method, request.url.href]).toEqual(['POST', url])
    expect(request.headers.get('x-a')).toBe('b, c')
    expect(new TextDecoder().decode(request.body)).toBe('d')
  })

  test('goes with flags that say the same, or something else', async () => {
    const given = await read(
      { url, max_cost: 500, headers: { 'X-A': 'b' } },
      ...[url, '--max-cost', '500', '--max-fee', '1', '-H', 'X-B: c', '-H', 'x-a: b'],
    )
    expect(given.text('max-cost')).toBe('500')
    expect(given.text('max-fee')).toBe('1')
    expect(given.texts('header')).toEqual(['X-B: c', 'x-a: b'])
  })

  test('takes colons, quotes and braces within text', async () => {
    const data = '{"a":"b: \\" \u2028 c:","d":{}}'
    expect((await read({ url, data, headers: { 'x-a': ['a: b', '":"'] } })).text('data')).toBe(data)
  })

  test('takes redirects back with location: false', async () => {
    expect((await read({ url, location: false })).has('no-location')).toBe(true)
    expect((await read({ url, location: true })).has('no-location')).toBe(false)
  })

  test('is read from a file, where nobody sees it', async () => {
    const file = join(folder, 'params.json')
    writeFileSync(file, JSON.stringify({ url, max_cost: 7 }))
    expect((await read(`@${file}`)).text('max-cost')).toBe('7')
  })

  for (const [what, params, message] of [
    ['no JSON', '{', 'expected JSON'],
    ['nothing', '', 'expected JSON'],
    ['a list', [url], 'expected a JSON object'],
    ['null', null, 'expected a JSON object'],
    ['a misspelt limit', { url, max_csot: 1 }, '"max_csot" is not known'],
    ['a limit spelt as the flag', { url, 'max-cost': 1 }, '"max-cost" is not known'],
    ['a limit in another case', { url, Max_Cost: 1 }, '"Max_Cost" is not known'],
    ['two names for one thing', { url, request: 'PUT' }, '"request" is not known'],
    ['another scheme', { url, prefer_scheme: 'payment' }, '"prefer_scheme" is not known'],
    ['itself', { url, params: '{}' }, '"params" is not known'],
    ['the name of a property', '{"__proto__":1}', '"__proto__" is not known'],
    ['another property', { constructor: 1 }, '"constructor" is not known'],
    ['a limit that is an object', { url, max_cost: { sat: 1 } }, '"max_cost" takes text'],
    ['a limit that is null', { url, max_cost: null }, '"max_cost" takes text'],
    ['a limit below zero', { url, max_cost: -1 }, '"max_cost" takes text'],
    ['half a sat as a number', { url, max_cost: 0.5 }, '"max_cost" takes text'],
    ['a number that is too long', '{"max_cost":1e300}', '"max_cost" takes text'],
    ['a switch that is text', { url, no_pay: 'true' }, '"no_pay" takes true or false'],
    ['a switch that is a number', { url, no_pay: 1 }, '"no_pay" takes true or false'],
    ['one limit twice', '{"max_cost":"1 sat","max_cost":"100 sat"}', 'a name is there twice'],
    ['one limit twice, spelt in two ways', '{"max_cost":1,"max\\u005fcost":2}', 'there twice'],
    ['one header twice', '{"headers":{"a":"1","a":"2"}}', 'a name is there twice'],
    ['a value that is deep', `{"data":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 'takes text'],
    ['headers as a list', { url, headers: ['a: b'] }, '"headers" takes an object'],
    ['a header that is an object', { url, headers: { a: {} } }, '"headers" takes text'],
    ['a header with a colon', { url, headers: { 'a: b': 'c' } }, 'is no header'],
    ['a header that is a file', { url, headers: { '@/etc/passwd': 'c' } }, 'is no header'],
  ] as const) {
    test(`is refused with ${what}`, async () => {
      const reading = read(params)
      await expect(reading).rejects.toThrow(message)
      await expect(reading).rejects.toBeInstanceOf(UsageMistake)
    })
  }

  for (const [what, params, args] of [
    ['another URL', { url }, ['https://other.example/']],
    ['another limit', { url, max_cost: 500 }, ['--max-cost', '1000']],
    ['a switch that is on', { url, no_pay: false }, ['--no-pay']],
    ['another method', { url, method: 'PUT' }, ['-X', 'POST']],
    ['another value of a header', { url, headers: { 'x-a': '1' } }, ['-H', 'X-A: 2']],
  ] as const) {
    test(`is refused beside flags that say ${what}`, async () => {
      await expect(read(params, ...args)).rejects.toBeInstanceOf(UsageMistake)
    })
  }

  test('repeats no value in what it says about a mistake', async () => {
    await expect(read({ url, headers: { a: { secret: 'hunter2' } } })).rejects.not.toThrow(
      /hunter2/,
    )
    await expect(read('{"a":"hunter2"')).rejects.not.toThrow(/hunter2/)
  })

  test('gives flags, or a mistake of usage, for whatever JSON there is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        await read(text).catch((error: unknown) => expect(error).toBeInstanceOf(UsageMistake))
      }),
      { numRuns: 300 },
    )
  })
})
