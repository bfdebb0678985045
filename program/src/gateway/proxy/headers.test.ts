import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import type { Msat } from 'satway'
import { describe, expect, test } from 'vitest'
import type { UpstreamConfig } from '../config/index.ts'
import type { Exchange } from './exchange.ts'
import type { Forward } from './forward.ts'
import {
  plainName,
  requestHeaders,
  requestRules,
  requestTrailers,
  responseHeaders,
  responseTrailers,
} from './headers.ts'

const config: UpstreamConfig = {
  url: new URL('http://upstream.test:3000'),
  protocol: 'http/1.1',
  ca: undefined,
  serverName: undefined,
  headers: [],
  signingKey: undefined,
  keepHost: false,
  connectMs: 1000,
  headMs: 1000,
  idleMs: 1000,
  keepAlive: true,
  healthPath: undefined,
}

const forward: Forward = {
  method: 'GET',
  target: '/v1/x?q=1',
  clientAddress: '203.0.113.9',
  host: 'api.example.com:8443',
  scheme: 'https',
  forwardedFor: [],
  receipt: undefined,
  maxBodyBytes: 1000,
  headMs: 1000,
  idleMs: 1000,
  bodyStart: undefined,
  started: () => [],
}

const receipt: NonNullable<Forward['receipt']> = {
  tokenId: 'aa'.repeat(32),
  paymentHash: 'bb'.repeat(32),
  amountMsat: 10_000n as Msat,
  service: 'api',
  capability: 'report',
  tier: 0,
  validUntilSeconds: 2_000_000_000,
  soldUntilSeconds: 2_000_000_000,
}

/** What comes of a client's header lines. */
function forwarded(
  rawHeaders: string[],
  {
    httpVersion = '1.1',
    upstream = {},
    request = {},
    now = () => 1_700_000_000.9,
  }: {
    httpVersion?: string
    upstream?: Partial<UpstreamConfig>
    request?: Partial<Forward>
    now?: () => number
  } = {},
): [string, string][] {
  const exchange = {
    request: { rawHeaders, httpVersion } as Exchange['request'],
    peer: { address: '203.0.113.9', isEncrypted: true },
  }
  const rules = requestRules({ ...config, ...upstream }, now)
  return pairs(requestHeaders(rules, exchange, { ...forward, ...request }))
}

function pairs(list: readonly string[]): [string, string][] {
  const result: [string, string][] = []
  for (let i = 0; i < list.length; i += 2) result.push([list[i]!, list[i + 1]!])
  return result
}

/** All lines of one name. */
function lines(list: readonly [string, string][], name: string): string[] {
  return list.filter(([other]) => plainName(other) === name).map(([, value]) => value)
}

const ofOneConnection = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
]

/** A spelling that an upstream, or a CGI program behind it, may read as the same name. */
function spellings(name: string): fc.Arbitrary<string> {
  return fc
    .array(fc.tuple(fc.boolean(), fc.boolean()), {
      minLength: name.length,
      maxLength: name.length,
    })
    .map((choices) =>
      [...name]
        .map((character, i) => {
          const [isUpper, isLow] = choices[i]!
          if (character === '-') return isLow ? '_' : '-'
          return isUpper ? character.toUpperCase() : character
        })
        .join(''),
    )
}

const ordinaryNames = ['Accept', 'X-Size', 'user-agent', 'ETag', 'Content-Type', 'X_Custom']
const line = fc.tuple(
  fc.oneof(
    fc.constantFrom(...ordinaryNames),
    fc.constantFrom(...ofOneConnection).chain(spellings),
    fc.constantFrom('satway-token-id', 'x-forwarded-for', 'forwarded').chain(spellings),
  ),
  fc.constantFrom('1', 'x-size', 'close, X-SIZE', 'chunked', 'a, b', ''),
)

