import type { Msat } from '../amount/index.ts'
import { maxMsat, msat, parseAmount } from '../amount/index.ts'
import { encodeHex, encodeUtf8, sha256 } from '../bytes/index.ts'
import { isL402Error, L402Error } from '../errors.ts'
import type { CanonicalTarget } from '../l402/index.ts'
import { startDeadline } from './deadline.ts'
import type { IncomingRequest } from './paywall.ts'
import { readQuery } from './query.ts'

/**
 * What a price function may look at. Everything it looks at becomes part of what the token is bound
 * to: a token bought for `size=small` does not open `size=large`, nor another item at the same price.
 *
 * @spec server.md R-SRV-16, R-SRV-17
 */
export type PriceInput = {
  /** Upper case. `GET` for HEAD. */
  readonly method: string
  /** The canonical path. */
  readonly path: string
  /**
   * A parameter of the query, decoded. Asking for one that occurs twice refuses the request: the
   * handler might read the other one.
   */
  query(name: string): string | undefined
  /**
   * A header of the request. Asking for one that occurs twice, under whatever mixture of `-` and `_`,
   * or that `Connection` names, refuses the request: the handler might see something else.
   */
  header(name: string): string | undefined
  /** All of the query as it was received, with `?`; empty when there is none. */
  readonly search: string
  /**
   * The body. Only where the adapter can read it twice, as the gateway can.
   *
   * @throws {L402Error} REQUEST_TOO_LARGE where it is longer than `maxBytes`. The request is then
   *   refused with it, whatever becomes of the error.
   */
  body(maxBytes: number): Promise<Uint8Array>
  /** Binds the token to something else that the price depends on, such as a price in another currency. */
  bind(name: string, value: string): void
}

/**
 * What a price function may say instead of an amount: what a new challenge asks, and the least that
 * a token may have been sold for. They differ where the amount moves and what was bought does not:
 * a price in another currency. What keeps tokens apart is then what the function looked at and bound.
 */
export type PriceRange = { readonly amount: Msat | string; readonly least: Msat | string }

type PriceAnswer = Msat | string | PriceRange | null

/** An amount, or a function of the request; `null` means free. */
export type Price = Msat | string | ((input: PriceInput) => PriceAnswer | Promise<PriceAnswer>)

type PriceFunction = Extract<Price, (input: PriceInput) => unknown>

/** What one request costs, and on what that depended. */
export type Quote = {
  readonly priceMsat: Msat
  /** The least that a token may have been sold for. */
  readonly leastMsat: Msat
  /** 32 hex digits; `undefined` when the price depended on nothing. */
  readonly scope: string | undefined
}

/** Tells what a request costs; `undefined` when it is free. `method` is upper case, GET for HEAD. */
export type Pricer = (
  request: PricedHeaders,
  method: string,
  target: CanonicalTarget,
) => Quote | Promise<Quote | undefined>

type PricedHeaders = Pick<IncomingRequest, 'headerLines' | 'body'>
type PricedRequest = {
  readonly headers: PricedHeaders
  readonly method: string
  readonly target: CanonicalTarget
}

/** How long a price function may take. */
const priceTimeoutMs = 10_000

/**
 * Reads an amount that somebody is asked to pay.
 *
 * @throws {RangeError} for what is not an amount, for zero, and above 2^53 - 1 msat: the amount is a
 *   number in JSON bodies.
 */
export function readPrice(price: unknown): Msat {
  const amount = typeof price === 'string' ? parsePrice(price) : price
  if (typeof amount !== 'bigint') {
    throw new RangeError("expected an amount with its unit, such as '10 sat', or a bigint of msat")
  }
  if (amount <= 0n) {
    throw new RangeError(
      'expected more than zero; for what is free leave the gate off, or return null from a price function',
    )
  }
  const most = BigInt(Number.MAX_SAFE_INTEGER)
  if (amount > most || amount > maxMsat) throw new RangeError(`expected at most ${most} msat`)
  return msat(amount)
}

/**
 * Makes the pricer of a price.
 *
 * @returns For a fixed price, one that answers at once. For a function, one that rejects with
 *   REQUEST_UNPRICED when the function throws, takes too long or gives no amount, and with
 *   REQUEST_AMBIGUOUS when it asked for something that the request says twice.
 * @throws {RangeError} for a fixed price that is no price.
 * @spec server.md R-SRV-14 to R-SRV-18
 */
export function createPricer(price: Price): Pricer {
  if (typeof price === 'function') {
    return (headers, method, target) => quote(price, { headers, method, target })
  }
  const priceMsat = readPrice(price)
  const fixed: Quote = { priceMsat, leastMsat: priceMsat, scope: undefined }
  return () => fixed
}

