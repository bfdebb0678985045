import type { Msat } from '../../amount/index.ts'
import { nearestMsat } from '../../amount/index.ts'
import { encodeHex, encodeUtf8, equalBytes, sha256 } from '../../bytes/index.ts'
import type { PaymentHash, UnverifiedInvoice } from '../../invoice/index.ts'
import { decodeInvoiceUnverified, expiresAtSeconds, provesPayment } from '../../invoice/index.ts'
import type { Fields, PayeeDriver } from '../adapter/index.ts'
import { refused, unavailable, untilAborted } from '../adapter/index.ts'
import type { InvoiceStatus } from '../index.ts'
import { problemOf } from './address.ts'
import type { PayRequest } from './answers.ts'
import { readPayRequest, readSaid, readUrl, readVerdict } from './answers.ts'
import type { Origins } from './origins.ts'
import { isAtService, templateOf, verifyUrlOf } from './verify-urls.ts'

type ServiceOptions = {
  readonly kind: string
  /** Where the service says what it offers. */
  readonly url: URL
  readonly origins: Origins
  readonly timeoutMs: number
  readonly now: () => number
}

/** An invoice that the service made for this process. */
type Made = {
  readonly verify: URL
  readonly amountMsat: Msat
  readonly expiresAtSeconds: number
  settledAtSeconds: number | undefined
}

/** What the service answered to an order. */
type Ordered = {
  readonly text: string
  readonly verify: unknown
  /** `undefined`: it cannot be read. */
  readonly invoice: UnverifiedInvoice | undefined
}

/** How long what the service offers is taken for granted, in ms. */
const offerMs = 60_000
/** How many invoices are remembered; the oldest are forgotten first. */
const maxMade = 10_000

/** One account at a service that speaks LNURL-pay. */
export class PayService {
  readonly #options: ServiceOptions
  /** By payment hash in hex, oldest first. */
  readonly #made = new Map<string, Made>()
  #offer: { readonly request: PayRequest; readonly untilMs: number } | undefined
  /** With `{hash}` in it. `undefined`: not known yet. `null`: its verify URLs carry no hash. */
  #template: string | null | undefined
  #learning: Promise<void> | undefined

  constructor(options: ServiceOptions) {
    this.#options = options
  }

  readonly create: PayeeDriver['create'] = ({ amountMsat }, signal) =>
    this.#order(amountMsat, signal)

  readonly lookUp: PayeeDriver['lookUp'] = async (hash, signal) => {
    const { kind, origins, now } = this.#options
    const made = this.#made.get(encodeHex(hash))
    const verify = made?.verify ?? (await this.#verifyUrlOf(hash, signal))
    const reply = await origins.get(verify, signal)
    const said = readSaid(reply)
    const verdict = said === undefined ? undefined : readVerdict(said)
    if (verdict === undefined) {
      const isLost = reply.kind !== 'answered'
      throw unavailable(
        kind,
        isLost ? reply.reason : 'its verify URL did not tell about the invoice',
      )
    }
    if (verdict.says === 'not-found') {
      if (made === undefined) return { status: 'not-found' }
      // It made it. Some know of an invoice a moment later.
      return { status: now() >= made.expiresAtSeconds ? 'closed' : 'open' }
    }

    const invoice = verdict.pr === undefined ? undefined : readInvoice(verdict.pr)
    const isOther = invoice !== undefined && !equalBytes(invoice.paymentHash, hash)
    const isForeign =
      verdict.says === 'settled' &&
      verdict.preimage !== undefined &&
      !provesPayment(verdict.preimage, hash)
    if (isOther || isForeign) throw unavailable(kind, 'its verify URL told of another invoice')

    // Without a proof the money may be held, and go back: some services call that settled.
    if (verdict.says === 'settled' && verdict.preimage === undefined) return { status: 'open' }
    const amountMsat = made?.amountMsat ?? invoice?.amountMsat
    if (verdict.says === 'unsettled') {
      const endSeconds = made?.expiresAtSeconds ?? endOf(invoice)
      return { status: endSeconds !== undefined && now() >= endSeconds ? 'closed' : 'open' }
    }
    if (amountMsat === undefined) throw unavailable(kind, 'its verify URL tells no amount')
    return settled(amountMsat, made, now)
  }

  /** What the service offers, as it says at this moment. @throws NODE_UNAVAILABLE */
  async ask(signal: AbortSignal): Promise<PayRequest> {
    const { kind, url } = this.#options
    const fields = await this.#get(url, signal)
    const request = readPayRequest(fields)
    if (request === undefined) {
      throw unavailable(kind, 'there is nobody to be paid there: it did not answer as LUD-06 says')
    }
    const problem = this.#problemOf(request.callback)
    if (problem !== undefined) throw unavailable(kind, `its callback is refused: ${problem}`)
    this.#offer = { request, untilMs: performance.now() + offerMs }
    return request
  }

  /** Has the service make an invoice, and remembers how to ask about it. */
  async #order(amountMsat: Msat, signal: AbortSignal): Promise<string> {
    const offer = this.#offer
    const isFresh = offer !== undefined && performance.now() < offer.untilMs
    const request = isFresh ? offer.request : await this.ask(signal)
    const ordered = await this.#call(request, amountMsat, signal)
    if (!isFresh || isDescribed(ordered.invoice, request)) return this.#take(request, ordered)
    // The service may describe itself anew since it was asked.
    const renewed = await this.ask(signal)
    return this.#take(renewed, await this.#call(renewed, amountMsat, signal))
  }

