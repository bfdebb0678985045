import { L402Error, msat } from 'satway'
import type { Payee } from 'satway/lightning'
import { createDevnet } from 'satway/lightning/devnet'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { storeCheck, upstreamCheck, walletCheck, workersCheck } from './checks.ts'
import type { Check } from './health.ts'
import { createHealth } from './health.ts'

const never = (): Promise<never> => new Promise(() => undefined)

describe('R-OPS-13 each part is asked, and has two seconds', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('one that does not answer, one that fails and one that throws are not ok', async () => {
    let wasAborted = false
    const checks: Check[] = [
      { name: 'good', check: async () => ({ ok: true, detail: 'fine' }) },
      {
        name: 'deaf',
        check: (signal) => {
          signal.addEventListener('abort', () => {
            wasAborted = true
          })
          return never()
        },
      },
      { name: 'bad', check: () => Promise.reject(new Error('broken')) },
      {
        name: 'worse',
        check: () => {
          throw new Error('at once')
        },
      },
      { name: 'odd', check: () => Promise.reject('text') },
    ]
    const asked = createHealth(checks).report()
    await vi.advanceTimersByTimeAsync(1999)
    expect(wasAborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    const report = await asked
    expect(wasAborted).toBe(true)
    expect(report.ok).toBe(false)
    expect(report.checks.map(({ name, ok, detail }) => [name, ok, detail])).toEqual([
      ['good', true, 'fine'],
      ['deaf', false, 'no answer within 2000 ms'],
      ['bad', false, 'broken'],
      ['worse', false, 'at once'],
      ['odd', false, 'failed'],
    ])
  })

  test('R-GWW-13 what is said in our own words is longer, and shows no secret either', async () => {
    const detail = `lnd: ${'its credential can spend '.repeat(40)}Bearer ${'a1B2'.repeat(20)}`
    const { checks } = await createHealth([
      { name: 'wallet', isOurs: true, check: async () => ({ ok: false, detail }) },
    ]).report()
    expect(checks[0]!.detail).toHaveLength(401)
    expect(checks[0]!.detail).not.toContain('a1B2')
  })

  test('what a part says is cut, and shows no secret and no control character', async () => {
    const detail = `\u001b[31m${'x'.repeat(100)}`
    const leak = `refused: Bearer ${'a1B2'.repeat(20)}`
    const { checks } = await createHealth([
      { name: 'long', check: async () => ({ ok: true, detail }) },
      { name: 'leak', check: () => Promise.reject(new Error(leak)) },
    ]).report()
    expect(checks[0]!.detail).toBe(` [31m${'x'.repeat(59)}…`)
    expect(checks[1]!.detail).toBe('refused: Bearer [redacted]')
  })

  test('without parts all is well', async () => {
    expect(await createHealth([]).report()).toEqual({ ok: true, checks: [] })
  })
})

describe('R-OPS-14 probes cannot flood the parts', () => {
  test('all who ask at once get one answer, and it is good for a second', async () => {
    let nowMs = 0
    let asked = 0
    let release: (() => void) | undefined
    const check: Check = {
      name: 'wallet',
      check: () => {
        asked++
        return new Promise((resolve) => {
          release = () => resolve({ ok: true, detail: String(asked) })
        })
      },
    }
    const health = createHealth([check], { now: () => nowMs })
    const crowd = Promise.all(Array.from({ length: 100 }, () => health.report()))
    release?.()
    await crowd
    expect(asked).toBe(1)
    nowMs = 999
    await health.report()
    expect(asked).toBe(1)
    nowMs = 1000
    const next = health.report()
    release?.()
    expect((await next).checks[0]!.detail).toBe('2')
    expect(asked).toBe(2)
  })

  test('parts that come with a new configuration are asked', async () => {
    let nowMs = 0
    let names = ['a']
    const health = createHealth(
      () => names.map((name) => ({ name, check: async () => ({ ok: true, detail: '' }) })),
      { now: () => nowMs },
    )
    await health.report()
    names = ['a', 'b']
    nowMs = 5000
    expect((await health.report()).checks.map(({ name }) => name)).toEqual(['a', 'b'])
  })
})

describe('R-OPS-13 the parts', () => {
  const node = createDevnet().addNode('seller', { balanceMsat: msat(0n) })

  test('a wallet that answers is well', async () => {
    const { ok, checks } = await createHealth([walletCheck(node)]).report()
    expect([ok, checks[0]!.detail]).toEqual([true, 'answers, regtest'])
  })

  test('a wallet that is down, or knows what cannot be, is not', async () => {
    const down: Payee = {
      ...node,
      lookupInvoice: () => Promise.reject(new L402Error('NODE_UNAVAILABLE', { reason: 'down' })),
    }
    const odd: Payee = { ...node, lookupInvoice: async () => ({ status: 'open' }) }
    for (const payee of [down, odd]) {
      expect((await createHealth([walletCheck(payee)]).report()).ok).toBe(false)
    }
  })

  test('a store that throws is not well', async () => {
    const good = storeCheck({ probe: () => undefined })
    const bad = storeCheck({
      probe: () => {
        throw new Error('disk I/O error')
      },
    })
    const { checks } = await createHealth([good, bad]).report()
    expect(checks.map(({ ok, detail }) => [ok, detail])).toEqual([
      [true, 'writes and reads'],
      [false, 'disk I/O error'],
    ])
  })

  test('an upstream is asked itself', async () => {
    const upstream = { probe: async () => ({ ok: false, detail: 'ECONNREFUSED' }) }
    const { checks } = await createHealth([upstreamCheck('weather', upstream)]).report()
    expect(checks[0]).toMatchObject({ name: 'upstream:weather', ok: false, detail: 'ECONNREFUSED' })
  })

  test('one worker that is ready is enough', async () => {
    const some = workersCheck(() => ({ wanted: 2, ready: 1 }))
    const none = workersCheck(() => ({ wanted: 2, ready: 0 }))
    const { checks } = await createHealth([some, none]).report()
    expect(checks.map(({ ok, detail }) => [ok, detail])).toEqual([
      [true, '1 of 2 ready'],
      [false, '0 of 2 ready'],
    ])
  })
})
