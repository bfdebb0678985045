import fc from 'fast-check'
import { expect, test } from 'vitest'
import { msat } from '../../amount/index.ts'
import { hmacSha256 } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { Invoice, Preimage } from '../../invoice/index.ts'
import { decodeInvoice, hashPreimage, preimage, provesPayment } from '../../invoice/index.ts'
import type { PaymentOutcome } from '../index.ts'
import type { Devnet, DevnetNode, Fault } from './index.ts'
import { createDevnet } from './index.ts'

// The model keeps no balances: it keeps a history and adds it up. The network does the opposite, so a
// mistake in one is not likely to be in the other.

const nodeCount = 3
const fundsMsat = 120_000n
const startSeconds = 1_800_000_000

type Attempt = {
  readonly payer: number
  readonly feeMsat: bigint
  readonly wrongPreimage: boolean
  state: 'under-way' | 'held' | 'settled' | 'given-back'
  dueMs: number | undefined
}
type Bill = {
  readonly invoice: Invoice
  readonly payee: number
  readonly amountMsat: bigint
  readonly expiresMs: number
  readonly holdSecret: Preimage | undefined
  cancelled: boolean
  readonly attempts: Attempt[]
  /** What each payer was told last, where nothing was locked. */
  readonly refusals: Map<number, string>
}

type Op =
  | {
      readonly op: 'issue'
      readonly node: number
      readonly amount: number
      readonly expiry: number
    }
  | { readonly op: 'hold'; readonly node: number; readonly amount: number; readonly expiry: number }
  | { readonly op: 'pay'; readonly node: number; readonly bill: number; readonly maxFee: number }
  | { readonly op: 'fault'; readonly node: number; readonly fault: Fault }
  | { readonly op: 'advance'; readonly ms: number }
  | { readonly op: 'settle' | 'cancel'; readonly bill: number }
  | {
      readonly op: 'resolve'
      readonly bill: number
      readonly node: number
      readonly end: 'settle' | 'fail'
    }

const node = fc.nat(nodeCount - 1)
/** Counted from the latest. */
const bill = fc.nat(4)
/** Mostly whole seconds, so that edges are met. */
const delay = fc.oneof(
  fc.nat(6).map((s) => s * 1000),
  fc.nat(20_000),
)
const amount = fc.integer({ min: 1, max: 200_000 })
const expiry = fc.integer({ min: 1, max: 20 })
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constant('timeout' as const), settleAfterMs: delay }),
  fc.constantFrom<Fault>(
    { kind: 'in-flight' },
    { kind: 'fail', reason: 'no-route' },
    { kind: 'wrong-preimage' },
    { kind: 'duplicate' },
    { kind: 'unavailable' },
  ),
)
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant('issue' as const), node, amount, expiry }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('hold' as const), node, amount, expiry }) },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('pay' as const),
      node,
      bill,
      maxFee: fc.constantFrom(900, 1010, 5000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('fault' as const), node, fault }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('advance' as const), ms: delay }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom('settle' as const, 'cancel' as const), bill }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('resolve' as const),
      bill,
      node,
      end: fc.constantFrom('settle' as const, 'fail' as const),
    }),
  },
)

class Model {
  readonly bills: Bill[] = []
  readonly faults: Fault[][] = Array.from({ length: nodeCount }, () => [])
  /** Bills that settled, in the order of their settlement. */
  readonly settled: Bill[] = []
  nowMs = startSeconds * 1000

  /** Lets time pass, moment by moment. */
  advance(ms: number): void {
    const end = this.nowMs + ms
    for (;;) {
      const next = this.#nextDue(end)
      if (next === undefined) break
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.happen()
    }
    this.nowMs = end
  }

