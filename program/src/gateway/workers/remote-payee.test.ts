import { msat, paymentHash } from 'satway'
import type { Payee } from 'satway/lightning'
import { createDevnet } from 'satway/lightning/devnet'
import { describe, expect, test } from 'vitest'
import type { ToPrimary, ToWorker } from './messages.ts'
import { PayeeDesk } from './payee-desk.ts'
import { RemotePayee } from './remote-payee.ts'
import { SettlementHub } from './settlement-hub.ts'

const order = { amountMsat: msat(1000n), description: 'tea', expirySeconds: 60 }
const hash = paymentHash(new Uint8Array(32))

/** Both ends with JSON between them, as over the channel; the wallet is the test's. */
function join(payee: Payee, timeoutMs?: number) {
  const sent: string[] = []
  const hub = new SettlementHub(payee, { settled: () => undefined, broken: () => undefined })
  const toWorker = (message: ToWorker): void => {
    queueMicrotask(() => remote.receive(JSON.parse(JSON.stringify(message)) as ToWorker))
  }
  const desk = new PayeeDesk(payee, hub, toWorker)
  let isOpen = true
  const remote = new RemotePayee({
    limits: { network: payee.network },
    ...(timeoutMs !== undefined && { timeoutMs }),
    send: (message) => {
      if (!isOpen) throw new Error('closed')
      sent.push(message.kind)
      queueMicrotask(() => desk.receive(JSON.parse(JSON.stringify(message)) as ToPrimary))
    },
  })
  return {
    remote,
    sent,
    desk,
    cut: () => {
      isOpen = false
    },
    stop: () => hub.stop(),
  }
}

/** A wallet that never answers, and says what it was told. */
function deafPayee(): { payee: Payee; signals: AbortSignal[] } {
  const signals: AbortSignal[] = []
  const never = (signal: AbortSignal | undefined): Promise<never> => {
    if (signal !== undefined) signals.push(signal)
    return new Promise(() => undefined)
  }
  const payee: Payee = {
    network: 'regtest',
    createInvoice: ({ signal }) => never(signal),
    lookupInvoice: (_hash, signal) => never(signal),
    settlements: (signal) =>
      createDevnet()
        .addNode('x', { balanceMsat: msat(0n) })
        .settlements(signal),
  }
  return { payee, signals }
}

describe('R-WRK-14 a call to the wallet has an end', () => {
  test('a wallet that does not answer is unavailable after the time-out, and is told', async () => {
    const { payee, signals } = deafPayee()
    const { remote, stop } = join(payee, 50)
    await expect(remote.createInvoice(order)).rejects.toMatchObject({
      code: 'NODE_UNAVAILABLE',
      details: { reason: 'timeout' },
    })
    await expect(remote.lookupInvoice(hash)).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
    await stop()
  })

  test('a caller that gives up is let go at once, and the wallet is told', async () => {
    const { payee, signals } = deafPayee()
    const { remote, stop } = join(payee)
    const controller = new AbortController()
    const waiting = remote.createInvoice({ ...order, signal: controller.signal })
    await Promise.resolve()
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    await Promise.resolve()
    expect(signals[0]!.aborted).toBe(true)
    await stop()
  })

  test('a primary that is gone is an unavailable wallet', async () => {
    const { payee } = deafPayee()
    const { remote, cut, stop } = join(payee)
    cut()
    await expect(remote.createInvoice(order)).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    const stream = remote.settlements(new AbortController().signal)[Symbol.asyncIterator]()
    await expect(stream.next()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    await stop()
  })

  test('a worker that is gone has nothing done for it any more', async () => {
    const { payee, signals } = deafPayee()
    const { remote, desk, stop } = join(payee, 20)
    const waiting = remote.createInvoice(order).catch(() => undefined)
    await Promise.resolve()
    desk.close()
    expect(signals[0]!.aborted).toBe(true)
    await waiting
    await stop()
  })

  test('ten thousand calls at a time are enough', async () => {
    const { payee } = deafPayee()
    const { remote, sent, stop } = join(payee, 2000)
    const waiting = Array.from({ length: 10_000 }, () => remote.lookupInvoice(hash))
    const settled = Promise.allSettled(waiting)
    await expect(remote.lookupInvoice(hash)).rejects.toMatchObject({
      details: { reason: 'too many calls' },
    })
    expect(sent).toHaveLength(10_000)
    await settled
    // And afterwards there is room again.
    await expect(remote.lookupInvoice(hash)).rejects.toMatchObject({
      details: { reason: 'timeout' },
    })
    await stop()
  })
})

describe('R-WRK-11 what the wallet says reaches the worker in its own words', () => {
  const failures = [
    [new RangeError('amountMsat: expected more than zero'), 'RangeError', 'amountMsat: expected'],
    [new Error('password hunter2 refused'), 'L402Error', 'the wallet failed'],
    ['text', 'L402Error', 'the wallet failed'],
  ] as const
  for (const [thrown, name, text] of failures) {
    test(`${String(thrown)} becomes ${name}`, async () => {
      const { payee } = deafPayee()
      const failing: Payee = { ...payee, createInvoice: () => Promise.reject(thrown) }
      const { remote, stop } = join(failing)
      const error = await remote.createInvoice(order).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ name, message: expect.stringContaining(text) })
      expect(String(error)).not.toContain('hunter2')
      await stop()
    })
  }
})

describe('R-WRK-12 readers of one worker share one watch', () => {
  test('it begins with the first and ends with the last', async () => {
    const seller = createDevnet().addNode('seller', { balanceMsat: msat(0n) })
    const { remote, sent, stop } = join(seller)
    const first = new AbortController()
    const second = new AbortController()
    remote.settlements(first.signal)
    remote.settlements(second.signal)
    first.abort()
    second.abort()
    second.abort()
    expect(sent).toEqual(['watch', 'unwatch'])
    await stop()
  })
})
