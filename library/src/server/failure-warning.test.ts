import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { admissionOf, openStall, paidRequest, request } from '../../../test/adapters/stall.ts'
import type { PaywallOptions } from './index.ts'

const forecast = { price: '10 sat', capability: 'forecast' } as const
const secret = 'postgres://seller:hunter2@db'
const fail = (): never => {
  throw new Error(secret)
}

/** What the process was warned of. */
let warnings: unknown[][] = []

beforeEach(() => {
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation((...args: unknown[]) => {
    warnings.push(args)
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

/** A paywall whose operator listens to no failure. */
function openSilent(options: Partial<PaywallOptions> = {}): ReturnType<typeof openStall> {
  return openStall({ on: {}, ...options })
}

describe('R-SRV-59 a failure that nobody listens to is a warning of the process', () => {
  test('once for each part, and without what was thrown', async () => {
    const stall = openSilent({
      denyList: { isDenied: fail },
      uses: { reserve: fail, commit: fail, release: fail },
    })
    const bought = await stall.buy(stall.paywall.charge(forecast))
    const priced = stall.paywall.charge({ price: fail, capability: 'priced' })
    stall.seller.setReachable(false)
    for (let i = 0; i < 3; i++) {
      await priced(request())
      await stall.paywall.charge(forecast)(paidRequest(bought.authorization))
      await stall.paywall.charge(forecast)(request({ clientAddress: `198.51.100.${i}` }))
    }
    await stall.paywall.close()
    const inOrder = warnings.map(([text, options]) => ({ text: String(text), options }))
    inOrder.sort((one, other) => (one.text < other.text ? -1 : 1))
    expect(inOrder).toEqual([
      {
        text: expect.stringMatching(
          /^paywall "weather": a price function failed \(REQUEST_UNPRICED\)/,
        ),
        options: { type: 'SatwayWarning', code: 'REQUEST_UNPRICED' },
      },
      {
        text: expect.stringMatching(
          /^paywall "weather": the deny list failed \(STORE_UNAVAILABLE\)/,
        ),
        options: { type: 'SatwayWarning', code: 'STORE_UNAVAILABLE' },
      },
      {
        text: expect.stringMatching(
          /^paywall "weather": the payee failed \(NODE_UNAVAILABLE: .*reach/,
        ),
        options: { type: 'SatwayWarning', code: 'NODE_UNAVAILABLE' },
      },
    ])
    expect(inOrder[0]!.text).toContain('on.failure')
    expect(JSON.stringify(warnings)).not.toContain('hunter2')
  })

  test('so is a store of uses that is away', async () => {
    const stall = openSilent({ uses: { reserve: fail, commit: fail, release: fail } })
    const gate = stall.paywall.charge({ ...forecast, uses: 1 })
    const { authorization } = await stall.buy(gate)
    await gate(paidRequest(authorization))
    await gate(paidRequest(authorization))
    expect(warnings.map(([text]) => String(text).split('(')[0])).toEqual([
      'paywall "weather": the store of uses failed ',
    ])
  })

  test('each paywall for itself', async () => {
    for (let i = 0; i < 2; i++) {
      const { paywall } = openSilent()
      await paywall.charge({ price: fail, capability: 'priced' })(request())
    }
    expect(warnings).toHaveLength(2)
  })

  test('and nothing where somebody listens, or nothing fails', async () => {
    const heard = openStall()
    await heard.paywall.charge({ price: fail, capability: 'priced' })(request())
    const silent = openSilent()
    const gate = silent.paywall.charge(forecast)
    const { authorization } = await silent.buy(gate)
    admissionOf(await gate(paidRequest(authorization)))
    expect(warnings).toEqual([])
  })

  for (const [what, process] of [
    ['there is no process', undefined],
    ['it cannot be warned', {}],
    ['warning it throws', { emitWarning: fail }],
  ] as const) {
    test(`the client's answer is the same where ${what}`, async () => {
      vi.stubGlobal('process', process)
      const { paywall } = openSilent()
      const decision = await paywall.charge({ price: fail, capability: 'priced' })(request())
      vi.unstubAllGlobals()
      expect(decision).toMatchObject({ status: 'refused', response: { status: 503 } })
    })
  }
})
