import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { L402Error } from '../../library/src/errors.ts'
import type { Invoice } from '../../library/src/invoice/index.ts'
import { decodeInvoice, preimage, provesPayment } from '../../library/src/invoice/index.ts'
import type { PayerDriver, Told } from '../../library/src/lightning/adapter/index.ts'
import { createPayer } from '../../library/src/lightning/adapter/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import { payerConformance, testClock } from '../../library/src/testing/index.ts'

const limits = { maxFeeMsat: msat(100_000n) } as const

function createWorld() {
  const clock = testClock()
  const devnet = createDevnet({ now: clock.now })
  const node = devnet.addNode('payer', { balanceMsat: msat(10_000_000n) })
  const otherPayer = devnet.addNode('other', { balanceMsat: msat(10_000_000n) })
  const payee = devnet.addNode('payee', { balanceMsat: msat(0n) })
  const invoice = async (): Promise<Invoice> => {
    const request = { amountMsat: msat(5000n), description: '', expirySeconds: 600 }
    return decodeInvoice((await payee.createInvoice(request)).invoice)
  }
  return { clock, node, otherPayer, payee, invoice }
}

/** A driver over a node of the embedded network, and how often it was asked. */
function driverOf(node: DevnetNode, clock: { now(): number }, changes: Partial<PayerDriver> = {}) {
  const asked = { orders: 0, lookUps: 0 }
  const driver: PayerDriver = {
    kind: 'test',
    network: 'regtest',
    id: 'test',
    asksFirst: false,
    orderTimeoutMs: 400,
    lookUpTimeoutMs: 300,
    now: clock.now,
    order: async ({ invoice, maxFeeMsat }, signal) => {
      asked.orders++
      return await node.pay(invoice, { maxFeeMsat, signal })
    },
    lookUp: async (hash, signal) => {
      asked.lookUps++
      return await node.lookupPayment(hash, signal)
    },
    ...changes,
  }
  return { payer: createPayer(driver), asked }
}

describe('a payer made of a driver conforms', () => {
  const createRig = async () => {
    const { clock, node, otherPayer, payee } = createWorld()
    const { payer } = driverOf(node, clock)
    return {
      payer,
      payee,
      controls: {
        advance: clock.advance,
        balanceMsat: node.balanceMsat,
        injectFault: node.injectFault,
        otherPayer,
        createHoldInvoice: async (
          paymentHash: Parameters<DevnetNode['cancelHold']>[0],
          amountMsat: ReturnType<typeof msat>,
        ) => {
          const request = { amountMsat, description: '', expirySeconds: 600, paymentHash }
          return (await payee.createHoldInvoice(request)).invoice
        },
        settleHold: payee.settleHold,
        cancelHold: payee.cancelHold,
        setReachable: node.setReachable,
      },
    }
  }
  for (const { name, run } of payerConformance(createRig)) {
    test(name, async () => expect(await run()).toBeUndefined())
  }

  test('R-ADP-4 what is called a duplicate is looked up before anybody is told', async () => {
    const { clock, node, invoice } = createWorld()
    node.injectFault({ kind: 'duplicate' })
    const outcome = await driverOf(node, clock).payer.pay(await invoice(), limits)
    expect(outcome.status).toBe('settled')
  })
})

describe('R-ADP-1 nothing is sent', () => {
  test('for another network, without an amount, or for a caller who has left', async () => {
    const { clock, node, invoice } = createWorld()
    const { payer, asked } = driverOf(node, clock)
    const one = await invoice()
    const foreign = { ...one, network: 'bitcoin' } as Invoice
    expect(await payer.pay(foreign, limits)).toEqual({ status: 'failed', reason: 'wrong-network' })
    const any = { ...one, amountMsat: undefined } as Invoice
    expect(await payer.pay(any, limits)).toEqual({ status: 'failed', reason: 'rejected' })
    const signal = AbortSignal.abort()
    expect(await payer.pay(one, { ...limits, signal })).toEqual({ status: 'unknown' })
    expect(asked).toEqual({ orders: 0, lookUps: 0 })
  })
})

