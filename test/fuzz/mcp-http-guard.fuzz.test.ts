import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { allowedHosts, refusalOf } from '../../program/src/mcp/http-guard.ts'
import { fuzzText } from './harness.ts'

const token = { file: '', isIn: () => true }
const hosts = allowedHosts(['agents.example'])
const ours = /^(localhost|127(\.\d{1,3}){3}|agents\.example|\[::1\])(:\d{1,5})?$/i

/** A request of which the one part is that text. */
function incoming(host: string, origin: string | undefined): IncomingMessage {
  const headersDistinct = { host: [host], ...(origin !== undefined && { origin: [origin] }) }
  return { headersDistinct, headers: {}, url: '/mcp' } as unknown as IncomingMessage
}

test('R-MCP-52 only our own names are served, whatever is sent as Host or Origin', () => {
  let served = 0
  fuzzText({
    name: 'host and origin',
    seeds: [
      'localhost',
      '127.0.0.1:8404',
      '[::1]:80',
      'agents.example',
      'evil.example',
      'http://localhost:1',
    ],
    words: [
      'localhost',
      '.',
      ':',
      '@',
      '/',
      '[',
      ']',
      '#',
      'evil.example',
      '\u0000',
      ' ',
      '%',
      'http://',
      '127.1',
    ],
    codes: [],
    read: (text) => ({
      host: refusalOf(incoming(text, undefined), hosts, token) === undefined,
      origin: refusalOf(incoming('localhost', text), hosts, token) === undefined,
    }),
    holds: (text, result) => {
      const { host, origin } = result as { host: boolean; origin: boolean }
      if (host) {
        served++
        expect(text).toMatch(ours)
      }
      // What a browser sends as Origin is a URL's, and is read as one.
      if (origin) expect(new URL(text).host).toMatch(ours)
    },
  })
  expect(served).toBeGreaterThan(100)
})
