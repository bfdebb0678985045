import type { Msat } from '../amount/index.ts'
import { msat, toDigits } from '../amount/index.ts'
import { isL402Error, L402Error } from '../errors.ts'
import type { Access, CanonicalTarget, Grant } from '../l402/index.ts'
import { authorize } from '../l402/index.ts'
import type { PaidToken } from './credential-check.ts'
import { within } from './deadline.ts'
import { tell } from './events.ts'
import { markGate } from './gate-mark.ts'
import { freeHeaders, paidHeaders } from './paid-headers.ts'
import type { Decision, Gate, IncomingRequest, Receipt } from './paywall.ts'
import type { Quote } from './price.ts'
import type { Offer } from './refuse.ts'
import { refuse, waive } from './refuse.ts'
import { screen } from './screen.ts'
import type { Sale, Shop } from './shop.ts'
import { report } from './shop.ts'
import type { CostedLimit, UseStore } from './store.ts'

type Admitted = Extract<Decision, { status: 'admitted' }>
type Finish = Admitted['finish']
type Reservation = Awaited<ReturnType<UseStore['reserve']>>
/** Nearly every request is decided without waiting for anything; then no promise is made either. */
type Eventual<T> = T | Promise<T>

/** Makes the gate of one sale. */
export function createGate(shop: Shop, sale: Sale): Gate {
  return markGate(async (request) => {
    const screening = screen(shop, request)
    const screened = screening instanceof Promise ? await screening : screening
    if (screened.decision !== undefined) return screened.decision
    return decide(shop, sale, request, screened.method, screened.target, undefined)
  })
}

/**
 * Decides one request for one sale, after it was screened. In this order: price, credential,
 * signature and payment, caveats, revocation, uses.
 *
 * @param method - Upper case; GET for HEAD.
 * @param route - The key in the route table, if there is one.
 * @spec server.md R-SRV-5, R-SRV-14, R-SRV-23 to R-SRV-29, R-SRV-66, R-SRV-67
 */
export function decide(
  shop: Shop,
  sale: Sale,
  request: IncomingRequest,
  method: string,
  target: CanonicalTarget,
  route: string | undefined,
): Eventual<Decision> {
  let offer: Offer | undefined
  const decideAt = (quote: Quote | undefined): Eventual<Decision> => {
    const origins = request.headerLines('origin')
    const isCrossOrigin = shop.cors && origins.length > 0
    const admit = (receipt: Receipt | undefined, finish: Finish): Admitted =>
      admitted(shop, sale, isCrossOrigin, receipt, finish, route, target)
    if (quote === undefined) return admit(undefined, doNothing)
    offer = { sale, quote, clientAddress: request.clientAddress }
    const tokens = shop.credentials.check(request)
    if (tokens === undefined) {
      return next(isAllowed(sale, request), (allowed) => {
        if (allowed) return admit(undefined, doNothing)
        throw new L402Error('ACCESS_PAYMENT_REQUIRED')
      })
    }
    const access: Access = {
      tier: sale.tier,
      capability: sale.capability,
      method,
      target,
      nowSeconds: shop.now(),
      priceMsat: lessGrace(quote.leastMsat, shop.priceGracePercent),
      scope: quote.scope,
      clientAddress: request.clientAddress,
      origin: origins.length === 1 ? origins[0] : undefined,
      bodySha256: undefined,
    }
    const admitBy = (token: PaidToken): Eventual<Decision> =>
      next(grantOf(token, access, request), (grant) =>
        next(takeUse(shop, token, grant, quote.priceMsat), (finish) =>
          admit(new PaidReceipt(token, grant), finish),
        ),
      )
    return tokens.length === 1 ? admitBy(tokens[0]!) : admitByAny(tokens, admitBy)
  }
  const refuseFor = (error: unknown): Eventual<Decision> => {
    if (!isL402Error(error)) throw error
    const waived = shop.dryRun ? waive(error, sale.capability) : undefined
    if (waived === undefined) return refuse(shop, error, sale.capability, offer)
    return { ...admitted(shop, sale, false, undefined, doNothing, route, target), waived }
  }
  try {
    const decision = next(sale.pricer(request, method, target), decideAt)
    return decision instanceof Promise ? decision.catch(refuseFor) : decision
  } catch (error) {
    return refuseFor(error)
  }
}

