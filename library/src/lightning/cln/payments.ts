import type { Msat } from '../../amount/index.ts'
import { msat } from '../../amount/index.ts'
import { encodeHex } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { Fields, Order, PayerDriver, Told } from '../adapter/index.ts'
import { asFields, readPreimage, readSeconds, unavailable, untilAborted } from '../adapter/index.ts'
import type { FailureReason } from '../index.ts'
import type { GivenOrder } from './given-orders.ts'
import { GivenOrders } from './given-orders.ts'
import type { Reply, Rpc } from './rpc.ts'
import { codes, kind, readClnMsat, refusal, requireAnswer, writeMsat } from './rpc.ts'
import type { Settings } from './settings.ts'

const unknown: Told = { status: 'unknown' }

/**
 * Codes with which `xpay` and `pay` say that they are over and make no attempt any more. A part that
 * was on its way by then may still arrive, so the list of payments has the last word.
 */
const over: ReadonlyMap<number, FailureReason> = new Map([
  /** Parameters: an invoice that it cannot read, or of another chain. */
  [codes.badParams, 'rejected'],
  /** The payee said no, for good. */
  [203, 'rejected'],
  /** No route. */
  [205, 'no-route'],
  /** A route that costs more than the ceiling, or takes longer than it allows. */
  [206, 'fee-limit'],
  [207, 'expired'],
  /** All attempts have failed. */
  [209, 'no-route'],
  /** The time for attempts is over, and none is on its way. */
  [210, 'no-route'],
  /** Whoever holds the keys declined. */
  [213, 'rejected'],
  /** Not enough in its channels. */
  [215, 'insufficient-balance'],
  /** No channel of the payee can take so much. */
  [220, 'no-route'],
])

/** Which parameters each takes. */
const orderMethods = {
  xpay: 'invstring',
  pay: 'bolt11',
} as const
type OrderMethod = keyof typeof orderMethods

/** How long a look-up waits for an order of this process that is about to end, in ms. */
const maxEndingMs = 1000

/** The questions that are put to a node that pays. */
export function createPayerDriver(rpc: Rpc, settings: Settings, id: string): PayerDriver {
  const { network, timeoutMs, orderTimeoutMs, now } = settings
  /** It makes new attempts for so long. The rest of the time is for the last of them to end. */
  const retrySeconds = Math.floor((orderTimeoutMs / 1000) * 0.8)
  /** How long an order may be active once it was given: a little more, for clocks and slow disks. */
  const activeSeconds = retrySeconds + Math.ceil(retrySeconds / 5) + 2
  const given = new GivenOrders()
  /** `pay` is from before v24.11, and will go. */
  let methods: readonly OrderMethod[] = ['xpay', 'pay']

  /** Gives the order by the first command that the node has and the rune allows. */
  const give = async ({ invoice, maxFeeMsat }: Order, signal: AbortSignal): Promise<Reply> => {
    let reply: Reply | undefined
    for (const method of methods) {
      const params = {
        [orderMethods[method]]: invoice.text,
        maxfee: writeMsat(maxFeeMsat),
        retry_for: retrySeconds,
      }
      const earlier = reply
      reply = await rpc.call(method, params, signal, 'order')
      if (reply.kind !== 'refused' || !wasNotTried(reply.code)) return reply
      const isUnknown = reply.code === codes.methodUnknown
      if (isUnknown) methods = [...methods.filter((other) => other !== method), method]
      // What the node has and the rune forbids is what there is to mend.
      if (isUnknown && earlier !== undefined) reply = earlier
    }
    return reply!
  }

  const order = async (what: Order, signal: AbortSignal): Promise<Told> => {
    const hash = what.invoice.paymentHash
    const end = given.begin(encodeHex(hash))
    const reply = await give(what, signal)
    const told = reply.kind === 'answered' ? readOutcome(reply.result) : unknown
    if (told.status === 'settled') {
      end({ activeUntilMs: 0, reason: undefined })
      return told
    }
    if (reply.kind === 'not-sent') {
      end({ activeUntilMs: 0, reason: undefined })
      throw unavailable(kind, reply.reason)
    }
    if (reply.kind === 'refused' && isRefusedBefore(reply.code)) {
      end({ activeUntilMs: 0, reason: undefined })
      throw refusal('xpay', reply.code)
    }
    const reason = reply.kind === 'refused' ? over.get(reply.code) : undefined
    if (reason === undefined) {
      end({ activeUntilMs: performance.now() + activeSeconds * 1000, reason: undefined })
      return unknown
    }
    end({ activeUntilMs: 0, reason })
    const limit = AbortSignal.timeout(timeoutMs)
    const found = await lookUp(hash, limit).catch(() => unknown)
    return found ?? { status: 'failed', reason }
  }

  const lookUp = async (hash: PaymentHash, signal: AbortSignal): Promise<Told | undefined> => {
    const hashHex = encodeHex(hash)
    const method = 'listpays'
    const reply = await rpc.call(method, { payment_hash: hashHex }, signal)
    const attempts = readAttempts(requireAnswer(method, reply), hashHex)
    if (attempts === undefined) {
      throw unavailable(kind, `it answered ${method} with what is no answer to it`)
    }
    const complete = attempts.find(({ status }) => status === 'complete')
    if (complete !== undefined) return complete.told
    if (attempts.some(({ status }) => status === 'pending')) return unknown
    if (attempts.length === 0) return undefined

    // All have failed so far. That is the end only when nobody makes another.
    const mine = given.find(hashHex)
    if (mine !== undefined && mine.activeUntilMs > performance.now()) {
      // An order that is waited for may be about to tell more than this list did.
      const hasEnded = await endsSoon(mine, signal)
      return hasEnded ? await lookUp(hash, signal) : unknown
    }
    if (mine?.reason !== undefined) return { status: 'failed', reason: mine.reason }
    const last = Math.max(...attempts.map(({ createdAtSeconds }) => createdAtSeconds))
    const isOver = (rpc.nowSeconds() ?? now()) >= last + activeSeconds
    return isOver ? { status: 'failed', reason: 'no-route' } : unknown
  }

  /** Whether an order that is waited for comes to an end within a moment. */
  const endsSoon = async (mine: GivenOrder, signal: AbortSignal): Promise<boolean> => {
    if (mine.activeUntilMs !== Number.POSITIVE_INFINITY) return false
    const limit = AbortSignal.timeout(Math.min(maxEndingMs, timeoutMs / 2))
    return await untilAborted(mine.ended, AbortSignal.any([signal, limit])).then(
      () => true,
      () => false,
    )
  }

  return {
    kind,
    network,
    id,
    orderLagSeconds: activeSeconds,
    tellsAttempts: true,
    order,
    lookUp,
    orderTimeoutMs,
    lookUpTimeoutMs: timeoutMs,
    now,
  }
}