describe('R-FWD-1 headers of one connection', () => {
  for (const name of ofOneConnection) {
    for (const spelling of [name, name.toUpperCase(), name.replaceAll('-', '_')]) {
      test(`${spelling} goes no further, in either direction`, () => {
        const list = forwarded(['X-Size', '1', spelling, 'x', 'Accept', 'a'])
        expect(lines(list, name)).toEqual([])
        expect(lines(list, 'accept')).toEqual(['a'])
        expect(responseHeaders([spelling, 'x', 'ETag', 'e'], 200, [])).toEqual(['ETag', 'e'])
      })
    }
  }

  test('what Connection names is removed, wherever it stands and however it is spelled', () => {
    const raw = ['X-Size', '1', 'Connection', 'close, x-SIZE ,x_own', 'X-Own', '2', 'Accept', 'a']
    expect(forwarded(raw).slice(1, 2)).toEqual([['Accept', 'a']])
    expect(responseHeaders(raw, 200, [])).toEqual(['Accept', 'a'])
  })

  test('no Connection line of a client takes away what the gateway sets', () => {
    const names = 'host, satway-token-id, x-forwarded-for, via, x-key, authorization'
    const list = forwarded(['Connection', names, 'Authorization', 'Bearer x'], {
      upstream: { headers: [['X-Key', 'k']] },
      request: { receipt },
    })
    expect(lines(list, 'authorization')).toEqual([])
    expect(lines(list, 'host')).toEqual(['upstream.test:3000'])
    expect(lines(list, 'satway-token-id')).toEqual([receipt.tokenId])
    expect(lines(list, 'x-forwarded-for')).toEqual(['203.0.113.9'])
    expect(lines(list, 'x-key')).toEqual(['k'])
  })

  test('holds for any lines in any spelling', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (raw) => {
        const flat = raw.flat()
        const named = new Set(
          raw
            .filter(([name]) => name.toLowerCase() === 'connection')
            .flatMap(([, value]) => value.split(',').map((option) => plainName(option.trim()))),
        )
        for (const list of [forwarded(flat), pairs(responseHeaders(flat, 200, []))]) {
          for (const [name, value] of list) {
            const plain = plainName(name)
            expect(ofOneConnection).not.toContain(plain)
            expect(named.has(plain) && raw.some((own) => own[0] === name && own[1] === value)).toBe(
              false,
            )
          }
        }
        // Everything ordinary that nobody named is there, in order.
        const isKept = ([name]: readonly [string, string]): boolean =>
          ordinaryNames.includes(name) && !named.has(plainName(name))
        expect(forwarded(flat).filter(isKept)).toEqual(raw.filter(isKept))
      }),
    )
  })
})

describe('R-FWD-2 who the client is, and what it asks for', () => {
  const names = ['X-Client-IP', 'True-Client-IP', 'CF-Connecting-IP', 'x_client_ip']
  const lines = names.flatMap((name) => [name, '6.6.6.6'])
  const namesOf = (pairs: [string, string][]): string[] => pairs.map(([name]) => name)

  test('is not for the client to say', () => {
    expect(namesOf(forwarded(lines))).not.toEqual(expect.arrayContaining([names[0]]))
    for (const name of names) expect(namesOf(forwarded(lines))).not.toContain(name)
  })

  test('is said by a trusted proxy', () => {
    const kept = namesOf(forwarded(lines, { request: { forwardedFor: ['6.6.6.6'] } }))
    for (const name of names) expect(kept).toContain(name)
  })

  for (const name of ['X-Original-URL', 'x_rewrite_url', 'X-Original_Host', 'X-REWRITE-URL']) {
    test(`${name} is said by nobody`, () => {
      for (const forwardedFor of [[], ['6.6.6.6']]) {
        const pairs = forwarded([name, '/premium'], { request: { forwardedFor } })
        expect(namesOf(pairs)).not.toContain(name)
      }
    })
  }
})

describe('R-GRPC-12 the trailers of a request', () => {
  test('say nothing that its headers must not say', () => {
    const rules = requestRules({ ...config, headers: [['X-Key', 'secret']] })
    const raw = [
      ...['x-key', 'mine', 'X_KEY', 'mine', 'x-rewrite-url', '/a', 'true-client-ip', '6.6.6.6'],
      ...['cookie', 'a=1', 'host', 'a', 'x-forwarded-for', '6.6.6.6', 'satway_amount_msat', '1'],
      ...['X-Sum', '7', 'x-sum', '8'],
    ]
    expect(requestTrailers(rules, raw)).toEqual({ 'x-sum': ['7', '8'] })
  })
})