/**
 * Whether a request without a credential is let through free.
 *
 * @throws {L402Error} STORE_UNAVAILABLE where that cannot be told.
 */
function isAllowed({ allowance }: Sale, request: IncomingRequest): Eventual<boolean> {
  if (allowance === undefined) return false
  const fail = (error: unknown): never => {
    throw new L402Error('STORE_UNAVAILABLE', { part: 'allowance' }, error)
  }
  try {
    const answer = allowance(request)
    return answer instanceof Promise
      ? answer.then((value) => value === true, fail)
      : answer === true
  } catch (error) {
    return fail(error)
  }
}

/** Goes on with a value: at once, or when it is there. */
function next<Value, Result>(
  value: Eventual<Value>,
  go: (value: Value) => Eventual<Result>,
): Eventual<Result> {
  return value instanceof Promise ? value.then(go) : go(value)
}

/**
 * Admits by the first token that allows the request.
 *
 * @throws {L402Error} the first token's refusal.
 * @spec server.md R-SRV-23
 */
async function admitByAny(
  tokens: readonly PaidToken[],
  admit: (token: PaidToken) => Eventual<Decision>,
): Promise<Decision> {
  let first: L402Error | undefined
  for (const token of tokens) {
    try {
      return await admit(token)
    } catch (error) {
      // A store that is down says nothing about the token: no other token makes up for it.
      if (!isL402Error(error) || error.code === 'STORE_UNAVAILABLE') throw error
      first ??= error
    }
  }
  throw first ?? new L402Error('CREDENTIAL_REFUSED')
}

/** The least that a token may have been sold for, rounded up to a msat. */
function lessGrace(priceMsat: Msat, gracePercent: number): Msat {
  if (gracePercent === 0) return priceMsat
  const keptMillionths = BigInt(Math.round((100 - gracePercent) * 10_000))
  return msat((priceMsat * keptMillionths + 999_999n) / 1_000_000n)
}

/**
 * What a token allows. The body is read only for a token that asks for its digest.
 *
 * @throws {L402Error} ACCESS_*, CAVEAT_*
 */
function grantOf({ terms }: PaidToken, access: Access, request: IncomingRequest): Eventual<Grant> {
  if (isL402Error(terms)) throw terms
  try {
    return authorize(terms, access)
  } catch (error) {
    const wantsBody = isL402Error(error, 'CAVEAT_NOT_MET') && error.details['reason'] === 'body'
    if (!wantsBody || request.bodySha256 === undefined) throw error
    return request.bodySha256().then(
      (digest) => authorize(terms, { ...access, bodySha256: digest }),
      () => {
        throw error
      },
    )
  }
}

/**
 * Asks the deny list, and sets one use aside where the token is limited.
 *
 * @returns What ends the reservation.
 * @throws {L402Error} ACCESS_REVOKED, ACCESS_USED_UP, CAVEAT_NOT_MET, STORE_UNAVAILABLE
 * @spec server.md R-SRV-26 to R-SRV-29
 */
function takeUse(shop: Shop, token: PaidToken, grant: Grant, priceMsat: Msat): Eventual<Finish> {
  return next(isDenied(shop, token, grant), (denied) => {
    if (denied) throw new L402Error('ACCESS_REVOKED')
    return grant.limits.length === 0 ? doNothing : reserve(shop, token, grant, priceMsat)
  })
}

function isDenied(shop: Shop, token: PaidToken, grant: Grant): Eventual<boolean> {
  if (shop.denyList === undefined) return false
  const { paymentHash, tokenId } = token
  const { delegationIds } = grant
  const fail = (error: unknown): never => {
    throw new L402Error('STORE_UNAVAILABLE', { part: 'deny-list' }, error)
  }
  try {
    const answer = shop.denyList.isDenied({ paymentHash, tokenId, delegationIds })
    return typeof answer === 'boolean'
      ? answer
      : within(shop.storeTimeoutMs, Promise.resolve(answer)).then(requireBoolean).catch(fail)
  } catch (error) {
    return fail(error)
  }
}

