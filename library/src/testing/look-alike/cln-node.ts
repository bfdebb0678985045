import type { Msat } from '../../amount/index.ts'
import { msat } from '../../amount/index.ts'
import { decodeHex, encodeHex } from '../../bytes/index.ts'
import type { Invoice, PaymentHash } from '../../invoice/index.ts'
import { decodeInvoice, expiresAtSeconds, paymentHash } from '../../invoice/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { FailureReason, PaymentOutcome, Settlement } from '../../lightning/index.ts'
import type { WireRole } from './look-alike.ts'

type Params = Readonly<Record<string, unknown>>

/** What a command ends with: its result, or `{code, message}`. */
export type ClnAnswer = { readonly result: Params } | ClnRefusal
type ClnRefusal = { readonly error: { readonly code: number; readonly message: string } }

export type ClnNodeOptions = {
  /** Seconds since 1970; that of the node behind. Default: the system's clock. */
  readonly now?: () => number
  /** Commands that it does not have: `xpay` before v24.11. */
  readonly lacks?: readonly string[]
  /** As `getinfo` tells it. Default `regtest`. */
  readonly network?: string
  /** `getinfo` says that it is catching up with the chain. */
  readonly isSyncing?: boolean
  /** Amounts as text with `msat`, as before v23.05. */
  readonly writesMsatAsText?: boolean
}

/** The commands of one node. */
export type ClnNode = {
  readonly roleOf: (method: string) => WireRole
  run(method: string, params: Params, gone: AbortSignal): Promise<ClnAnswer>
  readonly now: () => number
  close(): void
}

type Known = { readonly label: string; readonly invoice: Invoice; readonly createdIndex: number }
type Attempt = { readonly createdAt: number; readonly index: number; readonly invoice: Invoice }

const roles: Readonly<Record<string, WireRole>> = {
  xpay: 'order',
  pay: 'order',
  listpays: 'look-up',
  invoice: 'invoice',
  listinvoices: 'invoice-look-up',
  waitanyinvoice: 'settlements',
}
const pollMs = 10

/** With which code it tells of a failure, and whether an attempt was made by then. */
const failures: Readonly<Record<FailureReason, readonly [code: number, isTried: boolean]>> = {
  'no-route': [209, true],
  'insufficient-balance': [215, false],
  'fee-limit': [206, false],
  expired: [207, false],
  'already-paid': [203, true],
  rejected: [203, true],
  'wrong-network': [-32602, false],
}

/**
 * Core Lightning's commands over a node of the embedded network, by the schemas of v24.11 to v26.06
 * (`doc/schemas`): invoices with labels and pay indexes, payments as lists of attempts.
 *
 * What no node of the embedded network knows is made up: the preimage of an invoice of its own in
 * `listinvoices` and `waitanyinvoice` says nothing.
 */