describe('R-ADP-2 an order is given once', () => {
  test('calls at the same time share it', async () => {
    const { clock, node, invoice } = createWorld()
    const { payer, asked } = driverOf(node, clock)
    const one = await invoice()
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => payer.pay(one, limits)))
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['settled']))
    expect(asked.orders).toBe(1)
  })

  test('and what is unknown is asked about, and not ordered again', async () => {
    const { clock, node, invoice } = createWorld()
    node.injectFault({ kind: 'in-flight' })
    const { payer, asked } = driverOf(node, clock)
    const one = await invoice()
    for (let i = 0; i < 3; i++) expect((await payer.pay(one, limits)).status).toBe('unknown')
    expect(asked.orders).toBe(1)
    node.resolvePayment(one.paymentHash, 'settle')
    expect((await payer.pay(one, limits)).status).toBe('settled')
    expect(asked.orders).toBe(1)
  })

  test('what failed is ordered anew', async () => {
    const { clock, node, invoice } = createWorld()
    node.injectFault({ kind: 'fail', reason: 'no-route' })
    const { payer, asked } = driverOf(node, clock)
    const one = await invoice()
    expect(await payer.pay(one, limits)).toEqual({ status: 'failed', reason: 'no-route' })
    expect((await payer.pay(one, limits)).status).toBe('settled')
    expect(asked.orders).toBe(2)
  })
})

describe('R-ADP-3 what a process has not ordered itself', () => {
  test('is asked about first where the wallet may pay twice', async () => {
    const { clock, node, invoice } = createWorld()
    const one = await invoice()
    await node.pay(one, limits)
    const { payer, asked } = driverOf(node, clock, { asksFirst: true })
    expect((await payer.pay(one, limits)).status).toBe('settled')
    expect(asked).toEqual({ orders: 0, lookUps: 1 })
  })

  test('and is not ordered when it cannot be asked about', async () => {
    const { clock, node, invoice } = createWorld()
    const lookUp = async (): Promise<Told> => {
      throw new Error('cut off')
    }
    const { payer, asked } = driverOf(node, clock, { asksFirst: true, lookUp })
    await expect(payer.pay(await invoice(), limits)).rejects.toMatchObject({
      code: 'NODE_UNAVAILABLE',
    })
    expect(asked.orders).toBe(0)
  })

  test('and has expired: it is not ordered, unless it was', async () => {
    const { clock, node, invoice } = createWorld()
    const [never, settled, held] = [await invoice(), await invoice(), await invoice()]
    await node.pay(settled, limits)
    node.injectFault({ kind: 'in-flight' })
    await node.pay(held, limits)
    await clock.advance(600)
    const { payer, asked } = driverOf(node, clock)
    expect(await payer.pay(never, limits)).toEqual({ status: 'failed', reason: 'expired' })
    expect((await payer.pay(settled, limits)).status).toBe('settled')
    expect((await payer.pay(held, limits)).status).toBe('unknown')
    expect(asked.orders).toBe(0)
  })
})

describe('R-ADP-4 an order whose end is not told', () => {
  for (const [what, end] of [
    ['breaks', () => Promise.reject(new Error('broken'))],
    ['is nonsense', () => Promise.reject(new SyntaxError('nonsense'))],
    ['never ends', () => new Promise<never>(() => undefined)],
  ] as const) {
    test(`because it ${what} is looked up`, async () => {
      const { clock, node, invoice } = createWorld()
      const one = await invoice()
      const { payer } = driverOf(node, clock, {
        order: async ({ invoice, maxFeeMsat }) => {
          await node.pay(invoice, { maxFeeMsat })
          return await end()
        },
      })
      expect((await payer.pay(one, limits)).status).toBe('settled')
    })

    test(`because it ${what} is unknown where nobody can be asked`, async () => {
      const { clock, node, invoice } = createWorld()
      const changes = { order: end, lookUp: undefined }
      const { payer } = driverOf(node, clock, changes as unknown as Partial<PayerDriver>)
      const one = await invoice()
      expect((await payer.pay(one, limits)).status).toBe('unknown')
      expect((await payer.lookupPayment(one.paymentHash))?.status).toBe('unknown')
    })
  }

  test('and that was certainly not given rejects, and is given at the next call', async () => {
    const { clock, node, invoice } = createWorld()
    node.injectFault({ kind: 'unavailable' })
    const { payer, asked } = driverOf(node, clock)
    const one = await invoice()
    await expect(payer.pay(one, limits)).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    expect((await payer.pay(one, limits)).status).toBe('settled')
    expect(asked.orders).toBe(2)
  })
})

