import { L402Error, msat, paymentHash } from 'satway'
import type { Payee, Settlement } from 'satway/lightning'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SettlementHub } from './settlement-hub.ts'

const settlement: Settlement = {
  paymentHash: paymentHash(new Uint8Array(32)),
  amountMsat: msat(1000n),
  settledAtSeconds: 1,
}

/** A wallet whose stream the test opens, feeds and breaks. */
function scripted(): { payee: Payee; opened: () => number; feed(): void; fail(): void } {
  let opened = 0
  let feed = (): void => undefined
  let fail = (): void => undefined
  const never = (): Promise<never> => new Promise(() => undefined)
  const payee: Payee = {
    network: 'regtest',
    createInvoice: never,
    lookupInvoice: never,
    async *settlements(signal) {
      opened++
      while (!signal.aborted) {
        yield await new Promise<Settlement>((resolve, reject) => {
          feed = () => resolve(settlement)
          fail = () => reject(new L402Error('NODE_UNAVAILABLE', { reason: 'test' }))
          signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
        })
      }
    },
  }
  return { payee, opened: () => opened, feed: () => feed(), fail: () => fail() }
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

describe('R-WRK-12 a stream that broke is opened again', () => {
  test('after 1 s, then every 2 s; a settlement makes the next wait short', async () => {
    const wallet = scripted()
    const broken = vi.fn()
    const hub = new SettlementHub(wallet.payee, { settled: () => undefined, broken })
    await settle()
    for (const delayMs of [1000, 2000, 2000, 2000, 2000]) {
      const before = wallet.opened()
      wallet.fail()
      await vi.advanceTimersByTimeAsync(delayMs - 1)
      expect(wallet.opened()).toBe(before)
      await vi.advanceTimersByTimeAsync(1)
      expect(wallet.opened()).toBe(before + 1)
    }
    expect(broken).toHaveBeenCalledTimes(5)
    wallet.feed()
    await settle()
    wallet.fail()
    await vi.advanceTimersByTimeAsync(1000)
    expect(wallet.opened()).toBe(7)
    await hub.stop()
  })

  test('who listens meanwhile is told that it is broken, and may come again', async () => {
    const wallet = scripted()
    const hub = new SettlementHub(wallet.payee, {
      settled: () => undefined,
      broken: () => undefined,
    })
    await settle()
    const early = { settled: vi.fn(), broken: vi.fn() }
    hub.listen(early)
    wallet.fail()
    await settle()
    const late = { settled: vi.fn(), broken: vi.fn() }
    hub.listen(late)
    expect([early.broken.mock.calls.length, late.broken.mock.calls.length]).toEqual([1, 1])
    await vi.advanceTimersByTimeAsync(1000)
    hub.listen(late)
    wallet.feed()
    await settle()
    expect([early.settled.mock.calls.length, late.settled.mock.calls.length]).toEqual([0, 1])
    await hub.stop()
  })

  test('tells each time that it was opened, also the first', async () => {
    const wallet = scripted()
    const opened = vi.fn()
    const hub = new SettlementHub(wallet.payee, {
      settled: () => undefined,
      broken: () => undefined,
      opened,
    })
    await settle()
    expect(opened).toHaveBeenCalledTimes(1)
    wallet.fail()
    await vi.advanceTimersByTimeAsync(1000)
    expect(opened).toHaveBeenCalledTimes(2)
    await hub.stop()
  })

  test('stopped, it opens nothing any more and tells nobody that it broke', async () => {
    const wallet = scripted()
    const broken = vi.fn()
    const hub = new SettlementHub(wallet.payee, { settled: () => undefined, broken })
    await settle()
    await hub.stop()
    await vi.advanceTimersByTimeAsync(120_000)
    expect(wallet.opened()).toBe(1)
    expect(broken).not.toHaveBeenCalled()
  })

  test('a wallet that does not hear its signal holds nobody up', async () => {
    const deaf: Payee = {
      ...scripted().payee,
      settlements: () => ({
        [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }),
      }),
    }
    const hub = new SettlementHub(deaf, { settled: () => undefined, broken: () => undefined })
    const stopped = vi.fn()
    void hub.stop().then(stopped)
    await vi.advanceTimersByTimeAsync(1000)
    expect(stopped).toHaveBeenCalled()
  })
})