export function createClnNode(node: DevnetNode, options: ClnNodeOptions = {}): ClnNode {
  const now = (): number => Math.floor((options.now ?? (() => Date.now() / 1000))())
  const amount = (value: bigint): string | number =>
    options.writesMsatAsText === true ? `${value}msat` : Number(value)
  const invoices = new Map<string, Known>()
  const attempts = new Map<string, Attempt[]>()
  const paid: Settlement[] = []
  const wakers = new Set<() => void>()
  const closing = new AbortController()
  let created = 0

  const stream = node.settlements(closing.signal)
  const log = async (): Promise<void> => {
    for await (const settlement of stream) {
      paid.push(settlement)
      for (const wake of wakers) wake()
    }
  }
  log().catch(() => undefined)

  const nextPaid = (gone: AbortSignal, ms: number): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        wakers.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      wakers.add(done)
      for (const signal of [gone, closing.signal]) signal.addEventListener('abort', done)
    })

  const describe = (hashHex: string, known: Known): Params => ({
    label: known.label,
    bolt11: known.invoice.text,
    payment_hash: hashHex,
    amount_msat: amount(known.invoice.amountMsat ?? 0n),
    description: known.invoice.description ?? '',
    expires_at: expiresAtSeconds(known.invoice),
    created_index: known.createdIndex,
  })
  const describePaid = (index: number): Params | undefined => {
    const { paymentHash: hash, amountMsat, settledAtSeconds } = paid[index - 1]!
    const hashHex = encodeHex(hash)
    const known = invoices.get(hashHex)
    return {
      ...(known === undefined ? { payment_hash: hashHex } : describe(hashHex, known)),
      status: 'paid',
      pay_index: index,
      amount_received_msat: amount(amountMsat),
      paid_at: settledAtSeconds,
      payment_preimage: 'ee'.repeat(32),
    }
  }

  const invoice = async (params: Params): Promise<ClnAnswer> => {
    const { amount_msat: asked, label, description, expiry } = params
    const amountMsat = readMsat(asked)
    if (amountMsat === undefined || amountMsat === 0n) {
      return fail(-32602, "amount_msat: should be positive msat or 'any'")
    }
    if (typeof label !== 'string' || typeof description !== 'string') {
      return fail(-32602, 'missing required parameter')
    }
    if ([...invoices.values()].some((one) => one.label === label))
      return fail(900, 'Duplicate label')
    const expirySeconds = typeof expiry === 'number' ? expiry : 604_800
    const made = await node.createInvoice({ amountMsat, description, expirySeconds })
    const read = decodeInvoice(made.invoice)
    const known = { label, invoice: read, createdIndex: ++created }
    const hashHex = encodeHex(read.paymentHash)
    invoices.set(hashHex, known)
    return ok({
      payment_hash: hashHex,
      expires_at: expiresAtSeconds(read),
      bolt11: read.text,
      payment_secret: encodeHex(read.paymentSecret),
      created_index: known.createdIndex,
      warning_capacity: 'Insufficient incoming channel capacity to pay invoice',
    })
  }

  const listInvoices = async (params: Params, gone: AbortSignal): Promise<ClnAnswer> => {
    const hash = readHash(params['payment_hash'])
    if (hash === undefined) return fail(-32602, 'payment_hash: should be a 32 byte hex value')
    const hashHex = encodeHex(hash)
    const known = invoices.get(hashHex)
    if (known === undefined) return ok({ invoices: [] })
    const { status } = await node.lookupInvoice(hash)
    if (status === 'settled') {
      const indexOf = (): number =>
        1 + paid.findIndex((one) => encodeHex(one.paymentHash) === hashHex)
      while (indexOf() === 0 && !gone.aborted) await nextPaid(gone, pollMs)
      return ok({ invoices: [describePaid(indexOf())] })
    }
    const word = status === 'open' ? 'unpaid' : 'expired'
    return ok({ invoices: [{ ...describe(hashHex, known), status: word }] })
  }

  const waitAnyInvoice = async (params: Params, gone: AbortSignal): Promise<ClnAnswer> => {
    const { lastpay_index: last = 0, timeout } = params
    if (typeof last !== 'number' || last < 0) {
      return fail(-32602, 'lastpay_index: should be an unsigned 64 bit integer')
    }
    const until = performance.now() + Number(timeout ?? 86_400) * 1000
    while (paid.length <= last) {
      const left = until - performance.now()
      if (left <= 0 || gone.aborted || closing.signal.aborted) {
        return fail(904, 'Timed out while waiting for invoice to be paid')
      }
      await nextPaid(gone, left)
    }
    return ok(describePaid(last + 1)!)
  }

  const order = async (
    method: 'xpay' | 'pay',
    params: Params,
    gone: AbortSignal,
  ): Promise<ClnAnswer> => {
    const read = readOrder(method, params)
    if ('error' in read) return read
    const { paying, maxFeeMsat } = read
    const hashHex = encodeHex(paying.paymentHash)
    if (now() > expiresAtSeconds(paying)) return fail(207, 'Invoice expired')
    const before = await node.lookupPayment(paying.paymentHash)
    if (before?.status === 'settled') {
      // `pay` gives the first result again.
      return method === 'pay' ? paidBy(method, paying, before) : fail(219, 'Already paid')
    }
    if (before?.status === 'unknown') {
      return method === 'pay'
        ? fail(200, 'Payment still in progress')
        : fail(-3, 'Unexpected injectpaymentonion error 200')
    }
    const attempt = { createdAt: now(), index: ++created, invoice: paying }
    const paid = node.pay(paying, { maxFeeMsat, signal: gone })
    // A payment that is on its way, or held, is listed while its order waits.
    const isOnItsWay = async (): Promise<boolean> =>
      (await node.lookupPayment(paying.paymentHash))?.status !== 'failed'
    if (await isOnItsWay()) addAttempt(hashHex, attempt)
    let outcome: PaymentOutcome | undefined = await paid
    while (outcome?.status === 'unknown' && !gone.aborted && !closing.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, pollMs))
      outcome = await node.lookupPayment(paying.paymentHash)
    }
    if (outcome?.status === 'settled') return paidBy(method, paying, outcome)
    if (outcome?.status !== 'failed') return fail(-1, 'The caller has left')
    const isOurs = (await node.lookupPayment(paying.paymentHash))?.status === 'settled'
    if (outcome.reason === 'already-paid' && isOurs) return fail(219, 'Already paid')
    const [code, isTried] = failures[outcome.reason]
    if (isTried) addAttempt(hashHex, attempt)
    return fail(code, `Failed: ${outcome.reason}`)
  }

  const addAttempt = (hashHex: string, attempt: Attempt): void => {
    const list = attempts.get(hashHex) ?? []
    if (!list.includes(attempt)) attempts.set(hashHex, [...list, attempt])
  }

  const paidBy = (
    method: 'xpay' | 'pay',
    { amountMsat = msat(0n), paymentHash: hash }: Invoice,
    outcome: Extract<PaymentOutcome, { readonly status: 'settled' }>,
  ): ClnAnswer =>
    ok({
      payment_preimage: encodeHex(outcome.preimage),
      amount_msat: amount(amountMsat),
      amount_sent_msat: amount(amountMsat + outcome.feeMsat),
      ...(method === 'xpay'
        ? { failed_parts: 0, successful_parts: 1 }
        : { payment_hash: encodeHex(hash), parts: 1, created_at: now(), status: 'complete' }),
    })

  const listPays = async (params: Params): Promise<ClnAnswer> => {
    const hash = readHash(params['payment_hash'])
    if (hash === undefined) return fail(-32602, 'payment_hash: should be a 32 byte hex value')
    const list = attempts.get(encodeHex(hash)) ?? []
    const outcome = await node.lookupPayment(hash)
    const pays = list.map(({ createdAt, index, invoice: paying }, i) => {
      const isLast = i === list.length - 1
      const base = {
        bolt11: paying.text,
        destination: encodeHex(paying.payee),
        payment_hash: encodeHex(hash),
        created_at: createdAt,
        created_index: index,
      }
      const amountMsat = paying.amountMsat ?? msat(0n)
      if (!isLast || outcome?.status === 'failed') {
        return { ...base, status: 'failed', amount_sent_msat: amount(0n) }
      }
      if (outcome?.status !== 'settled') {
        const sent = { amount_msat: amount(amountMsat), amount_sent_msat: amount(amountMsat) }
        return { ...base, status: 'pending', ...sent }
      }
      return {
        ...base,
        status: 'complete',
        completed_at: now(),
        preimage: encodeHex(outcome.preimage),
        amount_msat: amount(amountMsat),
        amount_sent_msat: amount(amountMsat + outcome.feeMsat),
      }
    })
    return ok({ pays })
  }

  const getInfo = (): ClnAnswer =>
    ok({
      id: encodeHex(node.nodeId),
      alias: node.name,
      num_peers: 1,
      num_active_channels: 1,
      version: 'v26.06',
      blockheight: 110,
      network: options.network ?? 'regtest',
      fees_collected_msat: amount(0n),
      ...(options.isSyncing === true && {
        warning_lightningd_sync: 'Still loading latest blocks from bitcoind.',
      }),
    })

  return {
    now,
    roleOf: (method) => roles[method] ?? 'other',
    run: async (method, params, gone) => {
      if (options.lacks?.includes(method) === true) return unknownMethod(method)
      switch (method) {
        case 'getinfo':
          return getInfo()
        case 'invoice':
          return await invoice(params)
        case 'listinvoices':
          return await listInvoices(params, gone)
        case 'waitanyinvoice':
          return await waitAnyInvoice(params, gone)
        case 'xpay':
        case 'pay':
          return await order(method, params, gone)
        case 'listpays':
          return await listPays(params)
        default:
          return unknownMethod(method)
      }
    },
    close: () => closing.abort(),
  }
}