describe('R-ADP-5 a caller who leaves', () => {
  test('ends his waiting, and not the order', async () => {
    const { clock, node, invoice } = createWorld()
    let goOn: () => void = () => undefined
    const waiting = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const { payer, asked } = driverOf(node, clock, {
      orderTimeoutMs: 60_000,
      order: async ({ invoice, maxFeeMsat }) => {
        asked.orders++
        await waiting
        return await node.pay(invoice, { maxFeeMsat })
      },
    })
    const one = await invoice()
    const stop = new AbortController()
    const left = payer.pay(one, { ...limits, signal: stop.signal })
    const stays = payer.pay(one, limits)
    stop.abort()
    expect(await left).toEqual({ status: 'unknown' })
    goOn()
    expect((await stays).status).toBe('settled')
    expect((await payer.pay(one, limits)).status).toBe('settled')
    expect(asked.orders).toBe(1)
  })
})

describe('R-ADP-6 amounts that are not told', () => {
  test('are that of the invoice, and the whole ceiling', async () => {
    const { clock, node, invoice } = createWorld()
    const { payer } = driverOf(node, clock, {
      order: async ({ invoice, maxFeeMsat }, signal) => {
        const outcome = await node.pay(invoice, { maxFeeMsat, signal })
        if (outcome.status !== 'settled') return outcome
        return { status: 'settled', preimage: outcome.preimage, feeMsat: undefined }
      },
    })
    expect(await payer.pay(await invoice(), limits)).toMatchObject({
      amountMsat: 5000n,
      feeMsat: limits.maxFeeMsat,
    })
  })
})

describe('R-ADP-7 an order that was lost, and that the wallet does not know', () => {
  const lost: Partial<PayerDriver> = { order: () => Promise.reject(new Error('reset')) }

  test('may still arrive, for as long as the wallet says', async () => {
    const { clock, node, invoice } = createWorld()
    const { payer } = driverOf(node, clock, { ...lost, orderLagSeconds: 0.2 })
    const one = await invoice()
    expect((await payer.pay(one, limits)).status).toBe('unknown')
    expect((await payer.lookupPayment(one.paymentHash))?.status).toBe('unknown')
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(await payer.lookupPayment(one.paymentHash)).toBeUndefined()
  })

  test('may arrive at any time where nobody says', async () => {
    const { clock, node, invoice } = createWorld()
    const { payer } = driverOf(node, clock, lost)
    const one = await invoice()
    await payer.pay(one, limits)
    expect((await payer.lookupPayment(one.paymentHash))?.status).toBe('unknown')
  })
})

