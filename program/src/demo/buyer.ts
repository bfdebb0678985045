import type { Msat } from 'satway'
import {
  decodeIdentifier,
  formatMsat,
  parseAmount,
  parseChallenges,
  parseCredential,
  provesPayment,
} from 'satway'
import type { Client } from 'satway/client'
import { createClient } from 'satway/client'
import type { Payer } from 'satway/lightning'
import { decodeToken } from 'satway/macaroon'
import { Failure } from '../cli/failure.ts'
import { readInvoice } from '../decode/invoice-facts.ts'
import { macaroonFacts } from '../decode/macaroon-facts.ts'
import { fingerprint, hex, relativeTime } from '../decode/notation.ts'
import type { Check, Credential, DemoEvent } from './events.ts'

type Tell = (event: DemoEvent) => void

const limits = { maxPaymentMsat: '20 sat', maxTotalMsat: '1000 sat' } as const

/** A buyer with limits on what it pays. */
export function createBuyer(payer: Payer): Client {
  return createClient({ payer, policy: limits })
}

/**
 * The same, and every step of it is told. It does nothing of its own: it watches what the client
 * sends, receives and pays.
 */
export function createWatchedBuyer(payer: Payer, sample: string, tell: Tell): Client {
  const watch = new Watch(payer, sample, tell)
  return createClient({
    policy: limits,
    fetch: (url, init) => watch.fetch(url, init),
    payer: {
      ...payer,
      pay: (invoice, limits) => watch.pay(invoice, limits),
      lookupPayment: (hash, signal) => payer.lookupPayment(hash, signal),
    },
  })
}

/** What was asked for last, so that the checks can be told just before the payment. */
class Watch {
  readonly #payer: Payer
  readonly #sample: string
  readonly #tell: Tell
  #challenge: { readonly token: string; readonly invoice: string } | undefined

  constructor(payer: Payer, sample: string, tell: Tell) {
    this.#payer = payer
    this.#sample = sample
    this.#tell = tell
  }

  async fetch(url: string, init: RequestInit): Promise<Response> {
    const authorization = new Headers(init.headers).get('authorization')
    this.#tell({
      event: 'request',
      method: init.method ?? 'GET',
      url,
      sample: this.#sample,
      ...(authorization !== null && { credential: nameSecrets(authorization) }),
    })
    const started = performance.now()
    const response = await fetch(url, init)
    this.#tell({ event: 'response', status: response.status, ms: since(started) })
    if (response.status === 402) this.#tellChallenge(response)
    return response
  }

  pay: Payer['pay'] = async (invoice, { maxFeeMsat, signal }) => {
    this.#tell({ event: 'checks', checks: this.#checks(maxFeeMsat) })
    const started = performance.now()
    const outcome = await this.#payer.pay(invoice, {
      maxFeeMsat,
      ...(signal !== undefined && { signal }),
    })
    if (outcome.status !== 'settled') return outcome
    const { amountMsat, feeMsat, preimage } = outcome
    this.#tell({
      event: 'payment',
      amountMsat,
      feeMsat,
      ms: since(started),
      paymentHash: hex(invoice.paymentHash),
      preimage: fingerprint(preimage),
      proven: provesPayment(preimage, invoice.paymentHash),
    })
    return outcome
  }

  #tellChallenge(response: Response): void {
    const [reading] = parseChallenges([response.headers.get('www-authenticate') ?? ''])
    if (reading === undefined || 'error' in reading) return
    this.#challenge = reading
    const nowSeconds = Math.floor(Date.now() / 1000)
    this.#tell({
      event: 'challenge',
      token: macaroonFacts(decodeToken(reading.token), false),
      invoice: readInvoice(reading.invoice, nowSeconds).facts,
      nowSeconds,
    })
  }

  /** What the client has just checked, in words, from the same challenge. */
  #checks(maxFeeMsat: Msat): readonly Check[] {
    if (this.#challenge === undefined) {
      throw new Failure('The buyer was about to pay without a challenge.')
    }
    const nowSeconds = Math.floor(Date.now() / 1000)
    const { facts, fault, invoice } = readInvoice(this.#challenge.invoice, nowSeconds)
    const { paymentHash } = decodeIdentifier(decodeToken(this.#challenge.token).identifier)
    const amountMsat = invoice.amountMsat ?? parseAmount('0 sat')
    const most = parseAmount(limits.maxPaymentMsat)
    return [
      {
        ok: fault === undefined,
        what: `The invoice is well formed, and its signature is that of node ${facts.payee?.slice(0, 16)}…`,
      },
      {
        ok: facts.network === this.#payer.network,
        what: `It is for ${facts.network}, the network of the buyer’s wallet.`,
      },
      {
        ok: hex(paymentHash) === facts.paymentHash,
        what: 'The token commits to its payment hash: paying this invoice buys this token.',
      },
      {
        ok: amountMsat > 0n && amountMsat + maxFeeMsat <= most,
        what:
          `It costs ${formatMsat(amountMsat)} and at most ${formatMsat(maxFeeMsat)} for the route; ` +
          `the buyer allows ${limits.maxPaymentMsat} a call.`,
      },
      {
        ok: !facts.expired,
        what: `It expires ${relativeTime(Date.parse(facts.expiresAt) / 1000, nowSeconds)}.`,
      },
    ]
  }
}

function nameSecrets(authorization: string): Credential {
  const credential = parseCredential([authorization])
  if (credential === undefined) throw new Failure('The buyer sent something that is no credential.')
  const token = decodeToken(credential.tokens[0] ?? '')
  return {
    token: fingerprint(token.signature),
    preimage: fingerprint(credential.preimage),
    caveats: macaroonFacts(token, false).caveats.map(({ text }) => text),
  }
}

function since(started: number): number {
  return Math.round(performance.now() - started)
}