/** Whether the next command can be tried: this one was refused before it looked at the invoice. */
function wasNotTried(code: number): boolean {
  return code === codes.methodUnknown || code === codes.runeNotPermitted
}

function isRefusedBefore(code: number): boolean {
  return wasNotTried(code) || code === codes.runeNotAuthorized || code === codes.runeBlacklisted
}

/** What `xpay` or `pay` answered. Without a preimage it says nothing. */
function readOutcome(fields: Fields): Told {
  const preimage = readPreimage(fields['payment_preimage'])
  if (preimage === undefined) return unknown
  return { status: 'settled', preimage, ...readAmounts(fields) }
}

function readAmounts(fields: Fields): {
  readonly amountMsat: Msat | undefined
  readonly feeMsat: Msat | undefined
} {
  const amountMsat = readClnMsat(fields['amount_msat'])
  const sentMsat = readClnMsat(fields['amount_sent_msat'])
  const isTold = amountMsat !== undefined && sentMsat !== undefined && sentMsat >= amountMsat
  return { amountMsat, feeMsat: isTold ? msat(sentMsat - amountMsat) : undefined }
}

/** All parts that one command sent. */
type Attempt = {
  readonly status: 'complete' | 'pending' | 'failed'
  readonly createdAtSeconds: number
  readonly told: Told
}

/** @returns `undefined` when it is no list of payments of this hash. */
function readAttempts({ pays }: Fields, hashHex: string): readonly Attempt[] | undefined {
  if (!Array.isArray(pays)) return undefined
  const attempts: Attempt[] = []
  for (const entry of pays) {
    const attempt = readAttempt(asFields(entry), hashHex)
    if (attempt === undefined) return undefined
    attempts.push(attempt)
  }
  return attempts
}

function readAttempt(fields: Fields | undefined, hashHex: string): Attempt | undefined {
  if (fields === undefined || fields['payment_hash'] !== hashHex) return undefined
  const createdAtSeconds = readSeconds(fields['created_at'])
  if (createdAtSeconds === undefined) return undefined
  switch (fields['status']) {
    case 'failed':
    case 'pending':
      return { status: fields['status'], createdAtSeconds, told: unknown }
    case 'complete': {
      const preimage = readPreimage(fields['preimage'])
      if (preimage === undefined) return undefined
      const told: Told = { status: 'settled', preimage, ...readAmounts(fields) }
      return { status: 'complete', createdAtSeconds, told }
    }
    default:
      return undefined
  }
}
