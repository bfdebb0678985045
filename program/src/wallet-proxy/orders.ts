import { decodeInvoiceUnverified, encodeHex, isL402Error } from 'satway'
import type { Client, Ledger, PaymentEntry } from 'satway/client'
import type { Answer } from './answer.ts'
import {
  notFoundAnswer,
  paidAnswer,
  pendingAnswer,
  problemAnswer,
  refusalAnswer,
  standingAnswer,
} from './answer.ts'
import { ProxyProblem } from './proxy-problem.ts'
import type { Order } from './read-order.ts'

/** Orders at once. More are told to come again. */
const maxOrders = 64
/** The longest that one order waits, whatever the client is doing. */
const patienceMs = 75_000
/** How long a look-up waits for the wallet. */
const lookupMs = 5000

export type OrdersOptions = {
  readonly client: Pick<Client, 'payInvoice' | 'describe' | 'reconcile'>
  readonly ledger: Pick<Ledger, 'find'>
  /** Takes one line about an order. No secrets. */
  readonly log: (line: string) => void
}

/** Orders under way, and what the journal knows of others. */
export type Orders = {
  pay(order: Order): Promise<Answer>
  lookUp(paymentHash: string): Promise<Answer>
  /** From now on nothing is begun. Resolves when all that is under way has ended, or after `graceMs`. */
  finish(graceMs: number): Promise<void>
}

/**
 * Pays what it is asked to, and says of everything how it stands. The one thing it adds to the client
 * is care in saying no: `isPaid: false` is said only of what the journal does not hold open.
 *
 * @spec agent.md R-WPX-5 to R-WPX-9
 */
export function createOrders({ client, ledger, log }: OrdersOptions): Orders {
  const underWay = new Map<string, number>()
  const running = new Set<Promise<Answer>>()
  const ending = new AbortController()
  const reconcile = once(() => client.reconcile())
  let closing = false

  const carryOut = async (order: Order, hash: string | undefined): Promise<Answer> => {
    const { invoice, ...limits } = order
    const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(patienceMs)])
    try {
      const paid = await client.payInvoice(invoice, { ...limits, signal })
      log(
        `${paid.before ? 'paid before' : 'paid'}: ${amounts(paid)}, payment ${short(paid.paymentHash)}`,
      )
      return paidAnswer(paid)
    } catch (error) {
      const outcome = client.describe(error)
      log(
        `${outcome.outcome}: ${outcome.code ?? 'no code'}${named(outcome.reason)}${ofPayment(hash)}`,
      )
      return await refusal(error, hash)
    }
  }

  /** What was thrown may be about this attempt alone, while an earlier one has no end. */
  const refusal = async (error: unknown, hash: string | undefined): Promise<Answer> => {
    const outcome = client.describe(error)
    if (!isL402Error(error)) return interrupted(error, hash)
    // "Paid already" may be said of a payment of ours that the node forgot.
    if (outcome.outcome === 'unknown' || outcome.reason === 'already-paid') {
      return refusalAnswer(outcome, null, hash ?? null)
    }
    const open = hash === undefined ? undefined : await isOpen(hash)
    if (open === false || hash === undefined) return refusalAnswer(outcome, false, hash ?? null)
    return refusalAnswer(outcome, null, hash)
  }

  const interrupted = (error: unknown, hash: string | undefined): Answer => {
    if (ending.signal.aborted) return closed(hash)
    const isLate = error instanceof DOMException && error.name === 'TimeoutError'
    if (isLate) return busy('The order waited too long.', hash)
    return problemAnswer(
      new ProxyProblem('PROXY_FAULT', 'The order could not be carried out.'),
      hash ?? null,
    )
  }

  /** Whether a payment of this hash may still cost money, or did; `undefined`: nobody can tell. */
  const isOpen = async (hash: string): Promise<boolean | undefined> => {
    try {
      const entry = await ledger.find(hash)
      return entry !== undefined && entry.state !== 'failed'
    } catch {
      return undefined
    }
  }

  const find = async (hash: string): Promise<PaymentEntry | undefined> => {
    const entry = await ledger.find(hash)
    if (entry === undefined || hasEnded(entry)) return entry
    const timer = AbortSignal.timeout(lookupMs)
    const late = new Promise<void>((resolve) => timer.addEventListener('abort', () => resolve()))
    await Promise.race([reconcile().catch(() => undefined), late])
    return await ledger.find(hash)
  }

  return {
    pay: async (order) => {
      const hash = hashOf(order.invoice)
      if (closing) return closed(hash)
      if (running.size >= maxOrders) return busy(`${maxOrders} orders are under way.`, hash)
      if (hash !== undefined) underWay.set(hash, (underWay.get(hash) ?? 0) + 1)
      const answer = carryOut(order, hash)
      running.add(answer)
      try {
        return await answer
      } finally {
        running.delete(answer)
        if (hash !== undefined) countDown(underWay, hash)
      }
    },
    lookUp: async (hash) => {
      // It may be waiting for its turn: the journal learns of it later.
      if (underWay.has(hash)) return pendingAnswer(hash)
      try {
        const entry = await find(hash)
        if (entry === undefined) return notFoundAnswer(hash)
        if (entry.token === undefined) return standingAnswer(entry)
        const detail = 'The payment of this hash bought a token: its preimage is half of that.'
        return problemAnswer(new ProxyProblem('PROXY_OTHER_USE', detail), hash)
      } catch (error) {
        if (!isL402Error(error)) throw error
        return refusalAnswer(client.describe(error), null, hash)
      }
    },
    finish: async (graceMs) => {
      closing = true
      await settledWithin([...running], graceMs)
      ending.abort()
      await settledWithin([...running], graceMs)
    },
  }
}

function hasEnded({ state }: PaymentEntry): boolean {
  return state === 'settled' || state === 'failed'
}

/** `undefined` for what is no invoice: the client says what is wrong with it. */
function hashOf(invoice: string): string | undefined {
  try {
    return encodeHex(decodeInvoiceUnverified(invoice.trim()).paymentHash)
  } catch {
    return undefined
  }
}

function closed(hash: string | undefined): Answer {
  return problemAnswer(new ProxyProblem('PROXY_CLOSING', 'The proxy is ending.'), hash ?? null)
}

function busy(detail: string, hash: string | undefined): Answer {
  return problemAnswer(new ProxyProblem('PROXY_BUSY', detail), hash ?? null)
}

function countDown(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 1) - 1
  if (left === 0) counts.delete(key)
  else counts.set(key, left)
}

async function settledWithin(waits: readonly Promise<unknown>[], ms: number): Promise<void> {
  if (waits.length === 0) return
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([Promise.allSettled(waits), late])
  clearTimeout(timer)
}

/** Everybody who asks meanwhile gets the same answer. */
function once<Result>(act: () => Promise<Result>): () => Promise<Result> {
  let pending: Promise<Result> | undefined
  return () => {
    pending ??= act().finally(() => {
      pending = undefined
    })
    return pending
  }
}

function amounts(paid: { readonly amountMsat: bigint; readonly feeMsat: bigint }): string {
  return `${paid.amountMsat} msat, fee ${paid.feeMsat} msat`
}

function short(hash: string): string {
  return hash.slice(0, 12)
}

function ofPayment(hash: string | undefined): string {
  return hash === undefined ? '' : `, payment ${short(hash)}`
}

function named(reason: string | undefined): string {
  return reason === undefined ? '' : ` (${reason})`
}
