import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { checkRequest } from '../../program/src/gateway/edge/index.ts'
import type { RequestFault } from '../../program/src/gateway/proxy/exchange.ts'
import { fuzzText } from './harness.ts'

/** As a parser would give it that checks nothing at all. */
function requestOf(text: string): IncomingMessage {
  const [start = '', ...lines] = text.split('\n')
  const [method, url, httpVersion] = start.split(' ')
  const rawHeaders = lines.flatMap((line) => {
    const colon = line.indexOf(':')
    return colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1)]
  })
  return { method, url, httpVersion, rawHeaders } as unknown as IncomingMessage
}

const count = ({ rawHeaders }: IncomingMessage, name: string): number =>
  rawHeaders.filter((other, i) => i % 2 === 0 && other.toLowerCase() === name).length

test('R-EDGE-1 R-EDGE-2 R-EDGE-4 any request has a fault, or can be read in one way only', () => {
  let served = 0
  let faults = 0
  fuzzText({
    name: 'checkRequest',
    seeds: [
      'GET / 1.1\nHost:a',
      'GET /a/b?c=d 1.1\nHost:api.example:8080\nAccept:*/*',
      'GET http://api.example/a?b 1.1\nHost:api.example',
      'OPTIONS * 1.1\nHost:[::1]:1',
      'POST /x 1.1\nHost:a\nTransfer-Encoding:chunked',
      'POST /x 1.0\nHost:a\nContent-Length:3\nX-Forwarded-For:1.2.3.4',
      'CONNECT a:443 1.1\nHost:a',
    ],
    words: [
      '\nHost:a',
      '\nHost:',
      '\nContent-Length:3',
      '\nTransfer-Encoding:chunked',
      'http://',
      '#',
      '_',
      '@',
      ' 1.0',
      '*',
    ],
    read: (text) => {
      const request = requestOf(text)
      return { request, fault: checkRequest(request) }
    },
    codes: [],
    holds: (_text, result) => {
      const { request, fault } = result as { request: IncomingMessage; fault?: RequestFault }
      if (fault !== undefined) {
        faults++
        return
      }
      served++
      const { url = '', method = '' } = request
      if (!/^(?:\/[\x21-\x22\x24-\x7e]*|\*)$/.test(url)) throw new Error('the target')
      if (url === '*' && method !== 'OPTIONS') throw new Error('the asterisk')
      if (count(request, 'host') !== 1) throw new Error('the Host lines')
      const framings = count(request, 'content-length') + count(request, 'transfer-encoding')
      if (framings > 1) throw new Error('two framings')
      // What was turned into a path is one, and stays so.
      if (checkRequest(request) !== undefined || request.url !== url) throw new Error('unstable')
      // Nobody reads another host into it.
      if (url !== '*' && new URL(`http://h${url}`).host !== 'h') throw new Error('another host')
    },
  })
  expect(served).toBeGreaterThan(1000)
  expect(faults).toBeGreaterThan(1000)
})
