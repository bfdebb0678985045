import type { Msat } from '../amount/index.ts'
import { msat } from '../amount/index.ts'
import { isL402Error, L402Error } from '../errors.ts'
import type { Access, CanonicalTarget, Grant } from '../l402/index.ts'
import { authorize } from '../l402/index.ts'
import type { PaidToken } from './credential-check.ts'
import { tell } from './events.ts'
import { freeHeaders, paidHeaders } from './paid-headers.ts'
import type { Decision, Gate, IncomingRequest, Receipt } from './paywall.ts'
import type { Quote } from './price.ts'
import type { Offer } from './refuse.ts'
import { refuse } from './refuse.ts'
import { screen } from './screen.ts'
import type { Sale, Shop } from './shop.ts'
import { report } from './shop.ts'
import type { CostedLimit } from './store.ts'

type Admitted = Extract<Decision, { status: 'admitted' }>
type Finish = Admitted['finish']

/** Makes the gate of one sale. */
export function createGate(shop: Shop, sale: Sale): Gate {
  return async (request) => {
    const screening = screen(shop, request)
    const screened = screening instanceof Promise ? await screening : screening
    if (screened.decision !== undefined) return screened.decision
    return decide(shop, sale, request, screened.method, screened.target)
  }
}

/**
 * Decides one request for one sale, after it was screened. In this order: price, credential,
 * signature and payment, caveats, revocation, uses.
 *
 * @param method - Upper case; GET for HEAD.
 * @spec server.md R-SRV-5, R-SRV-14, R-SRV-23 to R-SRV-29
 */
export async function decide(
  shop: Shop,
  sale: Sale,
  request: IncomingRequest,
  method: string,
  target: CanonicalTarget,
): Promise<Decision> {
  let offer: Offer | undefined
  try {
    const pricing = sale.pricer(request, method, target)
    const quote = pricing instanceof Promise ? await pricing : pricing
    if (quote === undefined) return admitted(shop, sale.capability, undefined, doNothing)

    offer = { sale, ...quote, clientAddress: request.clientAddress }
    const tokens = shop.credentials.check(request)
    if (tokens === undefined) throw new L402Error('ACCESS_PAYMENT_REQUIRED')
    const access = accessOf(shop, sale, request, method, target, quote)
    return await admitAny(shop, sale, tokens, access, request, quote)
  } catch (error) {
    if (!isL402Error(error)) throw error
    return refuse(shop, error, sale.capability, offer)
  }
}

/** Admits by the first token that allows the request. @throws {L402Error} the first token's refusal. */
async function admitAny(
  shop: Shop,
  sale: Sale,
  tokens: readonly PaidToken[],
  access: Access,
  request: IncomingRequest,
  quote: Quote,
): Promise<Decision> {
  let first: L402Error | undefined
  for (const token of tokens) {
    try {
      const granting = grantOf(token, access, request)
      const grant = granting instanceof Promise ? await granting : granting
      const finish = await takeUse(shop, token, grant, quote.priceMsat)
      return admitted(shop, sale.capability, receiptOf(token, grant), finish)
    } catch (error) {
      // A store that is down says nothing about the token: no other token makes up for it.
      if (!isL402Error(error) || error.code === 'STORE_UNAVAILABLE') throw error
      first ??= error
    }
  }
  throw first ?? new L402Error('CREDENTIAL_REFUSED')
}

function accessOf(
  shop: Shop,
  sale: Sale,
  request: IncomingRequest,
  method: string,
  target: CanonicalTarget,
  { priceMsat, scope }: Quote,
): Access {
  const origins = request.headerLines('origin')
  return {
    tier: sale.tier,
    capability: sale.capability,
    method,
    target,
    nowSeconds: shop.now(),
    priceMsat: lessGrace(priceMsat, shop.priceGracePercent),
    scope,
    clientAddress: request.clientAddress,
    origin: origins.length === 1 ? origins[0] : undefined,
    bodySha256: undefined,
  }
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
function grantOf(
  { terms }: PaidToken,
  access: Access,
  request: IncomingRequest,
): Grant | Promise<Grant> {
  if (isL402Error(terms)) throw terms
  try {
    return authorize(terms, access)
  } catch (error) {
    const { bodySha256 } = request
    const wantsBody = isL402Error(error, 'CAVEAT_NOT_MET') && error.details['reason'] === 'body'
    if (!wantsBody || bodySha256 === undefined) throw error
    return bodySha256().then(
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
async function takeUse(
  shop: Shop,
  token: PaidToken,
  grant: Grant,
  priceMsat: Msat,
): Promise<Finish> {
  if (await isDenied(shop, token, grant)) throw new L402Error('ACCESS_REVOKED')
  if (grant.limits.length === 0) return doNothing

  const reservation = await reserve(shop, token, grant, priceMsat)
  if ('reserved' in reservation) return finishOnce(shop, reservation.reserved)
  const { unit, setBy } = reservation.exhausted
  if (setBy === 'purchase') throw new L402Error('ACCESS_USED_UP')
  throw new L402Error('CAVEAT_NOT_MET', { reason: unit === 'use' ? 'uses' : 'spending' })
}

async function isDenied(shop: Shop, token: PaidToken, grant: Grant): Promise<boolean> {
  const { paymentHash, tokenId } = token
  try {
    const answer = shop.denyList?.isDenied({
      paymentHash,
      tokenId,
      delegationIds: grant.delegationIds,
    })
    return (answer instanceof Promise ? await answer : answer) ?? false
  } catch (error) {
    throw new L402Error('STORE_UNAVAILABLE', { part: 'deny-list' }, error)
  }
}

async function reserve(
  shop: Shop,
  token: PaidToken,
  grant: Grant,
  priceMsat: Msat,
): ReturnType<Shop['uses']['reserve']> {
  const limits = grant.limits.map(
    (limit): CostedLimit => ({ ...limit, cost: limit.unit === 'use' ? 1n : priceMsat }),
  )
  try {
    return await shop.uses.reserve(limits, token.soldUntilSeconds, token.paymentHash)
  } catch (error) {
    throw new L402Error('STORE_UNAVAILABLE', { part: 'use-store' }, error)
  }
}

/** @spec server.md R-SRV-43, R-SRV-44 */
function finishOnce(shop: Shop, reserved: string): Finish {
  let open = true
  return async (status) => {
    if (!open) return
    open = false
    try {
      if (status !== undefined && status < 500) await shop.uses.commit(reserved)
      else await shop.uses.release(reserved)
    } catch (error) {
      // The use stays set aside: nobody gets one for nothing because a store was away.
      report(shop.on, 'use-store', error, 'STORE_UNAVAILABLE')
    }
  }
}

function admitted(
  shop: Shop,
  capability: string,
  receipt: Receipt | undefined,
  finish: Finish,
): Admitted {
  tell(shop.on.admitted, { capability, receipt })
  const headers = receipt === undefined ? freeHeaders : paidHeaders
  return {
    status: 'admitted',
    receipt,
    responseHeaders: (current) => headers(current, shop.cors),
    finish,
  }
}

function receiptOf({ tokenId, paymentHash }: PaidToken, grant: Grant): Receipt {
  return {
    tokenId,
    paymentHash,
    amountMsat: grant.amountMsat,
    service: grant.service,
    capability: grant.capability,
    tier: grant.tier,
    validUntilSeconds: grant.validUntilSeconds,
  }
}

const done = Promise.resolve()

/** Ends what was never set aside. */
function doNothing(): Promise<void> {
  return done
}
