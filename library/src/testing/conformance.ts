import type { Msat } from '../amount/index.ts'
import { encodeHex, equalBytes } from '../bytes/index.ts'
import { isL402Error } from '../errors.ts'
import type { Invoice, Network, PaymentHash, Preimage } from '../invoice/index.ts'
import { decodeInvoice } from '../invoice/index.ts'
import type { Fault } from '../lightning/devnet/index.ts'
import type { FailureReason, Payee, Payer, PaymentOutcome } from '../lightning/index.ts'

/**
 * What the suite may do to the nodes behind the ports, beyond using them. All of it is optional:
 * a case that needs a control which is not there is skipped and says so.
 */
export type ConformanceControls = {
  /** Moves the clock of both nodes. */
  readonly advance?: (seconds: number) => void | Promise<void>
  /** What the payer can spend. */
  readonly balanceMsat?: () => Msat | Promise<Msat>
  /** Scripts the payer's next payment. */
  readonly injectFault?: (fault: Fault) => void | Promise<void>
  /** A second payer that can reach the same payee. */
  readonly otherPayer?: Payer
  /** An invoice of the payee that waits for {@link settleHold} or {@link cancelHold}. */
  readonly createHoldInvoice?: (hash: PaymentHash, amountMsat: Msat) => Promise<string>
  readonly settleHold?: (preimage: Preimage) => void | Promise<void>
  readonly cancelHold?: (hash: PaymentHash) => void | Promise<void>
  /** Makes the node behind the port that is being tested deaf, or brings it back. */
  readonly setReachable?: (reachable: boolean) => void | Promise<void>
}

/** A payer, a payee that it can reach and pay, and what can be done to them. */
export type ConformanceRig = {
  readonly payer: Payer
  readonly payee: Payee
  readonly controls?: ConformanceControls
  /** Called after each case, however it ended. */
  close?(): Promise<void>
}

export type ConformanceOptions = {
  /** How long one case may take, in milliseconds. Default 30 000. */
  readonly timeoutMs?: number
  /**
   * Whether the wallet tries a payment hash anew that failed at its node. One that keeps what failed and
   * never sends it again says `failed` instead. Default true.
   */
  readonly retriesFailed?: boolean
  /**
   * What the wallet may say instead of a reason, because nobody tells it the reason itself: an lnd says
   * `no-route` where every route costs too much, and `rejected` where another payer was first.
   */
  readonly saysInstead?: Readonly<Partial<Record<FailureReason, FailureReason>>>
  /** What the wallet puts into its invoices whatever is asked for. Default: nothing. */
  readonly decidesItself?: ReadonlySet<'description' | 'expiry'>
}

/** What the cases of one suite have in common. */
export type Setting = {
  readonly createRig: () => Promise<ConformanceRig>
  readonly timeoutMs: number
  readonly retriesFailed: boolean
  readonly saysInstead: Readonly<Partial<Record<FailureReason, FailureReason>>>
  readonly decidesItself: ReadonlySet<'description' | 'expiry'>
}

/** One case. Any test runner can run it. */
export type ConformanceCase = {
  /** A sentence about behaviour, with the rule of spec/lightning.md. */
  readonly name: string
  /**
   * Runs the case on a rig of its own. Rejects when the adapter does not conform, and when the case
   * takes too long.
   *
   * @returns Why the case was skipped, or `undefined` when it passed.
   */
  run(): Promise<string | undefined>
}

export type ControlName = keyof ConformanceControls
type Controls<Needed extends ControlName> = ConformanceControls &
  Required<Pick<ConformanceControls, Needed>>

/** A case that needs controls, and the body that gets them. */
export function conformanceCase<Needed extends ControlName = never>(
  setting: Setting,
  name: string,
  needed: readonly Needed[],
  body: (rig: ConformanceRig, controls: Controls<Needed>) => Promise<void>,
): ConformanceCase {
  return {
    name,
    run: async () => {
      const rig = await setting.createRig()
      try {
        const controls = rig.controls ?? {}
        if (!hasAll(controls, needed)) {
          const lacking = needed.filter((control) => controls[control] === undefined)
          return `the rig has no control ${lacking.join(', ')}`
        }
        await within(setting.timeoutMs, body(rig, controls))
        return undefined
      } finally {
        await rig.close?.()
      }
    },
  }
}

export function createSetting(
  createRig: () => Promise<ConformanceRig>,
  options: ConformanceOptions,
): Setting {
  const { timeoutMs = 30_000, retriesFailed = true, saysInstead = {} } = options
  const { decidesItself = new Set() } = options
  return { createRig, timeoutMs, retriesFailed, saysInstead, decidesItself }
}

