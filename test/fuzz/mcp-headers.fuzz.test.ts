import { expect, test } from 'vitest'
import { Failure } from '../../program/src/cli/failure.ts'
import { readHeaders } from '../../program/src/mcp/request-headers.ts'
import { fuzzText } from './harness.ts'

const forbidden =
  /^(authorization|cookie2?|host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|via|macaroon|grpc-metadata-macaroon|(proxy|sec)-.*)$/

test('R-MCP-14 no header of a model is another’s, or two', () => {
  let taken = 0
  fuzzText({
    name: 'headers of a model',
    seeds: [
      'accept: text/csv',
      'x-id: 1, 2',
      'Authorization: Bearer x',
      'Host: a',
      'proxy-x: y',
      'x-a: b\r\nHost: c',
    ],
    words: [
      ':',
      ' ',
      '\r\n',
      '\n',
      '\u0000',
      'Host',
      'Cookie',
      'authorization',
      'Proxy-',
      '\u010a',
      '\u212a',
      '\t',
    ],
    codes: [],
    read: (text) => {
      const colon = text.indexOf(':')
      const [name, value] =
        colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
      try {
        return [...readHeaders({ [name]: value })]
      } catch (error) {
        if (error instanceof Failure) return undefined
        throw error
      }
    },
    holds: (_text, headers) => {
      if (!Array.isArray(headers)) return
      taken++
      expect(headers).toHaveLength(1)
      const [name, value] = headers[0] as [string, string]
      expect(name).not.toMatch(forbidden)
      expect(`${name}${value}`).toMatch(/^[\t\x20-\x7e]*$/)
    },
  })
  expect(taken).toBeGreaterThan(100)
})