/** A forgotten `return` admits nobody. */
function requireBoolean(answer: boolean): boolean {
  if (typeof answer === 'boolean') return answer
  throw new TypeError('isDenied: expected true or false')
}

/** @throws {L402Error} ACCESS_USED_UP, CAVEAT_NOT_MET, STORE_UNAVAILABLE */
async function reserve(
  shop: Shop,
  token: PaidToken,
  grant: Grant,
  priceMsat: Msat,
): Promise<Finish> {
  const costed = grant.limits.map(
    (limit): CostedLimit => ({ ...limit, cost: limit.unit === 'use' ? 1n : priceMsat }),
  )
  const { soldUntilSeconds, paymentHash } = token
  let reservation: Reservation
  try {
    const asked = Promise.resolve(shop.uses.reserve(costed, soldUntilSeconds, paymentHash))
    reservation = await within(shop.storeTimeoutMs, asked, (late) => giveBack(shop, late))
  } catch (error) {
    throw new L402Error('STORE_UNAVAILABLE', { part: 'use-store' }, error)
  }
  if ('reserved' in reservation) return finishOnce(shop, reservation.reserved)

  const { unit, setBy } = reservation.exhausted
  if (setBy === 'purchase') throw new L402Error('ACCESS_USED_UP')
  throw new L402Error('CAVEAT_NOT_MET', { reason: unit === 'use' ? 'uses' : 'spending' })
}

/** Nobody was served for a reservation that came too late. */
function giveBack(shop: Shop, reservation: Reservation): void {
  if ('reserved' in reservation) void finishOnce(shop, reservation.reserved)(undefined)
}

/** @spec server.md R-SRV-43, R-SRV-44 */
function finishOnce(shop: Shop, reserved: string): Finish {
  let open = true
  return async (status) => {
    if (!open) return
    open = false
    try {
      const isCommit = status !== undefined && status < 500
      const ending = isCommit ? shop.uses.commit(reserved) : shop.uses.release(reserved)
      await within(shop.storeTimeoutMs, Promise.resolve(ending))
    } catch (error) {
      // The use stays set aside: nobody gets one for nothing because a store was away.
      report(shop.on, 'use-store', error, 'STORE_UNAVAILABLE')
    }
  }
}

function admitted(
  shop: Shop,
  { capability }: Sale,
  isCrossOrigin: boolean,
  receipt: Receipt | undefined,
  finish: Finish,
  route: string | undefined,
  target: CanonicalTarget,
): Admitted {
  tell(shop.on.admitted, { capability, receipt })
  return {
    status: 'admitted',
    route,
    target,
    waived: undefined,
    receipt,
    responseHeaders: (current) =>
      receipt === undefined
        ? freeHeaders(current, isCrossOrigin)
        : paidHeaders(current, shop.cors, isCrossOrigin),
    isCounted: finish !== doNothing,
    finish,
  }
}

/** A class, so that every receipt can be written as JSON and none of them pays for it. */
class PaidReceipt implements Receipt {
  readonly tokenId: string
  readonly paymentHash: string
  readonly amountMsat: Msat
  readonly service: string
  readonly capability: string
  readonly tier: number
  readonly validUntilSeconds: number
  readonly soldUntilSeconds: number

  constructor({ tokenId, paymentHash, soldUntilSeconds }: PaidToken, grant: Grant) {
    this.tokenId = tokenId
    this.paymentHash = paymentHash
    this.amountMsat = grant.amountMsat
    this.service = grant.service
    this.capability = grant.capability
    this.tier = grant.tier
    this.validUntilSeconds = grant.validUntilSeconds
    this.soldUntilSeconds = soldUntilSeconds
  }

  toJSON(): Readonly<Record<string, unknown>> {
    return toDigits.call(this)
  }
}

const done = Promise.resolve()

/** Ends what was never set aside. */
function doNothing(): Promise<void> {
  return done
}
