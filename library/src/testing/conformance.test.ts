import { describe, expect, test } from 'vitest'
import { msat } from '../amount/index.ts'
import { connectWallet, createDevnet, serveWallet } from '../lightning/devnet/index.ts'
import { conformanceCase, createSetting } from './conformance.ts'
import type { ConformanceCase, ConformanceRig } from './index.ts'
import { payeeConformance, payerConformance, testClock } from './index.ts'

/** A development network whose fees are never zero, so that the ceiling is tried. */
function createRig(reachable: 'payer' | 'payee') {
  const clock = testClock()
  const devnet = createDevnet({ now: clock.now })
  const payer = devnet.addNode('payer', { balanceMsat: msat(10_000_000n) })
  const otherPayer = devnet.addNode('other', { balanceMsat: msat(10_000_000n) })
  const payee = devnet.addNode('payee', { balanceMsat: msat(0n) })
  const controls = {
    advance: clock.advance,
    balanceMsat: payer.balanceMsat,
    injectFault: payer.injectFault,
    otherPayer,
    createHoldInvoice: async (paymentHash, amountMsat) => {
      const request = { amountMsat, description: '', expirySeconds: 600, paymentHash }
      return (await payee.createHoldInvoice(request)).invoice
    },
    settleHold: payee.settleHold,
    cancelHold: payee.cancelHold,
    setReachable: reachable === 'payer' ? payer.setReachable : payee.setReachable,
  } as const satisfies ConformanceRig['controls']
  return { payer, payee, controls }
}

const overLoopback = async (): Promise<ConformanceRig> => {
  const rig = createRig('payer')
  const server = await serveWallet(rig.payer)
  return { ...rig, payer: connectWallet(server.address), close: server.close }
}

const suites: readonly (readonly [string, readonly ConformanceCase[]])[] = [
  ['devnet as a payee', payeeConformance(async () => createRig('payee'))],
  ['devnet as a payer', payerConformance(async () => createRig('payer'))],
  ['the wallet endpoint over loopback', payerConformance(overLoopback)],
]

for (const [name, cases] of suites) {
  describe(`${name} conforms`, () => {
    for (const { name, run } of cases) {
      test(name, async () => {
        expect(await run(), 'every control is there, so nothing is skipped').toBeUndefined()
      })
    }
  })
}

