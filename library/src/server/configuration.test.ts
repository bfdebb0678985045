import { describe, expect, test } from 'vitest'
import { openStall } from '../../../test/adapters/stall.ts'
import { isL402Error } from '../errors.ts'
import type { ChargeOptions, PaywallOptions } from './index.ts'
import { createPaywall, createRoutes } from './index.ts'

/** The mistakes of a CONFIG_INVALID, in their order. */
function mistakesIn(run: () => unknown): readonly unknown[] {
  try {
    run()
  } catch (error) {
    if (!isL402Error(error, 'CONFIG_INVALID')) throw error
    expect(Object.keys(error.details)).toEqual(
      Object.keys(error.details).map((_, i) => String(i + 1)),
    )
    return Object.values(error.details)
  }
  return []
}

describe('R-SRV-52 every mistake is listed with its path', () => {
  test('of a paywall', () => {
    const options = {
      service: 'Weather',
      payee: { createInvoice: () => undefined },
      keys: undefined,
      uses: {},
      now: 5,
      cors: 'yes',
      invalidCredential: 403,
      legacyLsat: true,
      unknownCaveats: 'ignore',
      priceGracePercent: 101,
      challengeSeconds: 29,
      issuance: { burst: 0, concurent: 1 },
      on: { paid: () => undefined },
      pricegracepercent: 1,
    }
    expect(mistakesIn(() => createPaywall(options as unknown as PaywallOptions))).toEqual([
      'service: expected a lower-case letter, then lower-case letters, digits or -, at most 32 in all, for example weather',
      'payee: expected an object with lookupInvoice, settlements',
      'keys: expected an object with rootKey',
      'uses: expected an object with reserve, commit, release',
      'now: expected a function',
      'cors: expected true or false',
      'invalidCredential: expected 401 or 402',
      'legacyLsat: expected off or after or first',
      'unknownCaveats: expected refuse or skip',
      'priceGracePercent: expected a number from 0 to 100',
      'challengeSeconds: expected a whole number from 30 to 86400',
      'pricegracepercent: is not an option',
      'issuance.burst: expected a whole number from 1 to 1000000',
      'issuance.concurent: is not an option',
      'on.paid: is not an option',
    ])
  })

  test('of a charge', () => {
    const { paywall } = openStall()
    const options = {
      price: '10',
      capability: 'Fore cast',
      tier: 256,
      uses: 0,
      lifetimeSeconds: 1.5,
      description: 'a\nb',
      prise: 1,
    }
    expect(mistakesIn(() => paywall.charge(options as unknown as ChargeOptions))).toEqual([
      "price: expected an amount with its unit, such as '10 sat'",
      'capability: expected lower-case letters, digits, . or -, the first a letter or digit, at most 64, for example forecast',
      'tier: expected a whole number from 0 to 255',
      'uses: expected a whole number from 1 to 1000000000',
      'lifetimeSeconds: expected a whole number from 1 to 31536000',
      'description: expected text of at most 639 bytes without control characters',
      'prise: is not an option',
    ])
  })

  test('a price of zero is a mistake: free is null', () => {
    const { paywall } = openStall()
    for (const price of ['0 sat', 0n]) {
      const options = { price, capability: 'a' } as unknown as ChargeOptions
      expect(mistakesIn(() => paywall.charge(options))).toEqual([
        'price: expected more than zero; for what is free leave the gate off, or return null from a price function',
      ])
    }
    const price = `${2n ** 53n} msat`
    expect(mistakesIn(() => paywall.charge({ price, capability: 'a' }))).toEqual([
      'price: expected at most 9007199254740991 msat',
    ])
  })

  test('nothing at all is a mistake too', () => {
    const { paywall } = openStall()
    expect(mistakesIn(() => createPaywall({} as PaywallOptions)).length).toBe(3)
    expect(mistakesIn(() => paywall.charge({} as ChargeOptions)).length).toBe(2)
    const nothing = [undefined, null, 5, 'weather', () => undefined] as never[]
    for (const options of nothing) {
      expect(mistakesIn(() => createPaywall(options))).toEqual([
        'options: expected { service, payee, keys }',
      ])
      expect(mistakesIn(() => paywall.charge(options))).toEqual([
        "options: expected { price: '10 sat', capability: 'forecast' }, or more than that",
      ])
    }
  })

  test('a part that is no object is one mistake, and a payee has a network', () => {
    const { seller, keys } = openStall()
    const { createInvoice, lookupInvoice, settlements } = seller
    const options = {
      service: 'weather',
      keys,
      payee: { createInvoice, lookupInvoice, settlements },
      issuance: 5,
      on: null,
    }
    expect(mistakesIn(() => createPaywall(options as unknown as PaywallOptions))).toEqual([
      "payee: expected an object with network, such as 'bitcoin'",
      'issuance: expected an object',
      'on: expected an object',
    ])
  })

  test('the longest of everything is none', () => {
    const { paywall } = openStall({ challengeSeconds: 86_400, priceGracePercent: 100 })
    paywall.charge({
      price: `${2n ** 53n - 1n} msat`,
      capability: 'a'.repeat(64),
      tier: 255,
      uses: 1_000_000_000,
      lifetimeSeconds: 31_536_000,
      description: 'é'.repeat(319),
    })
  })
})

