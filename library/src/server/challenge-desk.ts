import type { Msat } from '../amount/index.ts'
import { encodeHex } from '../bytes/index.ts'
import { isL402Error, L402Error } from '../errors.ts'
import type { UnverifiedInvoice } from '../invoice/index.ts'
import { decodeInvoiceUnverified, expiresAtSeconds } from '../invoice/index.ts'
import { encodeIdentifier, purchaseCaveats } from '../l402/index.ts'
import type { Payee } from '../lightning/index.ts'
import { encodeToken, mint } from '../macaroon/index.ts'
import { clientSite } from './client-network.ts'
import type { IssuanceGate } from './issuance-gate.ts'
import type { IssuanceLimit } from './issuance-limit.ts'
import type { KeyRing } from './key-ring.ts'
import { RecentMap } from './recent-map.ts'

/** What is asked for: everything that the token will be bound to. */
export type Order = {
  readonly capability: string
  readonly tier: number
  readonly uses: number | undefined
  readonly lifetimeSeconds: number
  readonly description: string
  readonly priceMsat: Msat
  readonly scope: string | undefined
  readonly clientAddress: string | undefined
}

/** A challenge that can still be paid. Lives in memory only, and only so that it is handed out again. */
export type OpenChallenge = {
  readonly token: string
  readonly invoice: string
  /** 32 bytes in hex. */
  readonly paymentHash: string
  readonly capability: string
  readonly amountMsat: Msat
  readonly issuedAtSeconds: number
  /** The first second at which the invoice can no longer be paid. */
  readonly expiresAtSeconds: number
}

type DeskOptions = {
  readonly service: string
  readonly payee: Payee
  readonly keys: KeyRing
  readonly challengeSeconds: number
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly limit: IssuanceLimit
  readonly gate: IssuanceGate
}

/** Open challenges remembered at a time, over all clients. */
const maxOpen = 10_000
/** An open challenge is handed out again while more than this part of its life is left. */
const leastLifeLeft = 1 / 5

/**
 * Issues challenges, and hands an open one out again to the client that it was made for.
 *
 * @spec server.md R-SRV-30 to R-SRV-37
 */