/** An adapter that never answers must not stop the suite. */
async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`does not conform: no end after ${timeoutMs} ms`))
    }, timeoutMs)
  })
  try {
    await Promise.race([work, tooLong])
  } finally {
    clearTimeout(timer)
  }
}

function hasAll<Needed extends ControlName>(
  controls: ConformanceControls,
  needed: readonly Needed[],
): controls is Controls<Needed> {
  return needed.every((control) => controls[control] !== undefined)
}

/** @throws {Error} with the sentence, when the condition does not hold. */
export function demand(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(`does not conform: ${sentence}`)
}

export function demandSettled(
  outcome: PaymentOutcome | undefined,
): asserts outcome is Extract<PaymentOutcome, { readonly status: 'settled' }> {
  demand(outcome?.status === 'settled', `expected settled, got ${describe(outcome)}`)
}

export function demandStatus(
  outcome: PaymentOutcome | undefined,
  status: PaymentOutcome['status'],
  reason?: string,
): void {
  demand(outcome?.status === status, `expected ${status}, got ${describe(outcome)}`)
  if (reason === undefined || outcome.status !== 'failed') return
  demand(outcome.reason === reason, `expected ${reason}, got ${outcome.reason}`)
}

/** A failure for this reason, or for the one that the wallet says instead. */
export function demandFailed(
  outcome: PaymentOutcome | undefined,
  reason: FailureReason,
  { saysInstead }: Setting,
): void {
  const other = outcome?.status === 'failed' && outcome.reason === saysInstead[reason]
  demandStatus(outcome, 'failed', other ? saysInstead[reason] : reason)
}

export function demandSame(first: PaymentOutcome, second: PaymentOutcome | undefined): void {
  const same = describe(first) === describe(second)
  demand(same, `expected ${describe(first)} again, got ${describe(second)}`)
  if (first.status !== 'settled' || second?.status !== 'settled') return
  demand(equalBytes(first.preimage, second.preimage), 'expected the same preimage again')
}

export async function demandUnavailable(work: Promise<unknown>): Promise<void> {
  let error: unknown
  try {
    await work
  } catch (caught) {
    error = caught
  }
  demand(isL402Error(error, 'NODE_UNAVAILABLE'), 'expected a rejection with NODE_UNAVAILABLE')
}

export async function demandRangeError(work: Promise<unknown>, what: string): Promise<void> {
  let error: unknown
  try {
    await work
  } catch (caught) {
    error = caught
  }
  demand(error instanceof RangeError, `expected a RangeError for ${what}`)
}

/** How long a node that is real may take until what happened can be seen. */
const effectMs = 10_000
const askEveryMs = 20

/** Asks again until the answer is as wanted, in bounded time; gives the last answer. */
async function eventually<Answer>(
  ask: () => Promise<Answer>,
  isWanted: (answer: Answer) => boolean,
): Promise<Answer> {
  const end = performance.now() + effectMs
  for (;;) {
    const answer = await ask()
    if (isWanted(answer) || performance.now() > end) return answer
    await new Promise((resolve) => setTimeout(resolve, askEveryMs))
  }
}

/** What a look-up says once the payment has ended: soon, as its end is on its way. */
export function endOf(payer: Payer, hash: PaymentHash): Promise<PaymentOutcome | undefined> {
  const isOver = (outcome: PaymentOutcome | undefined): boolean => outcome?.status !== 'unknown'
  return eventually(() => payer.lookupPayment(hash), isOver)
}

/** Demands that the balance comes to what it should be: what a failed payment held takes a moment. */
export async function demandBalance(
  balanceMsat: () => Msat | Promise<Msat>,
  expectedMsat: bigint,
  sentence: string,
): Promise<void> {
  const isRight = (is: Msat): boolean => is === expectedMsat
  demand(isRight(await eventually(async () => balanceMsat(), isRight)), sentence)
}

/** An invoice of the payee, read as a payer reads it. */
export async function freshInvoice(payee: Payee, amountMsat: Msat): Promise<Invoice> {
  const request = { amountMsat, description: 'conformance', expirySeconds: 600 }
  const { invoice } = await payee.createInvoice(request)
  return decodeInvoice(invoice)
}

/** Another network than the given one. */
export function otherNetwork(network: Network): Network {
  return network === 'bitcoin' ? 'testnet' : 'bitcoin'
}

/** Without the preimage: the text may end in a log. */
function describe(outcome: PaymentOutcome | undefined): string {
  switch (outcome?.status) {
    case 'settled':
      return `settled ${outcome.amountMsat} msat with fee ${outcome.feeMsat} msat`
    case 'failed':
      return `failed ${outcome.reason}`
    case 'unknown':
      return 'unknown'
    default:
      return 'nothing'
  }
}

export function sameHash(a: PaymentHash, b: PaymentHash): boolean {
  return encodeHex(a) === encodeHex(b)
}