function readOrder(
  method: 'xpay' | 'pay',
  params: Params,
): ClnRefusal | { readonly paying: Invoice; readonly maxFeeMsat: Msat } {
  const name = method === 'xpay' ? 'invstring' : 'bolt11'
  const { [name]: text, maxfee, retry_for: retryFor, ...others } = params
  const [stranger] = Object.keys(others)
  if (stranger !== undefined) return fail(-32602, `unknown parameter: ${stranger}`)
  if (!Number.isInteger(retryFor)) return fail(-32602, 'retry_for: should be an integer')
  // Left out, it is 5000 msat or one per cent; nobody here leaves it out.
  const maxFeeMsat = readMsat(maxfee)
  if (maxFeeMsat === undefined) return fail(-32602, 'maxfee: should be a millisatoshi amount')
  try {
    const paying = decodeInvoice(String(text))
    if (paying.network !== 'regtest') return fail(-32602, 'Invalid bolt11: not for this chain')
    if (paying.amountMsat === undefined) return fail(-32602, 'amount_msat required')
    return { paying, maxFeeMsat }
  } catch {
    return fail(-32602, 'Invalid bolt11: Bad bech32 string')
  }
}

/** `param_msat`: a number, or text with or without its unit. */
function readMsat(value: unknown): Msat | undefined {
  const text = typeof value === 'number' ? String(value) : value
  const digits = typeof text === 'string' ? /^(\d{1,19})(msat)?$/.exec(text)?.[1] : undefined
  return digits === undefined ? undefined : msat(BigInt(digits))
}

function readHash(value: unknown): PaymentHash | undefined {
  const isHash = typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
  return isHash ? paymentHash(decodeHex(value)) : undefined
}

function ok(result: Params): ClnAnswer {
  return { result }
}

function fail(code: number, message: string): ClnRefusal {
  return { error: { code, message } }
}

function unknownMethod(method: string): ClnAnswer {
  return fail(-32601, `Unknown command '${method}'`)
}
