import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Msat } from '../../amount/index.ts'
import { msat } from '../../amount/index.ts'
import { encodeHex, randomBytes } from '../../bytes/index.ts'
import { L402Error } from '../../errors.ts'
import type { PaymentHash, Preimage } from '../../invoice/index.ts'
import type { Payee, Payer, PaymentOutcome } from '../index.ts'
import type { Member } from './engine.ts'
import { Engine } from './engine.ts'
import { isProduction } from './environment.ts'
import type { Fault } from './fault.ts'

export type DevnetOptions = {
  /** Seconds since 1970; fractions count. Default: the system clock. */
  readonly now?: () => number
  /** Default: the operating system's generator. */
  readonly random?: (length: number) => Uint8Array
  /** Fee of every payment: base plus proportional. Defaults 1000 msat and 100 millionths. */
  readonly feeBaseMsat?: Msat
  /** From 0 to 1 000 000. The fee is rounded down to a whole msat. */
  readonly feeProportionalMillionths?: number
  /** Start although NODE_ENV is `production`. */
  readonly force?: boolean
}

/** One node of the embedded network: payee and payer over one balance. */
export type DevnetNode = Payee &
  Payer & {
    readonly name: string
    /** Compressed public key, 33 bytes. */
    readonly nodeId: Uint8Array
    /** What it can spend; without what is locked for payments under way. */
    balanceMsat(): Msat
    /** Makes an invoice that, once paid, waits for {@link settleHold} or {@link cancelHold}. */
    createHoldInvoice(request: {
      readonly amountMsat: Msat
      readonly description: string
      readonly expirySeconds: number
      readonly paymentHash: PaymentHash
    }): Promise<{ readonly invoice: string }>
    /** @throws {RangeError} when no payment is held for this preimage. */
    settleHold(preimage: Preimage): void
    /** @throws {RangeError} when there is no such hold invoice, or it has settled. */
    cancelHold(hash: PaymentHash): void
    /** Scripts the next payment that this node makes, or the payment of one hash. Oldest first. */
    injectFault(fault: Fault, hash?: PaymentHash): void
    /**
     * Ends a payment of this node that is on its way (`in-flight`, `timeout`).
     *
     * @throws {RangeError} when no payment of this hash is on its way.
     */
    resolvePayment(hash: PaymentHash, end: 'settle' | 'fail'): void
    /**
     * Makes the node deaf to its users, or brings it back. Until then its ports reject with
     * NODE_UNAVAILABLE and its streams break; payments to it still arrive.
     */
    setReachable(reachable: boolean): void
  }

/** The embedded development network: nodes, balances, real signed `lnbcrt` invoices. No real money. */
export type Devnet = {
  /**
   * @throws {RangeError} for a name or a key that is in use, and for more than 21 million BTC in
   *   all.
   * @throws {TypeError} without a name or a balance.
   */
  addNode(name: string, options: { readonly balanceMsat: Msat }): DevnetNode
  /** Sum of all balances, locked amounts and collected fees: only {@link addNode} changes it. */
  totalMsat(): Msat
  /**
   * Does what the clock has made due: late settlements, held payments that expire.
   *
   * There are no timers. Every call to a node does the same first, so `tick` is needed only by who
   * waits on a stream while nobody calls.
   */
  tick(): void
}

const defaults = {
  now: (): number => Date.now() / 1000,
  random: randomBytes,
  feeBaseMsat: msat(1000n),
  feeProportionalMillionths: 100,
} as const

/**
 * Starts a network of its own in this process. It remembers every invoice and payment until it is
 * dropped (README.md beside this file says what that costs).
 *
 * @throws {L402Error} CONFIG_INVALID when NODE_ENV is `production` and `force` is not set.
 * @throws {RangeError} for a proportional fee outside its range.
 * @spec lightning.md R-LN-20 to R-LN-29
 */
export function createDevnet(options: DevnetOptions = {}): Devnet {
  if (isProduction() && options.force !== true) {
    throw new L402Error('CONFIG_INVALID', {
      reason: 'the development network does not start in production',
    })
  }
  const chosen = { ...defaults, ...options }
  const millionths = chosen.feeProportionalMillionths
  if (!Number.isInteger(millionths) || millionths < 0 || millionths > 1_000_000) {
    throw new RangeError('feeProportionalMillionths: expected 0 to 1 000 000')
  }

  const engine = new Engine(chosen)
  const names = new Set<string>()
  return {
    addNode: (name, options) => {
      const { balanceMsat } = requireNode(name, options)
      if (names.has(name)) throw new RangeError('name: in use')
      const { secretKey, publicKey } = secp256k1.keygen(Uint8Array.from(chosen.random(48)))
      const member = engine.join(name, secretKey, encodeHex(publicKey), balanceMsat)
      names.add(name)
      return createNode(engine, member, publicKey)
    },
    totalMsat: () => engine.totalMsat(),
    tick: () => engine.tick(),
  }
}

/** @throws {TypeError} */
function requireNode(
  name: unknown,
  options: { readonly balanceMsat: Msat } | undefined,
): { readonly balanceMsat: Msat } {
  if (typeof name !== 'string') throw new TypeError('addNode: expected a name')
  if (typeof options?.balanceMsat === 'bigint') return options
  throw new TypeError('addNode: expected { balanceMsat }, such as { balanceMsat: satToMsat(10n) }')
}

function createNode(engine: Engine, member: Member, nodeId: Uint8Array): DevnetNode {
  let reachable = true
  const requireAnswer = (signal?: AbortSignal): void => {
    if (!reachable) throw new L402Error('NODE_UNAVAILABLE', { reason: 'not reachable' })
    if (signal?.aborted) throw new L402Error('NODE_UNAVAILABLE', { reason: 'aborted' })
  }

  return {
    name: member.name,
    nodeId,
    network: 'regtest',
    id: member.nodeIdHex,
    createInvoice: async ({ signal, ...order }) => {
      requireAnswer(signal)
      const { amountMsat, description, expirySeconds } = order
      return { invoice: engine.issue(member, { amountMsat, description, expirySeconds }) }
    },
    lookupInvoice: async (hash, signal) => {
      requireAnswer(signal)
      return engine.lookupInvoice(member, hash)
    },
    settlements: (signal) => member.settlements.read(signal, () => engine.tick()),
    pay: async (invoice, { maxFeeMsat, signal }) => {
      if (signal?.aborted) return { status: 'unknown' }
      requireAnswer()
      const outcome = engine.pay(member, invoice, maxFeeMsat)
      return outcome === 'hang' ? unknownAfterAbort(signal) : outcome
    },
    lookupPayment: async (hash, signal) => {
      requireAnswer(signal)
      return engine.lookupPayment(member, hash)
    },
    balanceMsat: () => engine.balanceMsat(member),
    createHoldInvoice: async (order) => {
      requireAnswer()
      return { invoice: engine.issue(member, order) }
    },
    settleHold: (preimage) => engine.settleHold(member, preimage),
    cancelHold: (hash) => engine.cancelHold(member, hash),
    injectFault: (fault, hash) => member.faults.add(fault, hash),
    resolvePayment: (hash, end) => engine.resolvePayment(member, hash, end),
    setReachable: (next) => {
      reachable = next
      member.settlements.setReachable(next)
    },
  }
}

/** Without a signal, nobody can end the waiting: the fault `hang` is for callers who have one. */
function unknownAfterAbort(signal: AbortSignal | undefined): Promise<PaymentOutcome> {
  return new Promise((resolve) => {
    signal?.addEventListener('abort', () => resolve({ status: 'unknown' }), { once: true })
  })
}
