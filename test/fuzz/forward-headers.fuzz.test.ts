import { expect, test } from 'vitest'
import {
  plainName,
  requestHeaders,
  requestRules,
  responseHeaders,
  responseTrailers,
} from '../../program/src/gateway/proxy/headers.ts'
import type { Exchange, Forward } from '../../program/src/gateway/proxy/index.ts'
import { fuzzText } from './harness.ts'

const ofOneConnection =
  /^(?:connection|keep-alive|proxy|proxy-.*|te|trailer|transfer-encoding|upgrade|http2-settings|expect|:.*)$/
/** What a client must not be able to say to the upstream. */
const gatewaysOwn = /^(?:satway-.*|forwarded|x-forwarded-.*|x-real-ip|host|x-key|content-length)$/

const rules = requestRules({
  url: new URL('http://upstream.test'),
  protocol: 'http/1.1',
  ca: undefined,
  serverName: undefined,
  headers: [['X-Key', 'k']],
  signingKey: undefined,
  keepHost: false,
  connectMs: 1,
  headMs: 1,
  idleMs: 1,
  keepAlive: true,
  healthPath: undefined,
})

const forward: Forward = {
  method: 'GET',
  target: '/',
  clientAddress: '192.0.2.1',
  host: 'api.test',
  scheme: 'http',
  forwardedFor: [],
  receipt: undefined,
  maxBodyBytes: 0,
  headMs: 1,
  idleMs: 1,
  bodyStart: undefined,
  started: () => [],
}

/** Of a request without headers. */
const bare = forwarded([], '1.1')

function forwarded(rawHeaders: string[], httpVersion: string): string[] {
  const request = { rawHeaders, httpVersion } as Exchange['request']
  return requestHeaders(
    rules,
    { request, peer: { address: '192.0.2.1', isEncrypted: false } },
    forward,
  )
}

/** One line of text is one header line; what has no colon has an empty value. */
function readLines(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const colon = line.indexOf(':', 1)
    return colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
}

function namedBy(raw: readonly string[]): Set<string> {
  const named = new Set<string>()
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.toLowerCase() !== 'connection') continue
    for (const option of raw[i + 1]!.split(',')) named.add(plainName(option.trim()))
  }
  return named
}

test('R-FWD-1 R-FWD-2 R-FWD-7 whatever a head says, nothing of one connection goes further', () => {
  fuzzText({
    name: 'forwarded headers',
    seeds: [
      'Host: a\nConnection: keep-alive, X-Own\nX-Own: 1\nAccept: */*',
      'cookie: a=1\ncookie: b=2\n:path: /\nte: trailers',
      'Transfer-Encoding: chunked\nTrailer: X-Sum\nUpgrade: h2c\nHTTP2-Settings: x',
      'Satway-Token-Id: x\nX-Forwarded-For: 1.2.3.4\nForwarded: for=x\nx_key: mine',
      'Set-Cookie: a\nSet-Cookie: b\nProxy-Authorization: x\nContent-Length: 3',
    ],
    words: ['\n', ': ', '_', '-', 'connection', 'Satway_', 'Proxy', 'close,', 'X-Forwarded-', 'TE'],
    codes: [],
    read: (text) => {
      const raw = readLines(text)
      const named = namedBy(raw)
      for (const version of ['1.1', '2.0']) {
        const list = forwarded(raw, version)
        if (list.length % 2 !== 0) throw new Error('not pairs')
        if (count(list, gatewaysOwn) !== count(bare, gatewaysOwn)) {
          throw new Error('a header of the gateway’s was taken from the client, or lost')
        }
        check(list, named, bare.length - 2)
      }
      check(responseHeaders(raw, 200, []), named, 0)
      for (const [name] of responseTrailers(raw)) {
        if (ofOneConnection.test(plainName(name))) throw new Error('a trailer of one connection')
      }
    },
  })
  expect(count(bare, gatewaysOwn)).toBe(5)
})

function count(list: readonly string[], names: RegExp): number {
  return list.filter((name, i) => i % 2 === 0 && names.test(plainName(name))).length
}

/** @param own - How many of the last members are the gateway's. */
function check(list: readonly string[], named: ReadonlySet<string>, own: number): void {
  const first = own === 0 ? 0 : 2
  for (let i = first; i < list.length - own; i += 2) {
    const plain = plainName(list[i]!)
    if (ofOneConnection.test(plain)) throw new Error('a header of one connection')
    if (named.has(plain)) throw new Error('a header that Connection names')
  }
}