describe('R-ADP-9 what a look-up calls failed', () => {
  const failed: Told = { status: 'failed', reason: 'no-route' }

  test('is of before, while an order of ours is under way', async () => {
    const { clock, node, invoice } = createWorld()
    let end: (told: Told) => void = () => undefined
    const order = (): Promise<Told> => new Promise((resolve) => (end = resolve))
    const lookUp = async (): Promise<Told> => failed
    const changes = { order, lookUp, orderTimeoutMs: 60_000 }
    const { payer } = driverOf(node, clock, changes)
    const one = await invoice()
    const paying = payer.pay(one, limits)
    expect(await payer.lookupPayment(one.paymentHash)).toEqual({ status: 'unknown' })
    end(failed)
    expect(await paying).toEqual(failed)
    expect(await payer.lookupPayment(one.paymentHash)).toEqual(failed)
  })

  for (const [what, asksFirst] of [
    ['of this process', false],
    ['of another process', true],
  ] as const) {
    test(`may be an attempt ${what}, while a lost order may still arrive`, async () => {
      const { clock, node, invoice } = createWorld()
      const one = await invoice()
      const ends: (() => Promise<Told>)[] = asksFirst ? [] : [async () => failed]
      const { payer } = driverOf(node, clock, {
        asksFirst,
        orderLagSeconds: 0.3,
        order: () => ends.shift()?.() ?? Promise.reject(new Error('reset')),
        lookUp: async () => failed,
      })
      if (!asksFirst) expect(await payer.pay(one, limits)).toEqual(failed)
      expect((await payer.pay(one, limits)).status).toBe('unknown')
      expect((await payer.lookupPayment(one.paymentHash))?.status).toBe('unknown')
      await new Promise((resolve) => setTimeout(resolve, 350))
      expect(await payer.lookupPayment(one.paymentHash)).toEqual(failed)
    })
  }

  test('may be an attempt of another process, where nobody asked before', async () => {
    const { clock, node, invoice } = createWorld()
    const { payer } = driverOf(node, clock, {
      asksFirst: false,
      orderLagSeconds: 0.3,
      order: () => Promise.reject(new Error('reset')),
      lookUp: async () => failed,
    })
    const one = await invoice()
    expect((await payer.pay(one, limits)).status).toBe('unknown')
    await new Promise((resolve) => setTimeout(resolve, 350))
    expect(await payer.lookupPayment(one.paymentHash)).toEqual(failed)
  })

  test('is this attempt, where there was none before', async () => {
    const { clock, node, invoice } = createWorld()
    const { payer } = driverOf(node, clock, {
      asksFirst: true,
      order: async ({ invoice, maxFeeMsat }) => {
        await node.pay(invoice, { maxFeeMsat })
        throw new Error('reset')
      },
    })
    node.injectFault({ kind: 'fail', reason: 'no-route' })
    expect(await payer.pay(await invoice(), limits)).toEqual(failed)
  })
})

describe('R-ADP-8 a look-up', () => {
  test('that fails says which wallet, and nothing of what it said', async () => {
    const { clock, node, invoice } = createWorld()
    const secret = 'hunter2'.repeat(4)
    const lookUp = (): Promise<Told> => Promise.reject(new SyntaxError(`${secret} is not JSON`))
    const { payer } = driverOf(node, clock, { lookUp })
    const error = await payer.lookupPayment((await invoice()).paymentHash).catch((e) => e)
    expect(error).toBeInstanceOf(L402Error)
    expect(error.details).toEqual({ reason: 'test: it did not answer' })
    expect(inspect(error)).not.toContain(secret)
  })

  test('ends when its time is over, or its caller leaves', async () => {
    const { clock, node, invoice } = createWorld()
    const lookUp = (): Promise<Told> => new Promise(() => undefined)
    const { payer } = driverOf(node, clock, { lookUp, lookUpTimeoutMs: 50 })
    const { paymentHash } = await invoice()
    await expect(payer.lookupPayment(paymentHash)).rejects.toMatchObject({
      details: { reason: 'test: it did not answer in time' },
    })
    const soon = AbortSignal.timeout(10)
    const patient = driverOf(node, clock, { lookUp, lookUpTimeoutMs: 60_000 }).payer
    await expect(patient.lookupPayment(paymentHash, soon)).rejects.toMatchObject({
      code: 'NODE_UNAVAILABLE',
    })
  })
})

