import { isIP } from 'node:net'
import { expect, test } from 'vitest'
import type { ProxyHeader } from '../../program/src/gateway/edge/proxy-protocol.ts'
import { readProxyHeader } from '../../program/src/gateway/edge/proxy-protocol.ts'
import { fuzzBytes } from './harness.ts'

const text = (line: string): Uint8Array => Uint8Array.from(Buffer.from(line, 'latin1'))
const signature = text('\r\n\r\n\0\r\nQUIT\n')
const bytes = (...rest: readonly number[]): Uint8Array => Uint8Array.from([...signature, ...rest])

test('R-EDGE-16 any start of a connection is a PROXY header, none, or the beginning of one', () => {
  let headers = 0
  const report = fuzzBytes({
    name: 'readProxyHeader',
    seeds: [
      text('PROXY TCP4 192.0.2.7 10.0.0.1 443 80\r\nGET / HTTP/1.1\r\n'),
      text('PROXY TCP6 2001:db8::9 ::1 443 80\r\n'),
      text('PROXY UNKNOWN\r\n'),
      bytes(0x21, 0x11, 0, 12, 192, 0, 2, 7, 10, 0, 0, 1, 1, 187, 0, 80),
      bytes(0x21, 0x21, 0, 36, ...Array<number>(36).fill(1)),
      bytes(0x20, 0, 0, 0),
    ],
    words: [text('PROXY '), text('\r\n'), text(' '), text('TCP4'), text('::'), signature],
    read: readProxyHeader,
    codes: [],
    holds: (input, result) => {
      const header = result as ProxyHeader
      if (header.kind === 'more' && input.length >= 4096) throw new Error('waits for ever')
      if (header.kind !== 'header') return
      headers++
      const { length, source } = header
      if (length > input.length || length > 4096) throw new Error('longer than what came')
      if (source !== undefined && isIP(source) === 0) throw new Error('no address')
      const alone = readProxyHeader(input.subarray(0, length))
      if (JSON.stringify(alone) !== JSON.stringify(header)) throw new Error('reads on')
      if (readProxyHeader(input.subarray(0, length - 1)).kind !== 'more')
        throw new Error('a part of it is something else')
    },
  })
  expect(report.refused).toBe(0)
  expect(headers).toBeGreaterThan(report.cases / 20)
})