describe('the conformance suite', () => {
  test('R-LN-50 skips what a rig cannot do, and says what is lacking', async () => {
    const bare = async (): Promise<ConformanceRig> => {
      const { payer, payee } = createRig('payer')
      return { payer, payee }
    }
    const results = await Promise.all(
      [...payerConformance(bare), ...payeeConformance(bare)].map(({ run }) => run()),
    )
    const skipped = results.filter((result) => result !== undefined)
    expect(skipped.length).toBeGreaterThan(5)
    expect(skipped.length).toBeLessThan(results.length / 2)
    expect(skipped).toContain('the rig has no control injectFault, advance')
  })

  test('R-LN-50 closes the rig of a case that was skipped or failed', async () => {
    let closed = 0
    const createClosing = async (): Promise<ConformanceRig> => ({
      ...createRig('payer'),
      controls: {},
      close: async () => {
        closed++
      },
    })
    const setting = createSetting(createClosing, {})
    const skipping = conformanceCase(setting, 'x', ['advance'], async () => {})
    await skipping.run()
    const failing = conformanceCase(setting, 'x', [], async () => {
      throw new Error('no')
    })
    await expect(failing.run()).rejects.toThrow('no')
    expect(closed).toBe(2)
  })

  test('R-LN-51 gives every case a name of its own that cites a rule', () => {
    for (const [, cases] of suites) {
      const names = cases.map(({ name }) => name)
      expect(new Set(names).size).toBe(names.length)
      for (const name of names) expect(name).toMatch(/^R-LN-\d+ /)
    }
  })

  // Adapters with one typical mistake each: a suite that lets them pass would be worth nothing.
  type Spoil = (rig: ReturnType<typeof createRig>) => ConformanceRig
  const mistakes: readonly (readonly [string, Spoil])[] = [
    [
      'calls a time-out a failure',
      (rig) => ({
        ...rig,
        payer: {
          ...rig.payer,
          pay: async (invoice, limits) => {
            const outcome = await rig.payer.pay(invoice, limits)
            if (outcome.status !== 'unknown') return outcome
            return { status: 'failed', reason: 'no-route' }
          },
        },
      }),
    ],
    [
      'forgets the fee ceiling',
      (rig) => ({
        ...rig,
        payer: {
          ...rig.payer,
          pay: (invoice) => rig.payer.pay(invoice, { maxFeeMsat: msat(1_000_000n) }),
        },
      }),
    ],
    [
      'answers nothing for a payment under way',
      (rig) => ({
        ...rig,
        payer: {
          ...rig.payer,
          lookupPayment: async (hash, signal) => {
            const outcome = await rig.payer.lookupPayment(hash, signal)
            return outcome?.status === 'unknown' ? undefined : outcome
          },
        },
      }),
    ],
    [
      'counts in whole satoshis',
      (rig) => ({
        ...rig,
        payer: {
          ...rig.payer,
          pay: async (invoice, limits) => {
            const outcome = await rig.payer.pay(invoice, limits)
            if (outcome.status !== 'settled') return outcome
            return { ...outcome, amountMsat: msat((outcome.amountMsat / 1000n) * 1000n) }
          },
        },
      }),
    ],
    [
      'gives a preimage of its own',
      (rig) => ({
        ...rig,
        payer: {
          ...rig.payer,
          pay: async (invoice, limits) => {
            rig.payer.injectFault({ kind: 'wrong-preimage' })
            return await rig.payer.pay(invoice, limits)
          },
        },
      }),
    ],
    [
      'rejects when the payment failed',
      (rig) => ({
        ...rig,
        payer: {
          ...rig.payer,
          pay: async (invoice, limits) => {
            const outcome = await rig.payer.pay(invoice, limits)
            if (outcome.status === 'failed') throw new Error(outcome.reason)
            return outcome
          },
        },
      }),
    ],
  ]
  test.each(mistakes)('R-LN-51 notices a payer that %s', async (_, spoil) => {
    const cases = payerConformance(async () => spoil(createRig('payer')), { timeoutMs: 2000 })
    const results = await Promise.allSettled(cases.map(({ run }) => run()))
    expect(results.some(({ status }) => status === 'rejected')).toBe(true)
  })

  const payeeMistakes: readonly (readonly [string, Spoil])[] = [
    [
      'calls a held payment settled',
      (rig) => ({
        ...rig,
        payee: {
          ...rig.payee,
          lookupInvoice: async (hash) => {
            const status = await rig.payee.lookupInvoice(hash)
            if (status.status !== 'open') return status
            return { status: 'settled', amountMsat: msat(1n), settledAtSeconds: 0 }
          },
        },
      }),
    ],
    [
      'loses settlements between two reads',
      (rig) => ({
        ...rig,
        payee: {
          ...rig.payee,
          settlements: async function* (signal) {
            yield* rig.payee.settlements(signal) // a generator subscribes at the first read
          },
        },
      }),
    ],
    [
      'rounds the amount up to satoshis',
      (rig) => ({
        ...rig,
        payee: {
          ...rig.payee,
          createInvoice: (request) => {
            const amountMsat = msat(((request.amountMsat + 999n) / 1000n) * 1000n)
            return rig.payee.createInvoice({ ...request, amountMsat })
          },
        },
      }),
    ],
  ]
  test.each(payeeMistakes)('R-LN-51 notices a payee that %s', async (_, spoil) => {
    const cases = payeeConformance(async () => spoil(createRig('payee')), { timeoutMs: 2000 })
    const results = await Promise.allSettled(cases.map(({ run }) => run()))
    expect(results.some(({ status }) => status === 'rejected')).toBe(true)
  })
})

describe('the test clock', () => {
  test('R-LN-51 stands still until it is told to move, and never goes back', () => {
    const clock = testClock(100)
    expect([clock.now(), clock.now()]).toEqual([100, 100])
    clock.advance(0.5)
    expect(clock.now()).toBe(100.5)
    expect(() => clock.advance(-1)).toThrow(RangeError)
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError)
    expect(() => testClock(Number.NaN)).toThrow(RangeError)
  })
})
