import { describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { PayeeDriver } from '../../library/src/lightning/adapter/index.ts'
import { createPayee, unavailable } from '../../library/src/lightning/adapter/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import type { Payee, Settlement } from '../../library/src/lightning/index.ts'
import { payeeConformance, testClock } from '../../library/src/testing/index.ts'

const order = { amountMsat: msat(5000n), description: 'tea', expirySeconds: 600 } as const

function createWorld() {
  const clock = testClock()
  const devnet = createDevnet({ now: clock.now })
  const payer = devnet.addNode('payer', { balanceMsat: msat(10_000_000n) })
  const node = devnet.addNode('payee', { balanceMsat: msat(0n) })
  const pay = async (payee: Payee): Promise<string> => {
    const { invoice } = await payee.createInvoice(order)
    return await payText(invoice)
  }
  const payText = async (text: string): Promise<string> => {
    const invoice = decodeInvoice(text)
    expect((await payer.pay(invoice, { maxFeeMsat: msat(10_000n) })).status).toBe('settled')
    return encodeHex(invoice.paymentHash)
  }
  return { clock, devnet, payer, node, pay, payText }
}

/** A driver over a node of the embedded network. Asks quickly. */
function driverOf(
  node: DevnetNode,
  clock: { now(): number },
  changes: Partial<PayeeDriver> = {},
): PayeeDriver {
  return {
    kind: 'test',
    network: 'regtest',
    create: async (request, signal) => (await node.createInvoice({ ...request, signal })).invoice,
    lookUp: (hash, signal) => node.lookupInvoice(hash, signal),
    pollMs: 10,
    timeoutMs: 300,
    now: () => Math.floor(clock.now()),
    ...changes,
  }
}

/** As a wallet that tells: at once, or after a while in which it does not listen yet. */
function followOf(node: DevnetNode, deafMs = 0): NonNullable<PayeeDriver['follow']> {
  return async function* follow(signal, opened) {
    if (deafMs > 0) await new Promise((resolve) => setTimeout(resolve, deafMs))
    const stream = node.settlements(signal)
    opened()
    yield* stream
  }
}

async function take(stream: AsyncIterable<Settlement>, count: number): Promise<string[]> {
  const hashes: string[] = []
  for await (const { paymentHash } of stream) {
    hashes.push(encodeHex(paymentHash))
    if (hashes.length === count) break
  }
  return hashes
}

for (const [what, follow] of [
  ['that is asked', undefined],
  ['that tells', followOf],
  ['that tells after a while', (node: DevnetNode) => followOf(node, 40)],
] as const) {
  describe(`a payee made of a driver ${what} conforms`, () => {
    const createRig = async () => {
      const { clock, payer, node } = createWorld()
      const changes = follow === undefined ? {} : { follow: follow(node) }
      return {
        payer,
        payee: createPayee(driverOf(node, clock, changes)),
        controls: { advance: clock.advance, setReachable: node.setReachable },
      }
    }
    for (const { name, run } of payeeConformance(createRig)) {
      test(name, async () => expect(await run()).toBeUndefined())
    }
  })
}

describe('R-ADP-10 R-LN-17 what the wallet cannot say in an invoice', () => {
  test('is refused before it is asked', async () => {
    const { clock, node } = createWorld()
    let asked = 0
    const payee = createPayee(
      driverOf(node, clock, {
        amountStepMsat: 1000n,
        maxDescriptionBytes: 10,
        maxExpirySeconds: 100,
        create: async () => {
          asked++
          return ''
        },
      }),
    )
    expect(payee.amountStepMsat).toBe(1000n)
    const ok = { ...order, expirySeconds: 60 }
    for (const [change, message] of [
      [{ amountMsat: msat(1001n) }, /whole sat only/],
      [{ amountMsat: msat(0n) }, /more than 0/],
      [{ description: 'eleven byte' }, /at most 10 bytes/],
      [{ expirySeconds: 101 }, /1 to 100/],
    ] as const) {
      await expect(payee.createInvoice({ ...ok, ...change })).rejects.toThrow(RangeError)
      await expect(payee.createInvoice({ ...ok, ...change })).rejects.toThrow(message)
    }
    expect(asked).toBe(0)
  })
})

describe('R-ADP-11 an invoice that says something else than was asked for', () => {
  for (const [what, change, reason] of [
    ['another amount', { amountMsat: msat(5001n) }, /another amount/],
    ['another description', { description: 'coffee' }, /another description/],
    ['another expiry', { expirySeconds: 601 }, /another expiry/],
  ] as const) {
    test(`(${what}) is not sold`, async () => {
      const { clock, node } = createWorld()
      const create: PayeeDriver['create'] = async (request) =>
        (await node.createInvoice({ ...request, ...change })).invoice
      const payee = createPayee(driverOf(node, clock, { create }))
      await expect(payee.createInvoice(order)).rejects.toMatchObject({
        code: 'NODE_UNAVAILABLE',
        details: { reason: expect.stringMatching(reason) },
      })
    })
  }

  test('is sold where the wallet decides that itself, and was said to', async () => {
    const { clock, node } = createWorld()
    const create: PayeeDriver['create'] = async (request) =>
      (await node.createInvoice({ ...request, description: 'x', expirySeconds: 7 })).invoice
    const decidesItself = new Set(['description', 'expiry'] as const)
    const payee = createPayee(driverOf(node, clock, { create, decidesItself }))
    const { invoice } = await payee.createInvoice(order)
    expect(decodeInvoice(invoice).expirySeconds).toBe(7)
  })

  test('names the network to write, when the wallet is on another one', async () => {
    const { clock, node } = createWorld()
    const payee = createPayee(driverOf(node, clock, { network: 'bitcoin' }))
    await expect(payee.createInvoice(order)).rejects.toMatchObject({
      details: { reason: expect.stringContaining('say network=regtest') },
    })
  })

  test('or is no invoice', async () => {
    const { clock, node } = createWorld()
    const payee = createPayee(driverOf(node, clock, { create: async () => 'lnbc1hunter2' }))
    const error = await payee.createInvoice(order).catch((e) => e)
    expect(error.details.reason).toMatch(/cannot be read/)
    expect(JSON.stringify(error)).not.toContain('hunter2')
  })
})

describe('R-ADP-12 a wallet that does not answer', () => {
  test('is waited for as long as was said', async () => {
    const { clock, node } = createWorld()
    const never = (): Promise<never> => new Promise(() => undefined)
    const changes = { create: never, lookUp: never, timeoutMs: 30 }
    const payee = createPayee(driverOf(node, clock, changes))
    const unavailable = {
      code: 'NODE_UNAVAILABLE',
      details: { reason: 'test: it did not answer in time' },
    }
    await expect(payee.createInvoice(order)).rejects.toMatchObject(unavailable)
    const { invoice } = await node.createInvoice(order)
    await expect(payee.lookupInvoice(decodeInvoice(invoice).paymentHash)).rejects.toMatchObject(
      unavailable,
    )
  })
})

describe('R-ADP-13 settlements are told once', () => {
  test('also by a wallet that tells them twice, and where look-ups find them, too', async () => {
    const { clock, node, pay } = createWorld()
    const follow: PayeeDriver['follow'] = async function* (signal) {
      for await (const settlement of node.settlements(signal)) {
        yield settlement
        yield settlement
      }
    }
    const payee = createPayee(driverOf(node, clock, { follow }))
    const stop = new AbortController()
    const stream = payee.settlements(stop.signal)
    const paid = [await pay(payee), await pay(payee)]
    expect(await take(stream, 2)).toEqual(paid)
    stop.abort()
  })
})

describe('R-ADP-14 while nothing tells', () => {
  test('what was made or asked about here is asked about, less and less often', async () => {
    const { clock, node } = createWorld()
    const asked: number[] = []
    const lookUp: PayeeDriver['lookUp'] = async (hash, signal) => {
      asked.push(performance.now())
      return await node.lookupInvoice(hash, signal)
    }
    const payee = createPayee(driverOf(node, clock, { lookUp, pollMs: 20 }))
    const stop = new AbortController()
    payee.settlements(stop.signal)
    await payee.createInvoice(order)
    await new Promise((resolve) => setTimeout(resolve, 700))
    stop.abort()
    // At 20, 60, 140, 300 and 620 ms, not thirty-five times.
    expect(asked.length).toBeGreaterThan(1)
    expect(asked.length).toBeLessThan(8)
  })

  test('also an invoice of another process, once it was asked about', async () => {
    const { clock, node, payText } = createWorld()
    const { invoice } = await node.createInvoice(order)
    const payee = createPayee(driverOf(node, clock))
    const stop = new AbortController()
    const stream = payee.settlements(stop.signal)
    await payee.lookupInvoice(decodeInvoice(invoice).paymentHash)
    const hash = await payText(invoice)
    expect(await take(stream, 1)).toEqual([hash])
    stop.abort()
  })

  test('and no longer once the wallet tells', async () => {
    const { clock, node } = createWorld()
    let asked = 0
    const lookUp: PayeeDriver['lookUp'] = async (hash, signal) => {
      asked++
      return await node.lookupInvoice(hash, signal)
    }
    const payee = createPayee(driverOf(node, clock, { lookUp, follow: followOf(node) }))
    const stop = new AbortController()
    payee.settlements(stop.signal)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await payee.createInvoice(order)
    const before = asked
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(asked).toBe(before)
    stop.abort()
  })
})

/** Reads streams one after another, as a gateway does. */
function readOn(payee: Payee, delayMs: number) {
  const told: string[] = []
  const stop = new AbortController()
  const read = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        for await (const one of payee.settlements(stop.signal))
          told.push(encodeHex(one.paymentHash))
      } catch {
        // The next one tells.
      }
      await new Promise((resolve) => setTimeout(resolve, delayMs))
    }
  }
  void read()
  return { told, stop: () => stop.abort() }
}

