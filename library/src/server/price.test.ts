import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { msat } from '../amount/index.ts'
import { encodeHex, encodeUtf8, sha256 } from '../bytes/index.ts'
import { isL402Error, L402Error } from '../errors.ts'
import { canonicalTarget } from '../l402/index.ts'
import type { Price, PriceInput, Quote } from './price.ts'
import { createPricer, readPrice } from './price.ts'
import { readQuery } from './query.ts'

type Parts = {
  readonly method?: string
  readonly target?: string
  readonly headers?: Readonly<Record<string, readonly string[]>>
  readonly body?: string
}

async function quote(price: Price, parts: Parts = {}): Promise<Quote | undefined> {
  const { headers = {}, method = 'GET', target = '/a' } = parts
  const headerLines = (name: string): readonly string[] => headers[name] ?? []
  const request =
    parts.body === undefined ? { headerLines } : { headerLines, body: reader(parts.body) }
  return createPricer(price)(request, method, canonicalTarget(target))
}

function reader(text: string): (maxBytes: number) => Promise<Uint8Array> {
  const bytes = encodeUtf8(text)
  return async (maxBytes) => {
    if (bytes.length > maxBytes) throw new L402Error('REQUEST_TOO_LARGE')
    return bytes
  }
}

const refusedWith = (code: 'REQUEST_AMBIGUOUS' | 'REQUEST_UNPRICED'): unknown =>
  expect.toSatisfy((error) => isL402Error(error, code))

describe('R-SRV-14 a price is an amount or a function of the request', () => {
  test('a fixed one is bound to nothing else', async () => {
    expect(await quote('10 sat')).toEqual({
      priceMsat: 10_000n,
      leastMsat: 10_000n,
      scope: undefined,
    })
    expect(await quote(msat(1n))).toEqual({ priceMsat: 1n, leastMsat: 1n, scope: undefined })
  })

  test('a function answers at once or later, in text or in msat', async () => {
    expect(await quote(() => '2 sat')).toEqual({
      priceMsat: 2000n,
      leastMsat: 2000n,
      scope: undefined,
    })
    expect(await quote(async () => msat(7n))).toEqual({
      priceMsat: 7n,
      leastMsat: 7n,
      scope: undefined,
    })
    // biome-ignore lint/suspicious/noThenProperty: query builders are promises of this kind
    const thenable = { then: (resolve: (amount: string) => void) => resolve('3 sat') }
    expect(await quote(() => thenable as Promise<string>)).toHaveProperty('priceMsat', 3000n)
  })

  test('null is free', async () => {
    expect(await quote(() => null)).toBeUndefined()
    expect(await quote(async () => null)).toBeUndefined()
  })

  for (const wrong of [
    '0 sat',
    '10',
    'free',
    '',
    '-1 sat',
    0n,
    -1n,
    2n ** 53n,
    10,
    null,
    undefined,
    {},
  ]) {
    test(`${String(wrong)} is no fixed price`, () => {
      expect(() => readPrice(wrong)).toThrow(RangeError)
    })
  }
})

describe('R-SRV-15 a price function that gives no amount is never free', () => {
  for (const [what, price] of [
    [
      'throws',
      () => {
        throw new Error('rates are down')
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('rates are down')
      },
    ],
    ['gives zero', () => msat(0n)],
    ['gives zero in text', () => '0 sat'],
    ['gives nothing', () => undefined],
    ['gives a number', () => 10],
    ['gives an amount without a unit', () => '10'],
    ['gives a promise of nothing', async () => undefined],
    ['gives nonsense', () => Number.NaN],
  ] as const) {
    test(`one that ${what}`, async () => {
      // A function in JavaScript does what its type forbids.
      await expect(quote(price as unknown as Price)).rejects.toEqual(
        refusedWith('REQUEST_UNPRICED'),
      )
    })
  }
})

