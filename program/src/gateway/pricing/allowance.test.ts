import { describe, expect, test } from 'vitest'
import { createAllowance } from './allowance.ts'

type Taken = { readonly key: string; readonly requests: number; readonly windowSeconds: number }

/** A state that counts up to the limit, and notes what it was asked. */
function stateThat(taken: Taken[]): {
  takeFree: (key: string, requests: number, windowSeconds: number) => boolean
} {
  return {
    takeFree: (key, requests, windowSeconds) => {
      taken.push({ key, requests, windowSeconds })
      return taken.filter((other) => other.key === key).length <= requests
    },
  }
}

const from = (clientAddress: string | undefined) => ({
  method: 'GET',
  target: '/x',
  clientAddress,
  headerLines: () => [],
})

describe('a free tier', () => {
  test('R-PRC-16 counts a client network, whichever address of it asks', () => {
    const taken: Taken[] = []
    const allow = createAllowance(
      { requests: 2, windowSeconds: 86_400 },
      'weather x',
      stateThat(taken),
    )
    expect(allow(from('192.0.2.1'))).toBe(true)
    expect(allow(from('192.0.2.200'))).toBe(true)
    expect(allow(from('::ffff:192.0.2.3'))).toBe(false)
    expect(allow(from('192.0.3.1'))).toBe(true)
    expect(allow(from('2001:db8:0:1::1'))).toBe(true)
    expect(allow(from('2001:db8:0:1:ffff::1'))).toBe(true)
    expect(allow(from('2001:db8:0:1:8000::1'))).toBe(false)
    expect(allow(from('2001:db8:0:2::1'))).toBe(true)
    expect(taken[0]).toEqual({ key: 'weather x 192.0.2.0/24', requests: 2, windowSeconds: 86_400 })
  })

  test('R-PRC-16 counts all whose address is not known together', () => {
    const allow = createAllowance({ requests: 1, windowSeconds: 60 }, 'weather x', stateThat([]))
    expect(allow(from(undefined))).toBe(true)
    expect(allow(from('nonsense'))).toBe(false)
  })

  test('R-PRC-16 keeps what is counted for one thing apart from another', () => {
    const taken: Taken[] = []
    const state = stateThat(taken)
    const config = { requests: 1, windowSeconds: 60 }
    expect(createAllowance(config, 'weather x', state)(from('192.0.2.1'))).toBe(true)
    expect(createAllowance(config, 'weather y', state)(from('192.0.2.1'))).toBe(true)
    expect(createAllowance(config, 'weather x', state)(from('192.0.2.1'))).toBe(false)
    // One function for one thing, so that two routes can sell one capability.
    expect(createAllowance(config, 'weather x', state)).toBe(
      createAllowance({ ...config }, 'weather x', state),
    )
  })
})
