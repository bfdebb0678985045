import type { Receipt } from 'satway/server'
import { describe, expect, test } from 'vitest'
import { rateKey } from './rate-key.ts'

const receipt = (tokenId: string): Receipt => ({
  tokenId,
  paymentHash: 'bb'.repeat(32),
  amountMsat: 1n as Receipt['amountMsat'],
  service: 'weather',
  capability: 'x',
  tier: 0,
  validUntilSeconds: 1,
  soldUntilSeconds: 1,
})

describe('who is counted as one', () => {
  test('R-LIM-3 is a token, wherever it comes from', () => {
    const key = rateKey('token', receipt('aa'), '192.0.2.1')
    expect(rateKey('token', receipt('aa'), '198.51.100.1')).toBe(key)
    expect(rateKey('token', receipt('ab'), '192.0.2.1')).not.toBe(key)
  })

  test.each([
    ['192.168.1.100', '192.168.1.7', true],
    ['192.168.1.100', '::ffff:192.168.1.1', true],
    ['192.168.1.100', '192.168.2.100', false],
    ['2001:db8:1234:5678::1', '2001:db8:1234:5678:ffff::1', true],
    ['2001:db8:1234:5678::1', '2001:db8:1234:5679::1', false],
    [undefined, 'nonsense', true],
    [undefined, '192.168.1.100', false],
  ])('R-LIM-4 without a token, or by network, is a network: %s and %s: %s', (a, b, same) => {
    expect(rateKey('token', undefined, a) === rateKey('token', undefined, b)).toBe(same)
    expect(rateKey('network', receipt('aa'), a) === rateKey('network', receipt('ab'), b)).toBe(same)
  })

  test('R-LIM-4 a token is never counted with a network', () => {
    expect(rateKey('token', receipt('192.0.2.0/24'), undefined)).not.toBe(
      rateKey('network', undefined, '192.0.2.1'),
    )
  })
})
