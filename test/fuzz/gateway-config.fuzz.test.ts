// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how references are written
import { expect, test } from 'vitest'
import { readAddress } from '../../program/src/gateway/config/addresses.ts'
import { translateHosts, translatePaths } from '../../program/src/gateway/config/aperture/places.ts'
import { translateAperture } from '../../program/src/gateway/config/aperture/translate.ts'
import { readHost } from '../../program/src/gateway/config/hosts.ts'
import { readNetwork } from '../../program/src/gateway/config/networks.ts'
import type { ConfigReading } from '../../program/src/gateway/config/read.ts'
import { readOne, readWhole } from '../../program/src/gateway/config/read.ts'
import {
  Expectation,
  readAmount,
  readDuration,
  readPrice,
  readSize,
} from '../../program/src/gateway/config/units.ts'
import {
  readHealthPath,
  readPathPrefix,
  readUpstreamUrl,
} from '../../program/src/gateway/config/urls.ts'
import { fuzzText } from './harness.ts'

const where = {
  file: '/nowhere/satway.yaml',
  env: { HOME: '/nowhere', A: 'a-secret', SATWAY_A: 'b-secret' },
}
const lineBreaks = /[\r\n]/

/**
 * Whole files take a thousand times as long as what they consist of. Of every `share` mutants one is
 * read whole, and each seed; their words are read a million times below.
 */
function sampled<T>(
  seeds: readonly string[],
  share: number,
  read: (text: string) => T,
): (text: string) => T | undefined {
  let count = 0
  return (text) => {
    count += 1
    return count % share === 0 || seeds.includes(text) ? read(text) : undefined
  }
}

const whole = `listen:
  - address: 127.0.0.1:8402
    tls: { generate: true, names: [localhost] }
trusted_proxies: [10.0.0.0/8]
wallet: { devnet: { balance: 5 sat } }
admin: false
rates: { url: "https://r.example/", member: a }
drain: 30s
services:
  - name: shop
    hosts: [a.example, "*.example"]
    mount: /v1
    upstream: { url: "http://127.0.0.1:3000", headers: { X: "\${A}" } }
    defaults: { lifetime: 1d }
    routes:
      GET /v1: free
      GET /v1/:x: 10 sat
      POST /v1/y: { price: 0.01 USD, uses: 3, rate_limit: { requests: 1, per: 1m } }
`

test('R-CONF-1 R-CONF-2 configurations, mutated: read whole, or refused with mistakes that have their place', () => {
  const seen = { accepted: 0, refused: 0 }
  fuzzText({
    name: 'gateway configuration',
    seeds: [
      whole,
      'wallet: devnet\n',
      'wallet: &a devnet\nstate: *a\n',
      whole.replaceAll('  ', ' '),
    ],
    words: [
      'free',
      ': ',
      '- ',
      '{ ',
      ' }',
      '[',
      ']',
      '${A}',
      '$${',
      'file:x',
      '*a',
      '&a',
      '!!x',
      'none',
      '1',
      '0',
      'sat',
      'null',
      '"',
      '__proto__: ',
      '<<: ',
      '---\n',
      '# ',
      '|\n',
      '10.0.0.0/8',
      '/v1/*',
      '* /',
    ],
    read: sampled([whole], 100, (text) => readWhole(text, [], where)),
    codes: [],
    holds: (text, result) => {
      if (result === undefined) return
      const reading = result as ConfigReading
      if ('config' in reading) {
        seen.accepted += 1
        expect(Object.isFrozen(reading.config)).toBe(true)
        // The same text is the same value.
        expect(readWhole(text, [], where)).toEqual(reading)
        return
      }
      seen.refused += 1
      expect(reading.mistakes.length).toBeGreaterThan(0)
      for (const { line, column, message, path, source } of reading.mistakes) {
        expect(source ?? '').not.toMatch(lineBreaks)
        expect((source ?? '').length).toBeLessThanOrEqual(text.length)
        expect(line === undefined || (line >= 1 && (column ?? 0) >= 1)).toBe(true)
        expect(`${path}${message}`).not.toMatch(lineBreaks)
        expect(message).not.toContain('-secret')
      }
    },
  })
  expect(seen.accepted).toBeGreaterThan(0)
  expect(seen.refused).toBeGreaterThan(0)
})

