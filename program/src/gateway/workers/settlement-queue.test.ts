import fc from 'fast-check'
import { msat, paymentHash } from 'satway'
import type { Settlement } from 'satway/lightning'
import { describe, expect, test } from 'vitest'
import { SettlementQueue } from './settlement-queue.ts'

function settlement(number: number): Settlement {
  const hash = new Uint8Array(32)
  new DataView(hash.buffer).setUint32(0, number)
  return { paymentHash: paymentHash(hash), amountMsat: msat(1n), settledAtSeconds: number }
}

describe('R-WRK-12 a reader gets every settlement once, in order', () => {
  test('however pushes and reads are mixed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 60 }), async (steps) => {
        const queue = new SettlementQueue(() => undefined)
        const reads: Promise<IteratorResult<Settlement>>[] = []
        let pushed = 0
        for (const isPush of steps) {
          if (isPush) queue.push(settlement(pushed++))
          else reads.push(queue.next())
        }
        queue.finish()
        const results = await Promise.all(reads)
        const got = results.flatMap((one) => (one.done ? [] : [one.value.settledAtSeconds]))
        expect(got).toEqual(Array.from({ length: Math.min(pushed, reads.length) }, (_, i) => i))
      }),
    )
  })

  test('what came before a break can be read; then it rejects once and is over', async () => {
    let ended = 0
    const queue = new SettlementQueue(() => ended++)
    queue.push(settlement(1))
    queue.break()
    queue.push(settlement(2))
    expect(await queue.next()).toMatchObject({ value: { settledAtSeconds: 1 } })
    await expect(queue.next()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    expect(await queue.next()).toEqual({ done: true, value: undefined })
    expect(ended).toBe(1)
  })

  test('a break reaches a reader that waits', async () => {
    const queue = new SettlementQueue(() => undefined)
    const waiting = [queue.next(), queue.next()]
    queue.break()
    await expect(waiting[0]).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    expect(await waiting[1]).toEqual({ done: true, value: undefined })
    expect(await queue.next()).toEqual({ done: true, value: undefined })
  })

  test('leaving the loop ends it', async () => {
    let ended = 0
    const queue = new SettlementQueue(() => ended++)
    queue.push(settlement(1))
    for await (const _ of queue) break
    expect(ended).toBe(1)
    queue.push(settlement(2))
    expect(await queue.next()).toEqual({ done: true, value: undefined })
  })

  test('a reader that never reads costs no more than its place: the stream breaks', async () => {
    const queue = new SettlementQueue(() => undefined)
    const one = settlement(1)
    for (let i = 0; i <= 10_000; i++) queue.push(one)
    for (let i = 0; i < 10_000; i++) await queue.next()
    await expect(queue.next()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
  })
})