export class ChallengeDesk {
  readonly #options: DeskOptions
  /** By client and what is sold: what is handed out again. */
  readonly #open = new RecentMap<OpenChallenge>(maxOpen)
  /** By payment hash, whoever asked for it. */
  readonly #issued = new RecentMap<{ readonly challenge: OpenChallenge; readonly key: string }>(
    maxOpen,
  )
  /** Challenges being made, so that a client that asks twice at once gets one. */
  readonly #making = new Map<string, Promise<OpenChallenge>>()

  constructor(options: DeskOptions) {
    this.#options = options
  }

  /**
   * @throws {L402Error} REQUEST_RATE_LIMITED with `retryAfterSeconds`, REQUEST_OVERLOADED,
   *   NODE_UNAVAILABLE.
   */
  async ask(
    order: Order,
  ): Promise<{ readonly challenge: OpenChallenge; readonly reused: boolean }> {
    // Of two clients behind one address, one would use up what the other has paid for: the preimage
    // is known along the route of the payment, and the token to both. So it is made anew each time,
    // as it is where nobody knows whose challenge it would be.
    if (order.uses !== undefined || order.clientAddress === undefined) {
      return { challenge: await this.#issue(order, ''), reused: false }
    }
    const key = keyOf(order, order.clientAddress)
    const open = this.#open.get(key)
    if (open !== undefined && this.#isFresh(open)) return { challenge: open, reused: true }
    const underWay = this.#making.get(key)
    if (underWay !== undefined) return { challenge: await underWay, reused: true }

    const making = this.#issue(order, key).finally(() => this.#making.delete(key))
    this.#making.set(key, making)
    const challenge = await making
    this.#open.set(key, challenge)
    return { challenge, reused: false }
  }

  /** Stops handing out a challenge whose payment has been made. @returns What it was, if known. */
  paid(paymentHash: string): OpenChallenge | undefined {
    const issued = this.#issued.get(paymentHash)
    if (issued === undefined) return undefined
    const open = this.#open.get(issued.key)
    if (open?.paymentHash === paymentHash) this.#open.delete(issued.key)
    return issued.challenge
  }

  /** Stops handing out every challenge: whether they were paid is no longer known. */
  forget(): void {
    this.#open.clear()
  }

  #isFresh({ issuedAtSeconds, expiresAtSeconds: end }: OpenChallenge): boolean {
    const now = this.#options.now()
    return now >= issuedAtSeconds && end - now >= (end - issuedAtSeconds) * leastLifeLeft
  }

  async #issue(order: Order, key: string): Promise<OpenChallenge> {
    const { gate, limit, now } = this.#options
    const retryAfterSeconds = limit.take(order.clientAddress, now())
    if (retryAfterSeconds > 0) throw new L402Error('REQUEST_RATE_LIMITED', { retryAfterSeconds })
    // Invoice first: a token whose invoice failed would be a promise nobody can keep.
    const invoice = await gate.run(clientSite(order.clientAddress), (signal) =>
      this.#createInvoice(order, signal),
    )
    const challenge = this.#mint(order, invoice)
    // One payment would open both tokens.
    if (this.#issued.get(challenge.paymentHash) !== undefined) throw unusable('used before')
    this.#issued.set(challenge.paymentHash, { challenge, key })
    return challenge
  }

  async #createInvoice(order: Order, signal: AbortSignal): Promise<UnverifiedInvoice> {
    const { payee, challengeSeconds } = this.#options
    try {
      const { invoice } = await payee.createInvoice({
        amountMsat: order.priceMsat,
        description: order.description,
        expirySeconds: challengeSeconds,
        signal,
      })
      return this.#checked(decodeInvoiceUnverified(invoice), order)
    } catch (error) {
      if (isL402Error(error, 'NODE_UNAVAILABLE')) throw error
      throw new L402Error('NODE_UNAVAILABLE', { reason: 'no usable invoice' }, error)
    }
  }

  /** The payee is ours and not trusted: a wrong invoice would be sold with a token. */
  #checked(invoice: UnverifiedInvoice, order: Order): UnverifiedInvoice {
    const { payee, now } = this.#options
    if (invoice.amountMsat !== order.priceMsat) throw unusable('another amount')
    if (invoice.network !== payee.network) throw unusable('another network')
    if (expiresAtSeconds(invoice) <= now()) throw unusable('expired')
    // One payment would open both tokens.
    if (this.#issued.get(encodeHex(invoice.paymentHash)) !== undefined)
      throw unusable('used before')
    return invoice
  }

  #mint(order: Order, invoice: UnverifiedInvoice): OpenChallenge {
    const { service, keys, now, random } = this.#options
    const tokenId = random(32).slice()
    tokenId[0] = keys.newestKid
    const identifier = encodeIdentifier({ paymentHash: invoice.paymentHash, tokenId })
    const rootKey = keys.rootKey(identifier)
    if (rootKey === undefined) throw new TypeError('keys: the newest key is not in the ring')

    const end = expiresAtSeconds(invoice)
    const caveats = purchaseCaveats({
      service,
      tier: order.tier,
      capability: order.capability,
      // Whoever pays in the last second still gets the whole time that was sold.
      validUntilSeconds: end + order.lifetimeSeconds,
      amountMsat: order.priceMsat,
      ...(order.uses === undefined ? {} : { uses: order.uses }),
      ...(order.scope === undefined ? {} : { scope: order.scope }),
    })
    return {
      token: encodeToken(mint({ rootKey, identifier, location: service, caveats })),
      invoice: invoice.text,
      paymentHash: encodeHex(invoice.paymentHash),
      capability: order.capability,
      amountMsat: order.priceMsat,
      issuedAtSeconds: now(),
      expiresAtSeconds: end,
    }
  }
}

/** For whom and what a challenge is handed out again. */
function keyOf({ capability, priceMsat, scope = '' }: Order, clientAddress: string): string {
  return `${capability} ${priceMsat} ${scope} ${clientAddress}`
}

function unusable(reason: string): L402Error {
  return new L402Error('NODE_UNAVAILABLE', { reason: `the payee's invoice: ${reason}` })
}
