import { describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { codes, isL402Error, L402Error } from '../../library/src/errors.ts'
import { paymentHash, preimage } from '../../library/src/invoice/index.ts'
import {
  formatWalletFile,
  parseWalletFile,
} from '../../library/src/lightning/devnet/wallet-address.ts'
import {
  formatAnswer,
  formatInfo,
  formatPayRequest,
  formatProblem,
  parseAnswer,
  parseInfo,
  parsePayRequest,
  parseProblem,
} from '../../library/src/lightning/devnet/wallet-messages.ts'
import type { FuzzReport } from './harness.ts'
import { fuzzText } from './harness.ts'

const hash = paymentHash(new Uint8Array(32).fill(0xab))
const proof = preimage(new Uint8Array(32).fill(0xcd))
const words = ['"', '\\u0022', '{', '}', '[', '"status"', '"isPaid":true', 'null', '-1', '1e9']
const more = ['"maxFeeMsat":"1",', '"__proto__":', '2100000000000000000', '"settled"', '\ufeff']

function expectBoth({ accepted, refused }: FuzzReport): void {
  expect(accepted).toBeGreaterThan(0)
  expect(refused).toBeGreaterThan(0)
}

describe('the readers of the wallet endpoint under noise', () => {
  test('R-LN-41 an order is read exactly or refused', () => {
    const report = fuzzText({
      name: 'parsePayRequest',
      seeds: [
        formatPayRequest({ invoice: 'lnbcrt500u1pjq', maxFeeMsat: msat(5000n) }),
        formatPayRequest({ invoice: 'lnbcrt500u1pjq', maxFeeMsat: undefined }),
      ],
      words: [...words, ...more],
      read: parsePayRequest,
      codes: ['REQUEST_MALFORMED'],
      holds: (_, result) => {
        const request = result as ReturnType<typeof parsePayRequest>
        expect(parsePayRequest(formatPayRequest(request))).toEqual(request)
        if (request.maxFeeMsat !== undefined) msat(request.maxFeeMsat)
      },
    })
    expectBoth(report)
  })

  test('R-LN-42 an answer is read whole or not at all', () => {
    const money = { amountMsat: msat(1_007_001n), feeMsat: msat(1100n) }
    const report = fuzzText({
      name: 'parseAnswer',
      seeds: [
        formatAnswer(hash, { status: 'settled', preimage: proof, ...money }),
        formatAnswer(hash, { status: 'failed', reason: 'no-route' }),
        formatAnswer(hash, { status: 'unknown' }),
        formatAnswer(hash, undefined),
      ],
      words: [...words, ...more],
      read: (text) => parseAnswer(text, hash),
      codes: ['NODE_UNAVAILABLE'],
      holds: (_, result) => {
        const outcome = result as ReturnType<typeof parseAnswer>
        expect(parseAnswer(formatAnswer(hash, outcome), hash)).toEqual(outcome)
      },
    })
    expectBoth(report)
  })

  test('R-LN-44 a problem is one of ours or none', () => {
    const report = fuzzText({
      name: 'parseProblem',
      seeds: [
        formatProblem(new L402Error('REQUEST_MALFORMED', { reason: 'host' }), 400),
        formatProblem(new L402Error('NODE_UNAVAILABLE'), 503),
      ],
      words: [...words, '"code":', 'toString', 'constructor'],
      read: parseProblem,
      codes: ['NODE_UNAVAILABLE'],
      holds: (_, result) => expect(Object.keys(codes)).toContain(result),
    })
    expectBoth(report)
  })

  test('R-LN-43 what a wallet tells about itself is read or refused', () => {
    const nodeId = new Uint8Array(33).fill(2)
    const report = fuzzText({
      name: 'parseInfo',
      seeds: [
        formatInfo({ network: 'regtest', name: 'buyer', nodeId, balanceMsat: msat(5n) }),
        formatInfo({
          network: 'regtest',
          name: undefined,
          nodeId: undefined,
          balanceMsat: undefined,
        }),
      ],
      words,
      read: parseInfo,
      codes: ['NODE_UNAVAILABLE'],
      holds: (_, result) => {
        const info = result as ReturnType<typeof parseInfo>
        expect(info.name ?? '').toMatch(/^\P{Cc}{0,64}$/u)
        expect(parseInfo(formatInfo(info))).toEqual(info)
      },
    })
    expectBoth(report)
  })

  test('R-LN-47 R-LN-48 a wallet file leads to loopback, or nowhere', () => {
    const secret = '0123456789abcdef'.repeat(4)
    const report = fuzzText({
      name: 'parseWalletFile',
      seeds: [JSON.stringify({ url: 'http://127.0.0.1:4711', secret })],
      words: [...words, '@', 'http://', '127.0.0.1', ':80', '.example'],
      read: parseWalletFile,
      codes: ['CONFIG_INVALID'],
      holds: (_, result) => {
        const address = result as ReturnType<typeof parseWalletFile>
        const { hostname, origin } = new URL(address.url)
        expect(hostname).toBe('127.0.0.1')
        expect([address.url, address.url.replace(/:80$/, '')]).toContain(origin)
        expect(address.secret).toMatch(/^[0-9a-f]{64}$/)
        expect(parseWalletFile(formatWalletFile(address)).secret).toBe(address.secret)
      },
    })
    expectBoth(report)
  })

  test('R-LN-48 nor does a refusal tell what it refused', () => {
    const secret = '0123456789abcdef'.repeat(4)
    try {
      parseWalletFile(JSON.stringify({ url: 'http://example.com', secret }))
      expect.unreachable()
    } catch (error) {
      expect(isL402Error(error, 'CONFIG_INVALID') && error.message).not.toContain(secret)
    }
  })
})