describe('R-FWD-2 what a client cannot say', () => {
  for (const [name, value] of [
    ['Authorization', 'L402 AGIA:00'],
    ['authorization', 'Bearer x, LSAT AGIA:00'],
    ['Satway-Token-Id', 'x'],
    ['SATWAY_token_id', 'x'],
    ['Satway-Anything', 'x'],
    ['Forwarded', 'for=1.2.3.4'],
    ['X-Forwarded-For', '1.2.3.4'],
    ['x_forwarded_host', 'evil'],
    ['X-Forwarded-Port', '1'],
    ['X-Real-IP', '1.2.3.4'],
    ['X-HTTP-Method-Override', 'DELETE'],
    ['X-Key', 'mine'],
    ['x_key', 'mine'],
    ['Host', 'evil'],
    ['Content-Length', '3'],
    ['content_length', '3'],
  ] as const) {
    test(`${name}: ${value}`, () => {
      const list = forwarded([name, value], { upstream: { headers: [['X-Key', 'k']] } })
      expect(list.some((own) => own[1] === value)).toBe(false)
    })
  }

  test('credentials of other schemes, cookies and all else go on in order', () => {
    const raw = ['Accept', 'a', 'Authorization', 'Bearer x', 'Cookie', 'a=1', 'cookie', 'b=2']
    expect(forwarded(raw).slice(1, 5)).toEqual(pairs(raw))
  })

  test('names that are remembered do not pile up', () => {
    const rules = requestRules(config)
    for (let i = 0; i < 5000; i++) {
      const request = { rawHeaders: [`x-${i}`, ''], httpVersion: '1.1' } as Exchange['request']
      requestHeaders(rules, { request, peer: { address: '', isEncrypted: false } }, forward)
      responseHeaders([`x-${i}`, ''], 200, [])
    }
    expect(rules.fates.size).toBeLessThanOrEqual(1024)
  })
})

describe('R-FWD-3 where a request came from', () => {
  test('address, scheme and host of the client are told', () => {
    const list = forwarded([])
    expect(lines(list, 'x-forwarded-for')).toEqual(['203.0.113.9'])
    expect(lines(list, 'x-forwarded-proto')).toEqual(['https'])
    expect(lines(list, 'x-forwarded-host')).toEqual(['api.example.com:8443'])
  })

  test('the list of a trusted proxy is continued', () => {
    const list = forwarded(['X-Forwarded-For', '198.51.100.1', 'X-Forwarded-For', '10.0.0.1'], {
      request: { forwardedFor: ['198.51.100.1', '10.0.0.1'] },
    })
    expect(lines(list, 'x-forwarded-for')).toEqual(['198.51.100.1, 10.0.0.1, 203.0.113.9'])
  })

  for (const [httpVersion, via] of [
    ['1.0', '1.0 satway'],
    ['1.1', '1.1 satway'],
    ['2.0', '2.0 satway'],
  ] as const) {
    test(`Via names the gateway once more: ${via}`, () => {
      const list = forwarded(['Via', '1.1 edge'], { httpVersion })
      expect(lines(list, 'via')).toEqual(['1.1 edge', via])
    })
  }
})

describe('R-FWD-4 Host', () => {
  test('is the upstream’s, and stands first', () => {
    expect(forwarded(['Host', 'api.example.com'])[0]).toEqual(['Host', 'upstream.test:3000'])
  })
  test('is the client’s with keep_host', () => {
    const list = forwarded(['Host', 'x'], { upstream: { keepHost: true } })
    expect(lines(list, 'host')).toEqual(['api.example.com:8443'])
  })
  test('is the configured one, where there is one', () => {
    const list = forwarded([], { upstream: { keepHost: true, headers: [['host', 'own.test']] } })
    expect(lines(list, 'host')).toEqual(['own.test'])
  })
})

describe('R-FWD-5 configured headers', () => {
  test('replace the client’s, and the gateway’s own', () => {
    const list = forwarded(['x-key', 'mine', 'Via', '1.0 a'], {
      upstream: {
        headers: [
          ['X-Key', 'k'],
          ['via', 'nothing'],
          ['X-Forwarded-Proto', 'http'],
        ],
      },
    })
    expect(lines(list, 'x-key')).toEqual(['k'])
    expect(lines(list, 'via')).toEqual(['nothing'])
    expect(lines(list, 'x-forwarded-proto')).toEqual(['http'])
  })
  test('cannot frame the message', () => {
    const headers = [
      ['Content-Length', '3'],
      ['Transfer-Encoding', 'chunked'],
      ['Connection', 'x'],
    ] as const
    expect(forwarded([], { upstream: { headers } })).toEqual(forwarded([]))
  })
})