describe('R-SRV-16 what a price looks at and the request says twice refuses the request', () => {
  const bySize: Price = (input) => (input.query('size') === 'large' ? '100 sat' : '1 sat')
  const careless: Price = (input) => {
    try {
      return bySize(input) as string
    } catch {
      return '1 sat'
    }
  }
  for (const query of [
    '?size=small&size=large',
    '?size=small&size=small',
    '?size=small&%73ize=large',
    '?size=small&size[]=large',
    '?size[]=large',
    '?size[0]=small',
    '?[size]=large',
    '?size=small&[size]=large',
    '?[size][0]=large',
    '?%5Bsize%5D=large',
    '?size.x=large',
    `?${'a&'.repeat(100)}size=large`,
    '?size=%zz',
    '?size=small&x=%ff',
    '?size=small&x=%',
  ]) {
    test(`${query}`, async () => {
      await expect(quote(bySize, { target: `/a${query}` })).rejects.toEqual(
        refusedWith('REQUEST_AMBIGUOUS'),
      )
      await expect(quote(careless, { target: `/a${query}` })).rejects.toEqual(
        refusedWith('REQUEST_AMBIGUOUS'),
      )
    })
  }

  test('a header on two lines', async () => {
    const price: Price = (input) => (input.header('X-Size') === 'large' ? '100 sat' : '1 sat')
    await expect(quote(price, { headers: { 'x-size': ['small', 'large'] } })).rejects.toEqual(
      refusedWith('REQUEST_AMBIGUOUS'),
    )
    expect(await quote(price, { headers: { 'x-size': ['large'] } })).toHaveProperty(
      'priceMsat',
      100_000n,
    )
  })

  test('what it does not look at may be there twice', async () => {
    expect(await quote(bySize, { target: '/a?size=large&x=1&x=2' })).toHaveProperty(
      'priceMsat',
      100_000n,
    )
  })

  for (const [query, values] of [
    ['', []],
    ['?', []],
    ['?a', ['']],
    ['?a=', ['']],
    ['?a=1', ['1']],
    ['?b=2&a=1', ['1']],
    ['?a=b=c', ['b=c']],
    ['?a=%C3%A9+x%2B', ['é x+']],
    ['?A=1&ab=2', []],
    ['?[ab]=1&[a=2&b.a=3', []],
    [`?${'b&'.repeat(99)}a=1`, ['1']],
    ['?a=1&&a=2', ['1', '2']],
  ] as const) {
    test(`${query || 'no query'} has the values ${JSON.stringify(values)}`, () => {
      expect(readQuery(query, 'a')).toEqual(values)
    })
  }
})

function look(input: PriceInput, ...names: readonly string[]): readonly (string | undefined)[] {
  return names.map((name) => input.query(name))
}

describe('R-SRV-17 the scope is a digest of what the price looked at', () => {
  test('with these exact bytes', async () => {
    const price: Price = ({ method, query, header, path }) =>
      `${method}${path}${query('size')}${query('none')}${header('Accept')}`.length > 3
        ? '1 sat'
        : '2 sat'
    const facts =
      '[["header accept","text/plain"],["method ","POST"],["path ","/a"],["query none"],["query size","x"]]'
    expect(
      await quote(price, {
        method: 'POST',
        target: '/a?size=x',
        headers: { accept: ['text/plain'] },
      }),
    ).toEqual({
      priceMsat: 1000n,
      leastMsat: 1000n,
      scope: encodeHex(sha256(encodeUtf8(facts))).slice(0, 32),
    })
  })

  test('is the same whatever the order, and whatever it did not look at', async () => {
    const one: Price = (input) => `${look(input, 'a', 'b').length} sat`
    const other: Price = async (input) => {
      const [b] = look(input, 'b')
      await null
      return `${[b, ...look(input, 'a')].length} sat`
    }
    const a = await quote(one, { target: '/x?a=1&b=2' })
    const b = await quote(other, { target: '/y?b=2&c=3&a=1', method: 'POST' })
    expect(a?.scope).toBe(b?.scope)
  })

  test('tells an absent parameter from an empty one', async () => {
    const price: Price = (input) => `${look(input, 'a').length} sat`
    const scopes = await Promise.all(
      ['/x', '/x?a=', '/x?a=null', '/x?a=undefined'].map((target) => quote(price, { target })),
    )
    expect(new Set(scopes.map((quoted) => quoted?.scope)).size).toBe(4)
  })

  test('differs wherever one answer differs', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    const names = fc.uniqueArray(text, { maxLength: 4 })
    const values = fc.dictionary(text, text, { noNullPrototype: true })
    const seen = new Map<string | undefined, string>()
    await fc.assert(
      fc.asyncProperty(names, values, async (asked, given) => {
        const query = Object.entries(given).map((pair) => pair.map(encodeURIComponent).join('='))
        const isFolded = (key: string, name: string): boolean =>
          [`${name}[`, `${name}.`, `[${name}]`].some((start) => key.startsWith(start))
        fc.pre(asked.every((name) => !Object.keys(given).some((key) => isFolded(key, name))))
        const quoted = await quote((input) => `${look(input, ...asked).length + 1} sat`, {
          target: `/x?${query.join('&')}`,
        })
        const answer = (name: string): unknown => [
          name,
          Object.hasOwn(given, name) ? given[name] : 0,
        ]
        const answers = JSON.stringify([...asked].sort().map(answer))
        expect(seen.get(quoted?.scope) ?? answers).toBe(answers)
        seen.set(quoted?.scope, answers)
      }),
      { numRuns: 500 },
    )
  })
})