test('R-CONF-16 service documents, mutated: no file is read, and only SATWAY_ variables', () => {
  const seen = { accepted: 0, refused: 0 }
  const document = {
    name: 'shop',
    upstream: { url: 'http://127.0.0.1:3000', headers: { X: '${SATWAY_A}', Y: 'plain' } },
    routes: { 'GET /x': '10 sat', 'GET /y': { price: '5 sat', uses: 3 }, 'GET /z': 'free' },
  }
  fuzzText({
    name: 'service document',
    seeds: [
      JSON.stringify(document),
      '{"name":"a","upstream":"http://h","routes":{"* /*":"1 sat"}}',
    ],
    words: [
      '"',
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '${A}',
      '${SATWAY_A}',
      'file:/etc/passwd',
      'null',
      '"__proto__":',
      '"constructor":',
      '1',
      '[[[[',
    ],
    read: sampled([JSON.stringify(document)], 10, (text) => {
      const json = parsed(text)
      return json === undefined ? undefined : readOne(json, where)
    }),
    codes: [],
    holds: (_text, result) => {
      if (result === undefined) return
      const reading = result as ReturnType<typeof readOne>
      if ('service' in reading) seen.accepted += 1
      else seen.refused += 1
      const text = JSON.stringify(reading, (_name, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value,
      )
      expect(text).not.toContain('a-secret')
      expect(text).not.toContain('root:')
      if ('mistakes' in reading) expect(text).not.toContain('b-secret')
    },
  })
  expect(seen.accepted).toBeGreaterThan(0)
  expect(seen.refused).toBeGreaterThan(0)
})

test('R-CONF-21 configurations of Aperture, mutated: a translation is YAML whose mistakes are known', () => {
  const seen = { translated: 0, refused: 0 }
  const aperture = `listenaddr: ":8081"
insecure: true
authenticator: { network: regtest, lndhost: "h:1" }
blocklist: [192.0.2.1]
services:
  - name: a
    hostregexp: '^(a|b)\\.example(:\\d+)?$'
    pathregexp: '^/v1/.*$'
    address: "127.0.0.1:3000"
    protocol: https
    auth: freebie 3
    price: 5
    dynamicprice: { enabled: false, metered: true }
    timeout: 60
    headers: { X: "!file+hex:/x", Y: "\${A}" }
    authwhitelistpaths: ['^/v1/free$']
    ratelimits: [{ pathregexp: '^/v1/.*$', requests: 5, per: 1m }]
    rewrite: { prefix: /api }
  - name: b
    address: "127.0.0.1:3001"
    auth: off
`
  fuzzText({
    name: 'configuration of Aperture',
    seeds: [aperture, 'services: [{ name: a, address: "h:1" }]\n'],
    words: [
      '^',
      '$',
      '.*',
      '.+',
      '(',
      ')',
      '|',
      '?',
      '[^/]+',
      '\\d+',
      '{',
      '}',
      '- ',
      ': ',
      'auth: ',
      'dynamicprice: { enabled: true }',
      'true',
      'on',
      'off',
      'file:',
      '"',
      "'",
      '#',
      '\\n',
      '${A}',
      '*',
      '&a',
    ],
    read: sampled([aperture], 250, (text) => translateAperture(text, 'aperture.yaml', where)),
    codes: [],
    holds: (_text, result) => {
      if (result === undefined) return
      const translation = result as ReturnType<typeof translateAperture>
      if (!('yaml' in translation)) {
        seen.refused += 1
        return
      }
      seen.translated += 1
      const broken = translation.mistakes.filter(({ message }) => message.startsWith('YAML'))
      expect(broken).toEqual([])
      expect(translation.yaml).not.toContain('a-secret')
      const unknown = translation.mistakes.filter(({ message }) => message.includes('not known'))
      expect(unknown).toEqual([])
    },
  })
  expect(seen.translated).toBeGreaterThan(0)
  expect(seen.refused).toBeGreaterThan(0)
})

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What one word of a configuration may be read as. */
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  address: readAddress,
  amount: readAmount,
  duration: (text) => readDuration(text, { least: 0, most: 10 ** 12 }),
  healthPath: readHealthPath,
  host: readHost,
  network: readNetwork,
  prefix: readPathPrefix,
  price: readPrice,
  size: (text) => readSize(text, { least: 0, most: 2 ** 40 }),
  upstream: readUpstreamUrl,
}