describe('R-FWD-6 facts about the payment', () => {
  test('a paid request carries them', () => {
    const list = forwarded([], { request: { receipt } })
    expect(list.filter(([name]) => name.startsWith('Satway-'))).toEqual([
      ['Satway-Token-Id', 'aa'.repeat(32)],
      ['Satway-Payment-Hash', 'bb'.repeat(32)],
      ['Satway-Service', 'api'],
      ['Satway-Capability', 'report'],
      ['Satway-Amount-Msat', '10000'],
    ])
  })
  test('a free request carries none', () => {
    expect(forwarded([]).filter(([name]) => name.startsWith('Satway-'))).toEqual([])
  })
  for (const [what, paid, facts] of [
    ['paid', receipt, `${'aa'.repeat(32)}\n${'bb'.repeat(32)}\napi\nreport\n10000`],
    ['free', undefined, '\n\n\n\n'],
  ] as const) {
    test(`a ${what} request is signed, where there is a key`, () => {
      const list = forwarded([], {
        upstream: { signingKey: 'secret' },
        request: { receipt: paid, method: 'POST' },
      })
      const text = `v1\n1700000000\nPOST\n/v1/x?q=1\n${facts}`
      const mac = createHmac('sha256', 'secret').update(text).digest('hex')
      expect(lines(list, 'satway-timestamp')).toEqual(['1700000000'])
      expect(lines(list, 'satway-signature')).toEqual([`v1=${mac}`])
    })
  }
})

describe('R-FWD-7 what the gateway adds to a response', () => {
  test('replaces the upstream’s lines of that name', () => {
    const raw = ['VARY', 'Accept', 'cache-control', 'public', 'vary', 'Origin', 'ETag', 'e']
    const added = [
      ['Cache-Control', 'private'],
      ['Vary', 'Accept, Origin, Authorization'],
    ] as const
    expect(responseHeaders(raw, 200, added)).toEqual(['ETag', 'e', ...added.flat()])
  })
  for (const name of ['Satway-Token-Id', 'satway_token_id', 'SATWAY-X']) {
    test(`an upstream cannot set ${name}`, () => {
      expect(responseHeaders([name, 'x'], 200, [])).toEqual([])
    })
  }
})

describe('R-FWD-8 the upstream’s headers', () => {
  test('keep spelling, order and lines that stand twice, as text or as bytes', () => {
    const raw = ['SET-cookie', 'a=1', 'ETag', '"é"', 'Set-Cookie', 'b=2', 'WWW-Authenticate', 'B']
    expect(responseHeaders(raw, 401, [])).toEqual(raw)
    const bytes = raw.map((text) => Buffer.from(text, 'latin1'))
    expect(responseHeaders(bytes, 401, [])).toEqual(raw)
  })
  test('pseudo-headers are no headers', () => {
    expect(responseHeaders([':status', '200', 'a', 'b'], 200, [])).toEqual(['a', 'b'])
  })
})

describe('R-FWD-25 a request over HTTP/2', () => {
  test('has no pseudo-headers upstream, and one line of cookies', () => {
    const raw = [':method', 'GET', ':authority', 'x', 'cookie', 'a=1', 'te', 'trailers']
    const list = forwarded([...raw, 'accept', 'a', 'cookie', 'b=2'], { httpVersion: '2.0' })
    expect(list.slice(0, 3)).toEqual([
      ['Host', 'upstream.test:3000'],
      ['accept', 'a'],
      ['cookie', 'a=1; b=2'],
    ])
    expect(list.filter(([name]) => name.startsWith(':') || name === 'te')).toEqual([])
  })
})

describe('R-FWD-18 204', () => {
  test('has no Content-Length', () => {
    expect(responseHeaders(['content-length', '5', 'a', 'b'], 204, [])).toEqual(['a', 'b'])
    expect(responseHeaders(['content-length', '5'], 304, [])).toEqual(['content-length', '5'])
  })
})

describe('R-FWD-19 trailers', () => {
  for (const name of ['Content-Length', 'host', 'Transfer-Encoding', 'Set-Cookie', 'satway-x']) {
    test(`${name} is none`, () => {
      expect(responseTrailers([name, 'x', 'X-Sum', '1'])).toEqual([['X-Sum', '1']])
    })
  }
})
