import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plainAddress } from './ip-address.ts'
import { readProxyHeader } from './proxy-protocol.ts'

const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
const ports = fc.tuple(fc.integer({ min: 0, max: 65535 }), fc.integer({ min: 0, max: 65535 }))

/** A header, and the address it stands for. */
const header = fc.oneof(
  fc.tuple(fc.ipV4(), fc.ipV4(), ports).map(([source, destination, [from, to]]) => ({
    bytes: Buffer.from(`PROXY TCP4 ${source} ${destination} ${from} ${to}\r\n`),
    source,
  })),
  fc.tuple(fc.ipV6(), fc.ipV6(), ports).map(([source, destination, [from, to]]) => ({
    bytes: Buffer.from(`PROXY TCP6 ${source} ${destination} ${from} ${to}\r\n`),
    source,
  })),
  fc.tuple(fc.ipV4(), fc.uint8Array({ maxLength: 300 })).map(([source, extra]) => ({
    bytes: Buffer.from([
      ...signature,
      0x21,
      0x11,
      (12 + extra.length) >> 8,
      (12 + extra.length) & 255,
      ...source.split('.').map(Number),
      ...Array<number>(8).fill(1),
      ...extra,
    ]),
    source,
  })),
)

describe('R-EDGE-16 a PROXY header', () => {
  test('is found with its length, and waited for until it is whole', () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 50 }), ({ bytes, source }, rest) => {
        for (let length = 0; length < bytes.length; length++) {
          expect(readProxyHeader(bytes.subarray(0, length))).toEqual({ kind: 'more' })
        }
        const found = readProxyHeader(Buffer.concat([bytes, rest]))
        if (found.kind !== 'header') throw new Error(found.kind)
        expect(found.length).toBe(bytes.length)
        expect(plainAddress(found.source!)).toBe(plainAddress(source))
      }),
    )
  })

  const text = (line: string) => Buffer.from(line, 'latin1')
  const version2 = (command: number, protocol: number, length: number, ...rest: number[]) =>
    Buffer.from([...signature, command, protocol, length >> 8, length & 255, ...rest])

  for (const [name, bytes] of [
    ['a request', text('GET / HTTP/1.1\r\n')],
    ['lower case', text('proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n')],
    ['two spaces', text('PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n')],
    ['a space at the end', text('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n')],
    ['another family', text('PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n')],
    ['IPv6 as IPv4', text('PROXY TCP4 ::1 ::1 1 2\r\n')],
    ['IPv4 as IPv6', text('PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n')],
    ['a zone', text('PROXY TCP6 fe80::1%a ::1 1 2\r\n')],
    ['no ports', text('PROXY TCP4 1.2.3.4 1.2.3.4\r\n')],
    ['a port too large', text('PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n')],
    ['a port with zeros', text('PROXY TCP4 1.2.3.4 1.2.3.4 1 01\r\n')],
    ['a line feed alone', text(`PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n${'x'.repeat(100)}`)],
    ['a line of 108 bytes', text(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`)],
    ['UNKNOWNS', text('PROXY UNKNOWNS\r\n')],
    ['version 3', version2(0x31, 0x11, 12)],
    ['another command', version2(0x22, 0x11, 12)],
    ['UDP', version2(0x21, 0x12, 12)],
    ['a UNIX socket', version2(0x21, 0x31, 216)],
    ['too few bytes for IPv4', version2(0x21, 0x11, 11)],
    ['too few bytes for IPv6', version2(0x21, 0x21, 35)],
    ['more than 4 KiB', version2(0x21, 0x11, 4081)],
  ] as const) {
    test(`is not ${name}`, () => {
      expect(readProxyHeader(bytes)).toEqual({ kind: 'none' })
    })
  }

  test('may have 107 bytes in version 1, and 4 KiB in version 2', () => {
    const line = text(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`)
    expect(readProxyHeader(line)).toEqual({ kind: 'header', length: 107, source: undefined })
    const most = version2(0x21, 0x11, 4080, ...Array<number>(4080).fill(1))
    expect(readProxyHeader(most)).toMatchObject({ kind: 'header', length: 4096 })
  })
})