describe('R-SRV-16 what a server behind might read in another way', () => {
  const price: Price = ({ header }) => (header('X-Image-Size') === 'small' ? '1 sat' : '9 sat')
  for (const headers of [
    { 'x-image-size': ['small'], connection: ['close, X-Image-Size'] },
    { 'x-image-size': ['small'], x_image_size: ['large'] },
    { 'x-image-size': ['small'], 'x_image-size': ['large'] },
    { 'x-image_size': ['large'] },
    { connection: ['keep-alive', 'x-image-size'] },
  ]) {
    test(`is refused: ${JSON.stringify(headers)}`, async () => {
      await expect(quote(price, { headers })).rejects.toEqual(refusedWith('REQUEST_AMBIGUOUS'))
    })
  }

  test('other headers of the kind do not matter', async () => {
    const headers = { 'x-image-size': ['small'], connection: ['close'], x_other: ['1'] }
    expect(await quote(price, { headers })).toMatchObject({ priceMsat: 1000n })
  })
})

describe('R-SRV-68 a price may be a range', () => {
  test('what is asked and what a token may have been sold for differ', async () => {
    expect(await quote(() => ({ amount: '10 sat', least: msat(1n) }))).toEqual({
      priceMsat: 10_000n,
      leastMsat: 1n,
      scope: undefined,
    })
  })

  test('least above amount, or no amount, is no price', async () => {
    const wrong = [
      { amount: '1 sat', least: '2 sat' },
      { amount: '1 sat', least: '0 sat' },
      { amount: '1 sat' },
    ]
    for (const range of wrong) {
      await expect(quote(() => range as never)).rejects.toEqual(refusedWith('REQUEST_UNPRICED'))
    }
  })
})

describe('R-SRV-69 the whole query, the body, and what is bound are part of the scope', () => {
  const scopeOf = async (price: Price, parts: Parts): Promise<string | undefined> =>
    (await quote(price, parts))?.scope

  test('any other query text is another scope, and so is none', async () => {
    const price: Price = ({ search }) => (search === 'never' ? null : '1 sat')
    const scopes = await Promise.all(
      ['/a', '/a?', '/a?b=1', '/a?b=1&c=2', '/a?c=2&b=1'].map((target) =>
        scopeOf(price, { target }),
      ),
    )
    expect(new Set(scopes).size).toBe(5)
    expect(await scopeOf(price, { target: '/a?b=1' })).toBe(scopes[2])
  })

  test('another body is another scope', async () => {
    const price: Price = async ({ body }) => ((await body(10)).length > 99 ? null : '1 sat')
    expect(await scopeOf(price, { body: 'a' })).toBe(await scopeOf(price, { body: 'a' }))
    expect(await scopeOf(price, { body: 'a' })).not.toBe(await scopeOf(price, { body: 'b' }))
  })

  test('a body that is too long refuses the request, also where the function swallows it', async () => {
    const price: Price = async ({ body }) => {
      await body(2).catch(() => undefined)
      return '1 sat'
    }
    await expect(quote(price, { body: 'abc' })).rejects.toSatisfy((error) =>
      isL402Error(error, 'REQUEST_TOO_LARGE'),
    )
  })

  test('without a body that can be read twice there is no price', async () => {
    const price: Price = async ({ body }) => ((await body(2)).length === 0 ? null : '1 sat')
    await expect(quote(price)).rejects.toEqual(refusedWith('REQUEST_UNPRICED'))
  })

  test('what is bound keeps tokens apart', async () => {
    const at = (value: string): Price => {
      return ({ bind }) => {
        bind('fiat', value)
        return { amount: '3 sat', least: '1 msat' }
      }
    }
    expect(await scopeOf(at('0.01 USD'), {})).toBe(await scopeOf(at('0.01 USD'), {}))
    expect(await scopeOf(at('0.01 USD'), {})).not.toBe(await scopeOf(at('0.02 USD'), {}))
  })
})
