import { afterEach, describe, expect, test, vi } from 'vitest'
import { readCommandLine } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import { get } from '../cli/get.ts'
import { readLimits, readSeconds } from './limits.ts'

afterEach(() => vi.unstubAllEnvs())

const read = (...args: readonly string[]) => readLimits(readCommandLine(get, args))

describe('R-GET-10 the limits of a call', () => {
  test('are none beside the policy, when none is given', () => {
    expect(read()).toEqual({ pay: true, replaceAuthorization: false, untrustedUrl: false })
  })

  test('are what the flags say', () => {
    expect(
      read('--max-cost', '1500msat', '--max-fee', '0', '--no-pay', '--replace-authorization'),
    ).toEqual({
      expectedPriceMsat: 1500n,
      maxFeeMsat: 0n,
      pay: false,
      replaceAuthorization: true,
      untrustedUrl: false,
    })
    expect(read('--max-redirects', '0')).toMatchObject({ maxRedirects: 0 })
  })

  for (const args of [
    ['--max-cost', 'much'],
    ['--max-cost', '-1'],
    ['--max-cost', ''],
    ['--max-fee', '1 sat 2'],
    ['--max-redirects', '21'],
    ['--max-redirects', '-1'],
    ['--max-redirects', '1e1'],
  ] as const) {
    test(`are refused as a whole: ${args.join(' ')}`, () => {
      const [flag, value] = args
      expect(() => read(`${flag}=${value}`)).toThrow(UsageMistake)
    })
  }

  for (const text of ['0', '-1', 'soon', '1e3', '86401', '', '0.0001', 'Infinity']) {
    test(`no number of seconds: ${text}`, () => {
      expect(() => readSeconds('timeout', text)).toThrow(UsageMistake)
    })
  }
})

describe('R-GET-21 a URL that somebody else chose', () => {
  for (const [value, untrustedUrl] of [
    ['1', true],
    ['true', true],
    ['0', false],
    ['false', false],
    ['', false],
  ] as const) {
    test(`SATWAY_PUBLIC_ONLY=${value}: ${untrustedUrl}`, () => {
      vi.stubEnv('SATWAY_PUBLIC_ONLY', value)
      expect(read()).toMatchObject({ untrustedUrl })
    })
  }

  test('is also named by a flag', () => {
    expect(read('--public-only')).toMatchObject({ untrustedUrl: true })
  })

  test('a switch that cannot be read does not count as off', () => {
    vi.stubEnv('SATWAY_PUBLIC_ONLY', 'yes')
    expect(() => read()).toThrow(UsageMistake)
  })
})
