import { msatToSatCeil, printable } from '../amount/index.ts'
import type { Code, Details } from '../errors.ts'
import { isL402Error, type L402Error } from '../errors.ts'
import { formatChallenge } from '../l402/index.ts'
import type { OpenChallenge } from './challenge-desk.ts'
import { tell } from './events.ts'
import type { HeaderList } from './paid-headers.ts'
import type { Decision, Refusal, RefusalResponse } from './paywall.ts'
import type { Quote } from './price.ts'
import type { RefusalCode } from './problem.ts'
import { isRefusalCode, problemResponse, statusOf } from './problem.ts'
import type { Sale, Shop } from './shop.ts'
import { report } from './shop.ts'

/** A sale and what it costs this client now: what a refusal can offer. */
export type Offer = {
  readonly sale: Sale
  readonly quote: Quote
  readonly clientAddress: string | undefined
}

type Refused = Extract<Decision, { status: 'refused' }>

/**
 * Refuses a request: with a challenge where paying would help, without one where it would not.
 *
 * @param offer - `undefined` where the refusal came before the price was known: then no challenge.
 * @spec server.md R-SRV-5 to R-SRV-9, R-SRV-22
 */
export async function refuse(
  shop: Shop,
  error: L402Error,
  capability: string | undefined,
  offer: Offer | undefined,
): Promise<Refused> {
  const code = publicCode(error)
  reportFailure(shop, error)
  const status = statusOf(code)
  const payable = status === 402 || (status === 401 && shop.invalidCredential === 402)
  if (!payable || offer === undefined)
    return tellRefused(shop, error, capability, plain(shop, code, error.details))

  try {
    const { challenge, reused } = await offerChallenge(shop, code, offer)
    const response = challengeResponse(shop, code, offer, challenge)
    const { paymentHash, amountMsat } = challenge
    return tellRefused(shop, error, capability, response, { paymentHash, amountMsat, reused })
  } catch (failure) {
    if (!isL402Error(failure)) throw failure
    reportFailure(shop, failure)
    const response = plain(shop, publicCode(failure), failure.details)
    return tellRefused(shop, failure, capability, response)
  }
}

/**
 * What a client is told. Every way in which a credential can be invalid is one code: whoever forges
 * learns nothing from the answer.
 *
 * @spec server.md R-SRV-22
 */
function publicCode(error: L402Error): RefusalCode {
  return isRefusalCode(error.code) ? error.code : 'CREDENTIAL_REFUSED'
}

/**
 * Lets a refusal pass in a dry run: what a client could have done something about by paying, or by
 * another credential.
 *
 * @returns `undefined` for what is refused all the same: nobody knows what the request is, or a
 *   dependency is down.
 * @spec server.md R-SRV-67
 */
export function waive(error: L402Error, capability: string): Refusal | undefined {
  const code = publicCode(error)
  const status = statusOf(code)
  if (status !== 401 && status !== 402 && status !== 403) return undefined
  return { status, code, cause: error.code, capability, challenge: undefined }
}

function plain(shop: Shop, code: RefusalCode, details: Details): RefusalResponse {
  return problemResponse(code, { cors: shop.cors, details })
}

async function offerChallenge(
  shop: Shop,
  code: Code,
  offer: Offer,
): Promise<{ readonly challenge: OpenChallenge; readonly reused: boolean }> {
  shop.watch()
  const { sale, quote, clientAddress } = offer
  const { challenge, reused } = await shop.desk.ask({ ...sale, ...quote, clientAddress })
  const event = {
    capability: sale.capability,
    amountMsat: challenge.amountMsat,
    paymentHash: challenge.paymentHash,
    code,
    reused,
    expiresAtSeconds: challenge.expiresAtSeconds,
  }
  tell(shop.on.challenge, printable(event))
  return { challenge, reused }
}

/** @spec server.md R-SRV-8, R-SRV-9 */
function challengeResponse(
  shop: Shop,
  code: RefusalCode,
  { sale }: Offer,
  challenge: OpenChallenge,
): RefusalResponse {
  const { token, invoice, amountMsat } = challenge
  const price = Number(msatToSatCeil(amountMsat))
  return problemResponse(code, {
    cors: shop.cors,
    payAgain: code !== 'ACCESS_PAYMENT_REQUIRED',
    headers: challengeHeaders(shop, token, invoice),
    members: {
      version: '0',
      token,
      macaroon: token,
      invoice,
      payment_hash: challenge.paymentHash,
      amount_msat: Number(amountMsat),
      // The names under which other clients look for the price, in whole satoshis, rounded up.
      price,
      priceSats: price,
      price_sats: price,
      unit: 'satoshis',
      expires_at: new Date(challenge.expiresAtSeconds * 1000).toISOString(),
      service: shop.service,
      capability: sale.capability,
      lifetime_seconds: sale.lifetimeSeconds,
      ...(sale.uses === undefined ? {} : { uses: sale.uses }),
      caveats: shop.conditions,
    },
  })
}

function challengeHeaders(shop: Shop, token: string, invoice: string): HeaderList {
  const line = ['WWW-Authenticate', formatChallenge({ token, invoice })] as const
  if (shop.legacyLsat === 'off') return [line]
  const legacy = ['WWW-Authenticate', formatChallenge({ token, invoice, scheme: 'LSAT' })] as const
  return shop.legacyLsat === 'first' ? [legacy, line] : [line, legacy]
}

function tellRefused(
  shop: Shop,
  error: L402Error,
  capability: string | undefined,
  response: RefusalResponse,
  challenge?: Refusal['challenge'],
): Refused {
  const code = publicCode(error)
  const cause = error.code
  const { status } = response
  const refusal: Refusal = { status, code, cause, capability, challenge }
  tell(shop.on.refused, { capability, status, code, cause, details: error.details })
  return { status: 'refused', response, refusal }
}

/** What failed is told with what was thrown there, not with what the client is told. */
function reportFailure(shop: Shop, error: L402Error): void {
  const thrown = error.cause ?? error
  if (error.code === 'NODE_UNAVAILABLE') report(shop.on, 'payee', thrown, error.code)
  if (error.code === 'REQUEST_UNPRICED') report(shop.on, 'price', thrown, error.code)
  if (error.code === 'STORE_UNAVAILABLE') {
    const part = error.details['part'] === 'deny-list' ? 'deny-list' : 'use-store'
    report(shop.on, part, thrown, error.code)
  }
}