describe('R-ADP-33 an answer from before an order', () => {
  const failed: Told = { status: 'failed', reason: 'no-route' }
  const never = (): Promise<Told> => new Promise(() => undefined)

  /** A wallet whose look-ups are answered when the test says so. */
  function createHeld(orders: (() => Promise<Told>)[], changes: Partial<PayerDriver> = {}) {
    const world = createWorld()
    const answers: ((told: Told | undefined) => void)[] = []
    let given = 0
    const { payer } = driverOf(world.node, world.clock, {
      orderTimeoutMs: 60_000,
      lookUpTimeoutMs: 60_000,
      order: () => {
        given++
        return (orders.shift() ?? never)()
      },
      lookUp: () => new Promise((resolve) => answers.push(resolve)),
      ...changes,
    })
    return { ...world, payer, answers, given: () => given }
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  for (const [what, told] of [
    ['failed', failed],
    ['is not there', undefined],
    ['is not known', { status: 'unknown' }],
  ] as const) {
    test(`does not end one that was given anew meanwhile: it ${what}`, async () => {
      const { payer, answers, given, invoice } = createHeld([async () => failed])
      const one = await invoice()
      expect(await payer.pay(one, limits)).toEqual(failed)
      const asked = payer.lookupPayment(one.paymentHash)
      void payer.pay(one, limits)
      await turn()
      answers[0]!(told)
      expect(await asked).toEqual({ status: 'unknown' })
      void payer.pay(one, limits)
      await turn()
      expect(given()).toBe(2)
    })

    test(`does not end the first one, either: it ${what}`, async () => {
      const { payer, answers, given, invoice } = createHeld([])
      const one = await invoice()
      const asked = payer.lookupPayment(one.paymentHash)
      void payer.pay(one, limits)
      await turn()
      answers[0]!(told)
      expect(await asked).toEqual({ status: 'unknown' })
      void payer.pay(one, limits)
      await turn()
      expect(given()).toBe(1)
    })
  }

  test('does not say of a lost one that it never arrived', async () => {
    const lost = (): Promise<Told> => Promise.reject(new Error('reset'))
    const { payer, answers, invoice } = createHeld([lost], { orderLagSeconds: 0 })
    const one = await invoice()
    const asked = payer.lookupPayment(one.paymentHash)
    const paying = payer.pay(one, limits)
    await turn()
    answers[0]!(undefined)
    answers[1]!({ status: 'unknown' })
    expect(await asked).toEqual({ status: 'unknown' })
    expect(await paying).toEqual({ status: 'unknown' })
  })

  test('is remembered when the next order could not be given', async () => {
    const { clock, node, invoice } = createWorld()
    const orders: (() => Promise<Told>)[] = [
      async () => failed,
      () => Promise.reject(new L402Error('NODE_UNAVAILABLE', { reason: 'away' })),
      () => Promise.reject(new Error('reset')),
    ]
    const { payer } = driverOf(node, clock, {
      order: () => orders.shift()!(),
      lookUp: async () => failed,
    })
    const one = await invoice()
    expect(await payer.pay(one, limits)).toEqual(failed)
    await expect(payer.pay(one, limits)).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
    expect((await payer.pay(one, limits)).status).toBe('unknown')
    expect((await payer.lookupPayment(one.paymentHash))?.status).toBe('unknown')
  })
})

test('R-ADP-3 what failed is asked about before it is ordered anew: somebody else may pay it now', async () => {
  const { clock, node, invoice } = createWorld()
  const one = await invoice()
  const orders: Told[] = [{ status: 'failed', reason: 'no-route' }]
  let found: Told | undefined
  let given = 0
  const { payer } = driverOf(node, clock, {
    asksFirst: true,
    order: async () => {
      given++
      return orders.shift() ?? { status: 'unknown' }
    },
    lookUp: async () => found,
  })
  expect((await payer.pay(one, limits)).status).toBe('failed')
  found = { status: 'unknown' }
  expect((await payer.pay(one, limits)).status).toBe('unknown')
  expect(given).toBe(1)
})

test('R-ADP-4 a settlement whose preimage proves nothing is looked up, and does not stay', async () => {
  const { clock, node, invoice } = createWorld()
  const one = await invoice()
  const wrong = preimage(new Uint8Array(32).fill(9))
  const { payer } = driverOf(node, clock, {
    order: async ({ invoice, maxFeeMsat }) => {
      const told = await node.pay(invoice, { maxFeeMsat })
      return told.status === 'settled' ? { ...told, preimage: wrong } : told
    },
  })
  const outcome = await payer.pay(one, limits)
  expect(outcome.status === 'settled' && provesPayment(outcome.preimage, one.paymentHash)).toBe(
    true,
  )
})
