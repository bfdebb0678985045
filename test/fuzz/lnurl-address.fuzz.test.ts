import { describe, expect, test } from 'vitest'
import { isThisMachine } from '../../library/src/lightning/adapter/index.ts'
import { readAddress } from '../../library/src/lightning/lnurl/address.ts'
import { decodeLnurlText } from '../../library/src/lightning/lnurl/bech32-text.ts'
import { fuzzText } from './harness.ts'

const example =
  'LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS'

describe('the reader of Lightning Addresses under noise', () => {
  test('R-LNU-2 names what may be asked, or says what is wrong', () => {
    const report = fuzzText({
      name: 'readAddress',
      seeds: [
        'alice@example.com',
        'lightning:Alice+tea@example.com:8443',
        'alice@localhost:3000',
        'lnurlp://example.com/x?tag=payRequest',
        'https://example.com/.well-known/lnurlp/alice',
        'http://127.0.0.1:3000/x',
        example,
        example.toLowerCase(),
      ],
      words: ['lnurl1', '@', '://', '.onion', 'lnurlp:', 'http://', 'https://u:p@', '[::1]', '%2e'],
      read: (text) => {
        try {
          return readAddress(text)
        } catch (error) {
          if (error instanceof RangeError) return undefined
          throw error
        }
      },
      codes: [],
      holds: (_, result) => {
        const url = result as URL | undefined
        if (url === undefined) return
        const isSafe = url.protocol === 'https:' || isThisMachine(url)
        const isPlain = url.username === '' && url.password === '' && url.hash === ''
        // `expect` takes longer than the reader.
        if (!isSafe || !isPlain || url.hostname.endsWith('.onion')) throw new Error(url.href)
      },
    })
    expect(report.refused).toBe(0)
  })

  test('R-LNU-2 reads bech32 whose checksum is right, and nothing else', () => {
    const read = new Set<string>()
    fuzzText({
      name: 'decodeLnurlText',
      seeds: [example, example.toLowerCase()],
      words: ['1', 'q', 'Q', 'lnurl1'],
      read: decodeLnurlText,
      codes: [],
      holds: (_, result) => {
        if (result !== undefined) read.add(result as string)
      },
    })
    // 30 bits of a checksum let one of a thousand million pass.
    expect(read.size).toBe(1)
  })
})
