import { msatToSatCeil, printable } from '../amount/index.ts'
import type { Code, Details } from '../errors.ts'
import { isL402Error, type L402Error } from '../errors.ts'
import { formatChallenge } from '../l402/index.ts'
import type { OpenChallenge } from './challenge-desk.ts'
import { tell } from './events.ts'
import type { HeaderList } from './paid-headers.ts'
import type { Decision, RefusalResponse } from './paywall.ts'
import type { Quote } from './price.ts'
import type { RefusalCode } from './problem.ts'
import { isRefusalCode, refusal, statusOf } from './problem.ts'
import type { Sale, Shop } from './shop.ts'
import { report } from './shop.ts'

/** A sale and what it costs this client now: what a refusal can offer. */
export type Offer = {
  readonly sale: Sale
  readonly quote: Quote
  readonly clientAddress: string | undefined
}

type Refused = Extract<Decision, { status: 'refused' }>

/** When a client should come back to a dependency that is down. */
const retryAfterSeconds = 5

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
    const challenge = await offerChallenge(shop, code, offer)
    return tellRefused(shop, error, capability, challengeResponse(shop, code, offer, challenge))
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

function plain(shop: Shop, code: RefusalCode, details: Details): RefusalResponse {
  return refusal(code, shop.cors, { headers: headersOf(code, details) })
}

function headersOf(code: RefusalCode, details: Details): HeaderList {
  switch (statusOf(code)) {
    case 401:
      return [['WWW-Authenticate', 'L402']]
    case 405:
      return [['Allow', String(details['allow'])]]
    case 429:
      return [['Retry-After', String(details['retryAfterSeconds'])]]
    case 503:
      return [['Retry-After', String(retryAfterSeconds)]]
    default:
      return []
  }
}

async function offerChallenge(shop: Shop, code: Code, offer: Offer): Promise<OpenChallenge> {
  shop.watch()
  const { sale, quote, clientAddress } = offer
  const { challenge, reused } = await shop.desk.ask({ ...sale, ...quote, clientAddress })
  const event = {
    capability: sale.capability,
    amountMsat: challenge.amountMsat,
    paymentHash: challenge.paymentHash,
    code,
    reused,
  }
  tell(shop.on.challenge, printable(event))
  return challenge
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
  return refusal(code, shop.cors, {
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
): Refused {
  tell(shop.on.refused, {
    capability,
    status: response.status,
    code: publicCode(error),
    cause: error.code,
    details: error.details,
  })
  return { status: 'refused', response }
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