async function quote(price: PriceFunction, request: PricedRequest): Promise<Quote | undefined> {
  const looked: Looked = { facts: new Map(), refused: undefined }
  const answer = await ask(price, request, looked)
  // Also when the function caught what was thrown at it: its answer was a guess.
  if (looked.refused !== undefined) throw looked.refused
  if (answer instanceof L402Error) throw answer
  return answer === null ? undefined : { ...answer, scope: digest(looked.facts) }
}

type Amounts = Omit<Quote, 'scope'>

async function ask(
  price: PriceFunction,
  request: PricedRequest,
  looked: Looked,
): Promise<Amounts | null | L402Error> {
  try {
    const answer = price(observe(request, looked))
    const isLater = typeof answer === 'object' && answer !== null
    const given = isLater ? await inTime(Promise.resolve(answer)) : answer
    return given === null ? null : readAmounts(given)
  } catch (error) {
    return new L402Error('REQUEST_UNPRICED', {}, error)
  }
}

function readAmounts(answer: Exclude<PriceAnswer, null>): Amounts {
  if (typeof answer !== 'object') {
    const priceMsat = readPrice(answer)
    return { priceMsat, leastMsat: priceMsat }
  }
  const priceMsat = readPrice(answer.amount)
  const leastMsat = readPrice(answer.least)
  if (leastMsat > priceMsat) throw new RangeError('expected least to be at most amount')
  return { priceMsat, leastMsat }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const deadline = startDeadline(priceTimeoutMs, () => new RangeError('the price took too long'))
  try {
    return await deadline.race(answer)
  } finally {
    deadline.clear()
  }
}

type Looked = {
  /** What was looked at, by kind and name, and what was seen there. */
  readonly facts: Map<string, string | undefined>
  /** Why an answer would have been a guess. */
  refused: L402Error | undefined
}

function observe(request: PricedRequest, looked: Looked): PriceInput {
  const see = <T extends string | undefined>(kind: string, name: string, value: T): T => {
    looked.facts.set(`${kind} ${name}`, value)
    return value
  }
  const refuse = (reason: string): never => {
    looked.refused ??= new L402Error('REQUEST_AMBIGUOUS', { reason })
    throw looked.refused
  }
  return {
    get method() {
      return see('method', '', request.method)
    },
    get path() {
      return see('path', '', request.target.path)
    },
    query(name) {
      const values = readQuery(request.target.query, name)
      if (values === undefined) return refuse('malformed query, or more than 100 parameters')
      if (values.length > 1) return refuse('query parameter twice')
      return see('query', name, values[0])
    },
    header(name) {
      const lower = name.toLowerCase()
      const { headers } = request
      if (namesByConnection(headers).includes(lower)) return refuse('header named by Connection')
      const lines = spellingsOf(lower).flatMap((spelling) => headers.headerLines(spelling))
      if (lines.length > 1) return refuse('header twice')
      if (lines.length === 1 && headers.headerLines(lower).length === 0) {
        return refuse('header spelled with _')
      }
      return see('header', lower, lines[0])
    },
    get search() {
      return see('search', '', request.target.query)
    },
    async body(maxBytes) {
      const { headers } = request
      if (headers.body === undefined) throw new RangeError('the body cannot be read here')
      try {
        const bytes = await headers.body(maxBytes)
        see('body', '', encodeHex(sha256(bytes)))
        return bytes
      } catch (error) {
        if (isL402Error(error)) looked.refused ??= error
        throw error
      }
    },
    bind(name, value) {
      see('bind', name, value)
    },
  }
}

/** What a proxy takes out of a request before it hands it on: whoever is behind would not see it. */
function namesByConnection(headers: PricedHeaders): readonly string[] {
  return headers
    .headerLines('connection')
    .flatMap((line) => line.split(','))
    .map((name) => name.trim().toLowerCase())
}

/** `x-image-size`, `x_image-size`, …: many servers hand all of them to an application as one. */
function spellingsOf(name: string): readonly string[] {
  const parts = name.split('-')
  // Beyond this only the spelling that servers make of it.
  if (parts.length > 7) return [name, name.replaceAll('-', '_')]
  return parts
    .slice(1)
    .reduce(
      (starts, part) => starts.flatMap((start) => [`${start}-${part}`, `${start}_${part}`]),
      [parts[0]!],
    )
}

/**
 * 128 bits of SHA-256 over what was looked at, as JSON in the order of the names. Two requests have
 * the same digest only if every answer was the same.
 *
 * @spec server.md R-SRV-17
 */
function digest(facts: ReadonlyMap<string, string | undefined>): string | undefined {
  if (facts.size === 0) return undefined
  const inOrder = [...facts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === undefined ? [name] : [name, value]))
  return encodeHex(sha256(encodeUtf8(JSON.stringify(inOrder))).subarray(0, 16))
}

function parsePrice(text: string): Msat {
  try {
    return parseAmount(text)
  } catch {
    throw new RangeError("expected an amount with its unit, such as '10 sat'")
  }
}