test('R-CONF-7 R-CONF-8 R-CONF-11 R-CONF-12 R-CONF-14 R-CONF-15 words, mutated: read, or refused without a word of them', () => {
  const seen = { accepted: 0, refused: 0 }
  const names = Object.keys(readers)
  let turn = 0
  fuzzText({
    name: 'word of a configuration',
    seeds: [
      '127.0.0.1:8402',
      '[::1]:1',
      '10 sat',
      '0.01 USD',
      '1500msat',
      '30s',
      '7d',
      '64KiB',
      '*.example.com',
      '10.0.0.0/8',
      '2001:db8::/32',
      '/v1/x',
      'http://127.0.0.1:3000/base/',
      'https://up.example',
    ],
    words: [
      '/',
      '.',
      ':',
      '::',
      '*',
      '//',
      '..',
      '%2e',
      '@',
      '?',
      '#',
      '[',
      ']',
      '0',
      '9',
      'sat',
      'USD',
      's',
      'KiB',
      '-',
    ],
    read: (text) => {
      turn += 1
      try {
        return readers[names[turn % names.length]!]!(text)
      } catch (error) {
        if (error instanceof Expectation) return error
        throw error
      }
    },
    codes: [],
    holds: (text, result) => {
      if (!(result instanceof Expectation)) {
        seen.accepted += 1
        return
      }
      seen.refused += 1
      expect(result.message).toMatch(/^expected /)
      // What is short may be part of the sentence by chance.
      if (text.length > 24) expect(result.message).not.toContain(text)
    },
  })
  expect(seen.accepted).toBeGreaterThan(0)
  expect(seen.refused).toBeGreaterThan(0)
})

test('R-CONF-22 expressions of Aperture, mutated: told, or not', () => {
  const seen = { told: 0, untold: 0 }
  fuzzText({
    name: 'expression of Aperture',
    seeds: [
      '^(a|b)\\.example(:\\d+)?$',
      '^/v1/.*$',
      '^/looprpc.SwapServer/.*$',
      '^/users/[^/]+/?$',
      '.*',
      '^[^.]+\\.example\\.com$',
    ],
    words: [
      '^',
      '$',
      '.',
      '*',
      '+',
      '?',
      '(',
      ')',
      '|',
      '[',
      ']',
      '\\',
      '.*',
      '.+',
      '[^/]+',
      '\\d+',
      '/',
      '(?:',
      '{2}',
    ],
    read: (source) => [translateHosts(source), translatePaths(source)],
    codes: [],
    holds: (_source, result) => {
      for (const translation of result as readonly ReturnType<typeof translateHosts>[]) {
        if (translation === undefined) {
          seen.untold += 1
          continue
        }
        seen.told += 1
        expect(translation.values.length).toBeGreaterThan(0)
        expect(translation.values.length).toBeLessThanOrEqual(128)
      }
    },
  })
  expect(seen.told).toBeGreaterThan(0)
  expect(seen.untold).toBeGreaterThan(0)
})