describe('R-ADP-14 what waits is asked about', () => {
  test('also where the wallet never tells about one of it', async () => {
    const { clock, node, pay } = createWorld()
    let unreadable = ''
    const lookUp: PayeeDriver['lookUp'] = async (hash, signal) => {
      if (encodeHex(hash) === unreadable) throw unavailable('test', 'nonsense')
      return await node.lookupInvoice(hash, signal)
    }
    const payee = createPayee(driverOf(node, clock, { lookUp }))
    unreadable = encodeHex(decodeInvoice((await payee.createInvoice(order)).invoice).paymentHash)
    await payee.createInvoice(order)
    // Where it is the only one whose turn it is, the stream breaks: nobody can tell why.
    const reader = readOn(payee, 20)
    const paid = await pay(payee)
    await expect.poll(() => reader.told, { timeout: 5000 }).toEqual([paid])
    reader.stop()
  })

  test('also where the stream of the wallet never comes about', async () => {
    const { clock, node, pay } = createWorld()
    const follow: PayeeDriver['follow'] = async function* () {
      yield* []
      throw unavailable('test', 'it answered 502 to a WebSocket')
    }
    const payee = createPayee(driverOf(node, clock, { follow, pollMs: 20 }))
    const reader = readOn(payee, 30)
    const paid = await pay(payee)
    await expect.poll(() => reader.told, { timeout: 5000 }).toEqual([paid])
    reader.stop()
  })

  test('what is new before what was asked about already, however much that is', async () => {
    const { clock, node, pay } = createWorld()
    let asked = 0
    const lookUp: PayeeDriver['lookUp'] = async (hash, signal) => {
      asked++
      return await node.lookupInvoice(hash, signal)
    }
    const payee = createPayee(driverOf(node, clock, { lookUp, pollMs: 50 }))
    const stop = new AbortController()
    const stream = payee.settlements(stop.signal)
    for (let i = 0; i < 400; i++) await payee.createInvoice(order)
    const paid = await pay(payee)
    expect(await take(stream, 1)).toEqual([paid])
    // Of those before it each once, or twice where this machine is slow.
    expect(asked).toBeLessThan(1000)
    stop.abort()
  })

  test('also where the clock of the wallet is hours behind', async () => {
    const { clock, node, pay } = createWorld()
    const late = { now: () => clock.now() + 7200 }
    let opens = 0
    const lookUp: PayeeDriver['lookUp'] = async (hash, signal) => {
      // It is paid after it was seen open.
      if (opens++ === 0) return { status: 'open' }
      return await node.lookupInvoice(hash, signal)
    }
    const payee = createPayee(driverOf(node, late, { lookUp }))
    const stop = new AbortController()
    const stream = payee.settlements(stop.signal)
    const paid = await pay(payee)
    const told = take(stream, 1)
    const nobody = new Promise((resolve) => setTimeout(resolve, 2000, 'nobody was told'))
    expect(await Promise.race([told, nobody])).toEqual([paid])
    stop.abort()
  })
})