describe('R-SRV-52 a capability is sold on one set of terms', () => {
  const base = { price: '10 sat', capability: 'forecast' } as const

  test('twice on the same ones is no mistake', () => {
    const { paywall } = openStall()
    const price = (): string => '10 sat'
    paywall.charge(base)
    paywall.charge({ ...base, price: '0.00000010 BTC', tier: 0, lifetimeSeconds: 3600 })
    paywall.charge({ price, capability: 'history' })
    paywall.charge({ price, capability: 'history' })
  })

  for (const [what, other] of [
    ['price', { price: '11 sat' }],
    ['price function', { price: () => '10 sat' }],
    ['tier', { tier: 1 }],
    ['number of uses', { uses: 1 }],
    ['lifetime', { lifetimeSeconds: 60 }],
    ['description', { description: 'x' }],
  ] as const) {
    test(`another ${what} is one`, () => {
      const { paywall } = openStall()
      paywall.charge(base)
      expect(mistakesIn(() => paywall.charge({ ...base, ...other }))).toEqual([
        'capability: forecast is sold on other terms already',
      ])
    })
  }
})

describe('R-SRV-53 R-SRV-57 every mistake of a route table is listed with its key', () => {
  const routes = (table: object): readonly unknown[] =>
    mistakesIn(() => createRoutes(openStall().paywall, table as Parameters<typeof createRoutes>[1]))

  test('whatever its kind', () => {
    expect(
      routes({
        '/a': 'free',
        'get /a': 'free',
        'GET a': 'free',
        'GET  /a': 'free',
        'GET /a b': 'free',
        'HEAD /a': 'free',
        'TRACE /a': 'free',
        'GET /a/*/b': 'free',
        'GET /a*': 'free',
        'GET /:': 'free',
        'GET /:a/:a': 'free',
        'GET //a': 'free',
        'GET /a/../b': 'free',
        'GET /%61': 'free',
        'GET /a?b': 'free',
        'GET /a#b': 'free',
        'GET /a;b': 'free',
        'GET /price': { price: '0 sat', usess: 1 },
        'GET /é': 'free',
      }),
    ).toEqual([
      '"/a": expected a method or *, a space and a path',
      '"get /a": expected a method or *, a space and a path',
      '"GET a": expected a method or *, a space and a path',
      '"GET  /a": expected a method or *, a space and a path',
      '"GET /a b": expected a method or *, a space and a path',
      '"HEAD /a": HEAD follows GET',
      '"TRACE /a": TRACE is never served',
      '"GET /a/*/b": * only as the last segment',
      '"GET /a*": * only as a whole segment',
      '"GET /:": expected :name',
      '"GET /:a/:a": expected each :name once',
      '"GET //a": expected the canonical spelling of the path',
      '"GET /a/../b": expected the canonical spelling of the path',
      '"GET /%61": expected the canonical spelling of the path',
      '"GET /a?b": expected the canonical spelling of the path',
      '"GET /a#b": expected the canonical spelling of the path',
      '"GET /a;b": expected the canonical spelling of the path',
      '"GET /price" price: expected more than zero; for what is free leave the gate off, or return null from a price function',
      '"GET /price" usess: is not an option',
      '"GET /é": expected the canonical spelling of the path',
    ])
  })

  test('a route that is no set of terms, once', () => {
    const expected = `expected 'free' or { price: '10 sat' }`
    for (const charged of ['10 sat', 5, null, undefined, [], () => '1 sat']) {
      expect(routes({ 'GET /a': 'free', 'GET /z': charged })).toEqual([`"GET /z": ${expected}`])
    }
  })

  test('two routes that match the same paths', () => {
    expect(routes({ 'GET /:a': 'free', 'GET /:b': 'free' })).toEqual(['"GET /:b": is listed twice'])
    expect(routes({ 'GET /a': 'free', 'POST /a': 'free', 'GET /:a': 'free' })).toEqual([])
    for (const other of ['/A', '/a/', '/A/']) {
      expect(routes({ 'GET /a': 'free', [`GET ${other}`]: 'free' })).toEqual([
        `"GET ${other}": differs from another route by case or a last slash only`,
      ])
    }
  })

  test('two capabilities that would be the same', () => {
    const price = '1 sat'
    expect(routes({ 'GET /a_b': { price }, 'GET /a-b': { price } })).toEqual([
      '"GET /a-b": same capability as "GET /a_b"; name one of them',
    ])
    expect(routes({ 'GET /a_b': { price }, 'GET /a-b': { price, capability: 'other' } })).toEqual(
      [],
    )
    expect(
      routes({ 'GET /a': { price, capability: 'x' }, 'GET /b': { price, capability: 'x' } }),
    ).toEqual([])
    expect(
      routes({
        'GET /a': { price, capability: 'x' },
        'GET /b': { price: '2 sat', capability: 'x' },
      }),
    ).toEqual(['"GET /b" capability: x is sold on other terms already'])
    expect(routes({ [`GET /${'a'.repeat(70)}`]: { price } })).toHaveLength(1)
  })

  test('a table of nothing, and a paywall that is none', () => {
    expect(routes({})).toEqual(['table: expected at least one route'])
    for (const table of [undefined, null, [], 'free'] as unknown as object[]) {
      expect(routes(table)).toEqual(["table: expected an object, such as { 'GET /': 'free' }"])
    }
    const fake = { charge: () => () => Promise.reject(), close: () => Promise.resolve() }
    for (const none of [fake, undefined as never]) {
      expect(() => createRoutes(none, { 'GET /a': 'free' })).toThrow(
        new TypeError('expected a paywall, as createPaywall gives'),
      )
    }
  })
})