  async #call(
    { callback, minMsat, maxMsat }: PayRequest,
    amountMsat: Msat,
    signal: AbortSignal,
  ): Promise<Ordered> {
    const { kind } = this.#options
    if (amountMsat < minMsat || amountMsat > maxMsat) {
      throw new RangeError(`amountMsat: the service takes ${minMsat} to ${maxMsat} msat`)
    }
    const url = new URL(callback)
    url.search = `${url.search === '' ? '?' : `${url.search}&`}amount=${amountMsat}`
    const { pr: text, verify } = await this.#get(url, signal)
    if (typeof text !== 'string') throw unavailable(kind, 'it made no invoice')
    return { text, verify, invoice: readInvoice(text) }
  }

  /** @returns the text of the invoice, once it is known how to ask about it. */
  #take(request: PayRequest, { text, verify, invoice }: Ordered): string {
    const { kind, url } = this.#options
    // What is wrong with the invoice itself is told by whoever reads it.
    if (invoice?.amountMsat === undefined) return text
    if (!isDescribed(invoice, request)) {
      this.#offer = undefined
      throw unavailable(kind, 'its invoice has the description hash of something else')
    }
    const verifyUrl = readUrl(verify)
    if (verifyUrl === undefined) {
      throw refused(
        kind,
        'it gives no verify URL (LUD-21), so nobody could tell that it was paid: use an address of a service that does',
      )
    }
    if (
      this.#problemOf(verifyUrl) !== undefined ||
      !isAtService(verifyUrl, [url, request.callback])
    ) {
      throw refused(kind, 'its verify URL is not at its own host: it is not asked')
    }
    const { paymentHash: hash, amountMsat, expirySeconds } = invoice
    // By a clock that is behind ours it would have ended when it was made.
    const endSeconds = Math.max(expiresAtSeconds(invoice), this.#options.now() + expirySeconds)
    this.#template = templateOf(verifyUrl, hash) ?? null
    this.#remember(encodeHex(hash), {
      verify: verifyUrl,
      amountMsat,
      expiresAtSeconds: endSeconds,
      settledAtSeconds: undefined,
    })
    return text
  }

  #remember(hash: string, made: Made): void {
    this.#made.set(hash, made)
    const [oldest] = this.#made.keys()
    if (this.#made.size > maxMade) this.#made.delete(oldest!)
  }

  /**
   * The verify URL of an invoice that was made elsewhere. What such URLs are like is learned from an
   * invoice of the least amount, which nobody gets to see.
   */
  async #verifyUrlOf(hash: PaymentHash, signal: AbortSignal): Promise<URL> {
    if (this.#template === undefined) {
      this.#learning ??= this.#learn().finally(() => {
        this.#learning = undefined
      })
      await untilAborted(this.#learning, signal)
    }
    const template = this.#template ?? undefined
    if (template !== undefined) return verifyUrlOf(template, hash)
    const reason =
      'its verify URLs carry no payment hash: only the process that had an invoice made'
    throw unavailable(this.#options.kind, `${reason} can ask about it`)
  }

  async #learn(): Promise<void> {
    const signal = AbortSignal.timeout(this.#options.timeoutMs)
    const { minMsat, maxMsat } = await this.ask(signal)
    const least = minMsat === 0n ? nearestMsat(1000n, maxMsat) : minMsat
    await this.#order(least, signal)
  }

  /** @throws NODE_UNAVAILABLE for what is not said as it should be. */
  async #get(url: URL, signal: AbortSignal): Promise<Fields> {
    const { kind, origins } = this.#options
    const reply = await origins.get(url, signal)
    if (reply.kind !== 'answered') throw unavailable(kind, reply.reason)
    const said = readSaid(reply)
    if (said?.isError === false) return said.fields
    if (said?.isError === true) throw unavailable(kind, 'it refused')
    if (reply.status >= 300 && reply.status < 400) {
      throw unavailable(
        kind,
        `it sends elsewhere (${reply.status}): name the address that it sends to`,
      )
    }
    throw unavailable(kind, `it answered ${reply.status}, and nothing that can be understood`)
  }

  /** What is wrong with a URL that the service names. This machine is asked only when it was named. */
  #problemOf(url: URL): string | undefined {
    const { url: service } = this.#options
    const isLocal = url.protocol === 'http:'
    if (isLocal && service.protocol !== 'http:') return 'expected https'
    return problemOf(url)
  }
}

function settled(amountMsat: Msat, made: Made | undefined, now: () => number): InvoiceStatus {
  const settledAtSeconds = made?.settledAtSeconds ?? now()
  // The service does not tell when: it is when this was heard first.
  if (made !== undefined) made.settledAtSeconds = settledAtSeconds
  return { status: 'settled', amountMsat, settledAtSeconds }
}

/** LUD-06: the hash of the metadata is the description. Some services write a plain one instead. */
function isDescribed(invoice: UnverifiedInvoice | undefined, { metadata }: PayRequest): boolean {
  const hash = invoice?.descriptionHash
  return hash === undefined || equalBytes(hash, sha256(encodeUtf8(metadata)))
}

function endOf(invoice: UnverifiedInvoice | undefined): number | undefined {
  return invoice === undefined ? undefined : expiresAtSeconds(invoice)
}

/** Without its signature: whoever sells it checks that. */
function readInvoice(text: string): UnverifiedInvoice | undefined {
  try {
    return decodeInvoiceUnverified(text)
  } catch {
    return undefined
  }
}