  #nextDue(end: number): { readonly atMs: number; readonly happen: () => void } | undefined {
    const due = this.bills.flatMap((bill) =>
      bill.attempts.flatMap((attempt) => {
        if (attempt.state === 'under-way' && attempt.dueMs !== undefined) {
          return [{ atMs: attempt.dueMs, happen: () => this.arrive(bill, attempt) }]
        }
        if (attempt.state !== 'held') return []
        return [{ atMs: bill.expiresMs, happen: () => giveBack(attempt) }]
      }),
    )
    return due.filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0]
  }

  arrive(bill: Bill, attempt: Attempt): void {
    if (bill.holdSecret === undefined) this.settle(bill, attempt)
    else attempt.state = this.isClosed(bill) ? 'given-back' : 'held'
  }

  settle(bill: Bill, attempt: Attempt): void {
    attempt.state = 'settled'
    this.settled.push(bill)
  }

  isClosed(bill: Bill): boolean {
    return bill.cancelled || this.nowMs >= bill.expiresMs
  }

  balance(node: number): bigint {
    let sum = fundsMsat
    for (const { payee, amountMsat, attempts } of this.bills) {
      for (const { payer, feeMsat, state } of attempts) {
        if (state === 'given-back') continue
        if (payer === node) sum -= amountMsat + feeMsat
        if (payee === node && state === 'settled') sum += amountMsat
      }
    }
    return sum
  }

  live(bill: Bill): Attempt | undefined {
    return bill.attempts.find(({ state }) => state !== 'given-back')
  }

  /** `undefined`: the call rejects. */
  pay(payer: number, bill: Bill, maxFee: number): string | undefined {
    const faults = this.faults[payer]!
    if (faults[0]?.kind === 'unavailable') {
      faults.shift()
      return undefined
    }
    const own = bill.attempts.find((a) => a.payer === payer && a.state !== 'given-back')
    if (own !== undefined) return this.lookup(payer, bill)

    const refusal = this.#refusal(payer, bill, maxFee)
    if (refusal !== undefined) {
      bill.refusals.set(payer, `failed ${refusal}`)
      return `failed ${refusal}`
    }
    const fault = faults.shift()
    const feeMsat = 1000n + bill.amountMsat / 10_000n
    const wrongPreimage = fault?.kind === 'wrong-preimage'
    const attempt: Attempt = { payer, feeMsat, wrongPreimage, state: 'under-way', dueMs: undefined }
    bill.attempts.push(attempt)
    bill.refusals.delete(payer)
    if (fault?.kind === 'in-flight') return 'unknown'
    if (fault?.kind === 'timeout') {
      attempt.dueMs = this.nowMs + fault.settleAfterMs
      this.advance(0)
      return 'unknown'
    }
    if (fault?.kind === 'fail') {
      attempt.state = 'given-back'
      return `failed ${fault.reason}`
    }
    this.arrive(bill, attempt)
    return fault?.kind === 'duplicate' ? 'failed already-paid' : this.lookup(payer, bill)
  }

  #refusal(payer: number, bill: Bill, maxFee: number): string | undefined {
    const live = this.live(bill)
    if (bill.payee === payer) return 'rejected'
    if (live?.state === 'settled') return 'already-paid'
    if (live !== undefined || bill.cancelled) return 'rejected'
    if (this.nowMs >= bill.expiresMs) return 'expired'
    const feeMsat = 1000n + bill.amountMsat / 10_000n
    if (feeMsat > maxFee) return 'fee-limit'
    return this.balance(payer) < bill.amountMsat + feeMsat ? 'insufficient-balance' : undefined
  }

  /** Without the reason of what was given back: the model does not keep it. */
  lookup(payer: number, bill: Bill): string {
    const refusal = bill.refusals.get(payer)
    if (refusal !== undefined) return refusal
    const last = bill.attempts.findLast((attempt) => attempt.payer === payer)
    if (last === undefined) return 'nothing'
    if (last.state === 'given-back') return 'failed'
    if (last.state !== 'settled') return 'unknown'
    return last.wrongPreimage ? 'settled wrong' : 'settled'
  }

  invoiceStatus(bill: Bill): string {
    const live = this.live(bill)
    if (live !== undefined) return live.state === 'settled' ? 'settled' : 'open'
    return this.isClosed(bill) ? 'closed' : 'open'
  }
}

test('R-LN-20 R-LN-8 R-LN-25 R-LN-26 R-LN-28 any history ends as the model says, to the msat', async () => {
  let counter = 0
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(op, { minLength: 10, maxLength: 60, size: 'max' }), async (ops) => {
      const model = new Model()
      // Repeatable, so that a finding can be shrunk.
      const random = (length: number): Uint8Array => {
        const block = hmacSha256(Uint8Array.of(1), new TextEncoder().encode(String(counter++)))
        return Uint8Array.from({ length }, (_, i) => block[i % 32]!)
      }
      const devnet = createDevnet({ now: () => model.nowMs / 1000, random })
      const nodes = Array.from({ length: nodeCount }, (_, i) =>
        devnet.addNode(`node ${i}`, { balanceMsat: msat(fundsMsat) }),
      )
      const stop = new AbortController()
      const streams = nodes.map((node) => node.settlements(stop.signal)[Symbol.asyncIterator]())
      for (const step of ops) {
        await apply(step, model, nodes, seen)
        await compare(model, devnet, nodes)
      }
      for (const bill of model.settled) {
        const { value } = await streams[bill.payee]!.next()
        expect(value.paymentHash).toEqual(bill.invoice.paymentHash)
        expect(value.amountMsat).toBe(bill.amountMsat)
      }
      const rest = streams.map((stream) => stream.next())
      stop.abort()
      for (const { done } of await Promise.all(rest)) expect(done).toBe(true)
    }),
    { numRuns: 150, seed: 402 },
  )
  // A generator that never gets anywhere would prove nothing.
  for (const what of ['settled', 'settled wrong', 'unknown', 'rejects', 'failed fee-limit']) {
    expect(seen).toContain(what)
  }
  for (const reason of [
    'already-paid',
    'rejected',
    'expired',
    'insufficient-balance',
    'no-route',
  ]) {
    expect(seen).toContain(`failed ${reason}`)
  }
})

