import { BlockList, isIPv4 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isEverybody, readNetwork } from './networks.ts'
import { Expectation } from './units.ts'

describe('R-CONF-11 networks', () => {
  for (const [text, network] of [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['192.0.2.7/32', '192.0.2.7/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['fe80::/10', 'fe80::/10'],
    ['64:ff9b::192.0.2.0/120', '64:ff9b::192.0.2.0/120'],
  ] as const) {
    test(`${text} is ${network}`, () => {
      expect(readNetwork(text)).toBe(network)
    })
  }

  for (const value of [
    '',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.1/8',
    '10.0.0/8',
    '10.0.0.0/-1',
    '10.0.0.0/8 ',
    '256.0.0.0/8',
    '2001:db8::1/32',
    '2001:db8::/129',
    '64:ff9b::192.0.2.1/120',
    '::ffff:10.0.0.0/104',
    'fe80::1%eth0',
    'localhost',
    '010.0.0.0/8',
    '/8',
    10,
    null,
  ]) {
    test(`${JSON.stringify(value)} is none`, () => {
      expect(() => readNetwork(value)).toThrow(Expectation)
    })
  }

  test('everybody is told from a network', () => {
    expect(isEverybody('0.0.0.0/0')).toBe(true)
    expect(isEverybody('::/0')).toBe(true)
    expect(isEverybody('10.0.0.0/8')).toBe(false)
  })

  test('a network is read if and only if its address is the first of it', () => {
    const address = fc.oneof(
      fc.ipV4(),
      fc.ipV6().filter((text) => !text.includes('.')),
    )
    fc.assert(
      fc.property(address, fc.nat(128), (text, prefix) => {
        const bits = isIPv4(text) ? 32 : 128
        if (prefix > bits) return
        const family = isIPv4(text) ? 'ipv4' : 'ipv6'
        // The system's own idea: is there a lower address in it?
        const list = new BlockList()
        list.addSubnet(text, prefix, family)
        const before = predecessor(text)
        const isFirst = before === undefined || !list.check(before, family)
        const accepted = attempt(`${text}/${prefix}`)
        expect(accepted).toBe(isFirst)
      }),
    )
  })
})

function attempt(text: string): boolean {
  try {
    readNetwork(text)
    return true
  } catch {
    return false
  }
}

/** The address before this one, or `undefined` for the first. */
function predecessor(text: string): string | undefined {
  const isFour = isIPv4(text)
  const parts = isFour
    ? text.split('.').map(Number)
    : new URL(`http://[${text}]`).hostname
        .slice(1, -1)
        .split('::')
        .map((half) =>
          half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16)),
        )
        .reduce<number[]>((all, half, index, halves) => {
          const length = halves.reduce((sum, one) => sum + one.length, 0)
          const zeros =
            index === 0 && halves.length > 1 ? new Array<number>(8 - length).fill(0) : []
          return [...all, ...half, ...zeros]
        }, [])
  const base = isFour ? 256 : 65_536
  const next = [...parts]
  for (let i = next.length - 1; i >= 0; i--) {
    if (next[i]! > 0) {
      next[i]! -= 1
      return isFour ? next.join('.') : next.map((group) => group.toString(16)).join(':')
    }
    next[i] = base - 1
  }
  return undefined
}
