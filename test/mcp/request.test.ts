import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Failure } from '../../program/src/cli/failure.ts'
import { fetchInput, receiptsInput, resumeInput } from '../../program/src/mcp/inputs.ts'
import { readOrder, readResumption } from '../../program/src/mcp/request.ts'

const url = 'https://api.example.com/v1/weather'
const { signal } = new AbortController()

describe('R-MCP-7 arguments are read strictly', () => {
  const wrong: readonly (readonly [what: string, given: object])[] = [
    ['an unknown argument', { url, max_cost: '10 sat' }],
    ['a misspelt limit', { url, maxcost: '10 sat' }],
    ['a policy', { url, policy: { total: '1 BTC' } }],
    ['an approval', { url, approve: true }],
    ['trust for the URL', { url, untrustedUrl: false }],
    ['an amount without a unit', { url, maxCost: '10' }],
    ['a number for an amount', { url, maxCost: 10 }],
    ['a negative amount', { url, maxCost: '-1 sat' }],
    ['an amount with an exponent', { url, maxCost: '1e3 sat' }],
    ['a method that is not sent', { url, method: 'CONNECT' }],
    ['a method in small letters', { url, method: 'get' }],
    ['time without end', { url, timeoutSeconds: 1e9 }],
    ['no time', { url, timeoutSeconds: 0 }],
    ['text for a flag', { url, pay: 'no' }],
    ['a header that is no text', { url, headers: { a: 1 } }],
    ['a long name to save as', { url, saveAs: 'a'.repeat(101) }],
    ['a body that is too long', { url, body: 'a'.repeat(524_289) }],
    ['no URL', {}],
  ]
  for (const [what, given] of wrong) {
    test(`${what} is refused`, () => expect(fetchInput.safeParse(given).success).toBe(false))
  }

  test('what is unknown is named, cut', () => {
    const { error } = fetchInput.safeParse({ url, [`x${'\u202e'.repeat(5000)}`]: 1 })
    expect(error!.issues[0]!.message).toMatch(/^unknown argument "x/)
    expect(error!.issues[0]!.message.length).toBeLessThan(500)
  })

  test('a payment hash has 64 hex digits', () => {
    expect(resumeInput.safeParse({ paymentHash: 'abc' }).success).toBe(false)
    expect(resumeInput.safeParse({ paymentHash: 'A'.repeat(64) }).success).toBe(true)
    expect(receiptsInput.safeParse({ limit: 201 }).success).toBe(false)
  })
})

describe('R-MCP-10 what a tool asks for counts as a stranger’s', () => {
  test('every order says that its URL is not trusted, and none that Authorization may be replaced', () => {
    fc.assert(
      fc.property(
        fc.record(
          {
            maxCost: fc.nat(1e9).map((n) => `${n} sat`),
            maxFee: fc.nat(1e9).map((n) => `${n} msat`),
            pay: fc.boolean(),
            body: fc.string(),
          },
          { requiredKeys: [] },
        ),
        (given) => {
          const { init } = readOrder({ url, ...given }, signal)
          expect(init.l402?.untrustedUrl).toBe(true)
          expect(init.l402?.replaceAuthorization).toBeUndefined()
          expect(init.l402?.expectedPriceMsat).toBe(given.maxCost)
          expect(init.l402?.maxCostMsat).toBeUndefined()
          expect(init.l402?.maxFeeMsat).toBe(given.maxFee)
          expect(init.l402?.pay).toBe(given.pay)
        },
      ),
    )
  })

  test('going on with a purchase never pays', () => {
    const { l402 } = readResumption({ paymentHash: 'a'.repeat(64) }, signal)
    expect(l402).toEqual({ untrustedUrl: true, pay: false })
  })

  const addresses = [
    'ftp://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'example.com',
    'http://',
    'https://user:pass@example.com/',
    'https://api.example.com@evil.example/',
    'data:text/plain,hello',
    '',
  ]
  for (const address of addresses) {
    test(`${JSON.stringify(address)} is not asked`, () => {
      expect(() => readOrder({ url: address }, signal)).toThrow(Failure)
    })
  }

  test('a refusal repeats no part of the URL', () => {
    try {
      readOrder({ url: 'https://user:hunter2@example.com/' }, signal)
      expect.unreachable()
    } catch (error) {
      expect(String(error)).not.toContain('hunter2')
    }
  })

  test('a name that looks like another is told by its ASCII form', () => {
    expect(readOrder({ url: 'https://аpi.example.com/' }, signal).url).toBe(
      'https://xn--pi-6kc.example.com/',
    )
  })
})

describe('R-MCP-14 headers are the request’s, and nobody else’s', () => {
  const refused: readonly (readonly [what: string, headers: Record<string, string>])[] = [
    ['Authorization', { Authorization: 'Bearer s3cret' }],
    ['authorization in other letters', { aUTHORIZATION: 'Bearer s3cret' }],
    ['Cookie', { cookie: 's3cret' }],
    ['Host', { Host: 'metadata.google.internal' }],
    ['Proxy-Authorization', { 'Proxy-Authorization': 's3cret' }],
    ['Proxy-Anything', { 'proxy-x': 's3cret' }],
    ['framing', { 'Transfer-Encoding': 'chunked' }],
    ['a length', { 'Content-Length': '0' }],
    ['a list of headers to drop', { Connection: 'authorization' }],
    ['an upgrade', { Upgrade: 'websocket' }],
    ['a macaroon', { Macaroon: 's3cret' }],
    ['a second line', { 'x-a': 'b\r\nAuthorization: s3cret' }],
    ['a bare line feed', { 'x-a': 'b\nHost: s3cret' }],
    ['NUL', { 'x-a': 'b\u0000s3cret' }],
    ['letters beyond ASCII', { 'x-a': 'b\u010as3cret' }],
    ['a line in a name', { 'x-a\r\nhost': 's3cret' }],
    ['a space in a name', { 'x a': 's3cret' }],
    ['a colon in a name', { 'host:': 's3cret' }],
    ['no name', { '': 's3cret' }],
    ['one name in two spellings', { 'X-A': '1', 'x-a': 's3cret' }],
    ['8 KiB and more', { 'x-a': 's3cret'.repeat(1500) }],
    [
      'more than 64',
      Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`x-${i}`, 's3cret'])),
    ],
  ]
  for (const [what, headers] of refused) {
    test(`${what} is refused, and its value is not repeated`, () => {
      try {
        readOrder({ url, headers }, signal)
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(Failure)
        expect((error as Failure).message + (error as Failure).advice).not.toContain('s3cret')
      }
    })
  }

  test('others are sent', () => {
    const { init } = readOrder({ url, headers: { Accept: 'text/csv', 'x-id': '1, 2' } }, signal)
    expect(Object.fromEntries(init.headers as Headers)).toEqual({
      accept: 'text/csv',
      'x-id': '1, 2',
    })
  })

  test('a body says what it is', () => {
    const type = (given: object): string | null =>
      (readOrder({ url, ...given }, signal).init.headers as Headers).get('content-type')
    expect(type({ body: '{"a":1}' })).toBe('application/json')
    expect(type({ body: 'hello' })).toBe('text/plain; charset=utf-8')
    expect(type({ body: 'a,b', contentType: 'text/csv' })).toBe('text/csv')
    expect(type({ body: 'a,b', headers: { 'content-type': 'text/csv' } })).toBe('text/csv')
    expect(() => type({ body: 'a', contentType: 'a\r\nhost: b' })).toThrow(Failure)
    expect(() =>
      type({ body: 'a', contentType: 'a/b', headers: { 'Content-Type': 'c/d' } }),
    ).toThrow(Failure)
    expect(readOrder({ url, body: '{}' }, signal).init.method).toBe('POST')
    expect(() => readOrder({ url, body: 'x', method: 'GET' }, signal)).toThrow(Failure)
  })
})