async function apply(
  step: Op,
  model: Model,
  nodes: readonly DevnetNode[],
  seen: Set<string>,
): Promise<void> {
  switch (step.op) {
    case 'issue':
    case 'hold': {
      const { node: payee, expiry: expirySeconds } = step
      const amountMsat = msat(BigInt(step.amount))
      const request = { amountMsat, description: '', expirySeconds }
      const secret = preimage(hmacSha256(Uint8Array.of(2), Uint8Array.of(model.bills.length)))
      const { invoice } =
        step.op === 'issue'
          ? await nodes[payee]!.createInvoice(request)
          : await nodes[payee]!.createHoldInvoice({ ...request, paymentHash: hashPreimage(secret) })
      model.bills.push({
        invoice: decodeInvoice(invoice),
        payee,
        amountMsat,
        expiresMs: (Math.floor(model.nowMs / 1000) + expirySeconds) * 1000,
        holdSecret: step.op === 'hold' ? secret : undefined,
        cancelled: false,
        attempts: [],
        refusals: new Map(),
      })
      return
    }
    case 'pay': {
      const bill = model.bills.at(-1 - step.bill)
      if (bill === undefined) return
      const expected = model.pay(step.node, bill, step.maxFee) ?? 'rejects'
      const maxFeeMsat = msat(BigInt(step.maxFee))
      const answer = await nodes[step.node]!.pay(bill.invoice, { maxFeeMsat }).then(
        (outcome) => told(outcome, bill),
        (error: unknown) => (isL402Error(error, 'NODE_UNAVAILABLE') ? 'rejects' : 'throws'),
      )
      expect(answer).toBe(expected)
      seen.add(answer)
      return
    }
    case 'fault':
      nodes[step.node]!.injectFault(step.fault)
      model.faults[step.node]!.push(step.fault)
      return
    case 'advance':
      model.advance(step.ms)
      return
    case 'settle': {
      const bill = model.bills.at(-1 - step.bill)
      if (bill?.holdSecret === undefined) return
      const { payee, holdSecret } = bill
      const attempt = model.live(bill)
      if (attempt?.state !== 'held') {
        expect(() => nodes[payee]!.settleHold(holdSecret)).toThrow(RangeError)
        return
      }
      nodes[payee]!.settleHold(holdSecret)
      model.settle(bill, attempt)
      return
    }
    case 'cancel': {
      const bill = model.bills.at(-1 - step.bill)
      if (bill === undefined) return
      const { payee, invoice } = bill
      const attempt = model.live(bill)
      if (bill.holdSecret === undefined || attempt?.state === 'settled') {
        expect(() => nodes[payee]!.cancelHold(invoice.paymentHash)).toThrow(RangeError)
        return
      }
      nodes[payee]!.cancelHold(invoice.paymentHash)
      bill.cancelled = true
      if (attempt?.state === 'held') giveBack(attempt)
      return
    }
    case 'resolve': {
      const bill = model.bills.at(-1 - step.bill)
      if (bill === undefined) return
      const { paymentHash } = bill.invoice
      const attempt = model.live(bill)
      if (attempt?.state !== 'under-way') {
        expect(() => nodes[step.node]!.resolvePayment(paymentHash, step.end)).toThrow(RangeError)
        return
      }
      nodes[attempt.payer]!.resolvePayment(paymentHash, step.end)
      if (step.end === 'fail') giveBack(attempt)
      else model.arrive(bill, attempt)
      return
    }
    default:
      step satisfies never
  }
}

async function compare(model: Model, devnet: Devnet, nodes: readonly DevnetNode[]): Promise<void> {
  expect(devnet.totalMsat()).toBe(BigInt(nodeCount) * fundsMsat)
  for (const [i, node] of nodes.entries()) {
    expect(node.balanceMsat()).toBe(model.balance(i))
    for (const bill of model.bills) {
      const outcome = await node.lookupPayment(bill.invoice.paymentHash)
      const expected = model.lookup(i, bill)
      const actual = outcome === undefined ? 'nothing' : told(outcome, bill)
      expect(expected === 'failed' ? actual.split(' ')[0] : actual).toBe(expected)
    }
  }
  for (const bill of model.bills) {
    const { status } = await nodes[bill.payee]!.lookupInvoice(bill.invoice.paymentHash)
    expect(status).toBe(model.invoiceStatus(bill))
  }
}

function giveBack(attempt: Attempt): void {
  attempt.state = 'given-back'
}

function told(outcome: PaymentOutcome, bill: Bill): string {
  if (outcome.status === 'failed') return `failed ${outcome.reason}`
  if (outcome.status !== 'settled') return outcome.status
  expect(outcome.amountMsat).toBe(bill.amountMsat)
  expect(outcome.feeMsat).toBe(1000n + bill.amountMsat / 10_000n)
  const proves = provesPayment(outcome.preimage, bill.invoice.paymentHash)
  return proves ? 'settled' : 'settled wrong'
}