describe('R-ADP-15 of several streams that broke', () => {
  test('each is followed by one that tells what settled meanwhile', async () => {
    const { clock, node, payText } = createWorld()
    let isDown = false
    const lookUp: PayeeDriver['lookUp'] = async (hash, signal) => {
      if (isDown) throw unavailable('test', 'down')
      return await node.lookupInvoice(hash, signal)
    }
    const payee = createPayee(driverOf(node, clock, { lookUp }))
    const [quick, slow] = [readOn(payee, 20), readOn(payee, 300)]
    const { invoice } = await payee.createInvoice(order)
    await new Promise((resolve) => setTimeout(resolve, 30))
    isDown = true
    await new Promise((resolve) => setTimeout(resolve, 100))
    const paid = await payText(invoice)
    isDown = false
    await expect.poll(() => quick.told, { timeout: 5000 }).toEqual([paid])
    await expect.poll(() => slow.told, { timeout: 5000 }).toEqual([paid])
    for (const reader of [quick, slow]) reader.stop()
  })
})

describe('R-ADP-15 a stream that breaks', () => {
  for (const [what, breaks] of [
    ['because the wallet ends it', async () => undefined],
    [
      'because the connection is lost',
      async () => {
        throw unavailable('test', 'gone')
      },
    ],
  ] as const) {
    test(`${what} rejects, and the next one tells what settled meanwhile`, async () => {
      const { clock, node, payText } = createWorld()
      let isDown = false
      const lookUp: PayeeDriver['lookUp'] = async (hash, signal) => {
        if (isDown) throw unavailable('test', 'down')
        return await node.lookupInvoice(hash, signal)
      }
      let breakNow: () => void = () => undefined
      const follow: PayeeDriver['follow'] = async function* (signal, opened) {
        if (isDown) throw unavailable('test', 'down')
        opened()
        const broken = new Promise<'broken'>((resolve) => {
          breakNow = () => resolve('broken')
        })
        const stream = node.settlements(signal)[Symbol.asyncIterator]()
        for (;;) {
          const next = await Promise.race([stream.next(), broken])
          if (next === 'broken') return void (await breaks())
          if (next.done === true) return
          yield next.value
        }
      }
      const payee = createPayee(driverOf(node, clock, { lookUp, follow }))
      const signal = new AbortController().signal
      const first = payee.settlements(signal)[Symbol.asyncIterator]()
      await new Promise((resolve) => setTimeout(resolve, 30))
      const { invoice } = await payee.createInvoice(order)
      isDown = true
      breakNow()
      await expect(first.next()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
      const hash = await payText(invoice)
      const second = payee.settlements(signal)[Symbol.asyncIterator]()
      await expect(second.next()).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
      isDown = false
      expect(await take(payee.settlements(signal), 1)).toEqual([hash])
    })
  }
})

describe('R-ADP-16 a stream that did not break', () => {
  test('is followed by one that tells what is new, and not what is old', async () => {
    const { clock, node, pay } = createWorld()
    const payee = createPayee(driverOf(node, clock))
    await pay(payee)
    await clock.advance(1)
    const stop = new AbortController()
    const stream = payee.settlements(stop.signal)
    await clock.advance(1)
    const hash = await pay(payee)
    expect(await take(stream, 1)).toEqual([hash])
    stop.abort()
  })
})
