import type { Msat } from '../amount/index.ts'
import { maxMsat, msat, parseAmount } from '../amount/index.ts'
import { encodeHex, encodeUtf8, sha256 } from '../bytes/index.ts'
import { L402Error } from '../errors.ts'
import type { CanonicalTarget } from '../l402/index.ts'
import { startDeadline } from './deadline.ts'
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
  /** A header of the request. Asking for one that occurs twice refuses the request. */
  header(name: string): string | undefined
}

/** An amount, or a function of the request; `null` means free. */
export type Price =
  | Msat
  | string
  | ((input: PriceInput) => Msat | string | null | Promise<Msat | string | null>)

type PriceFunction = Extract<Price, (input: PriceInput) => unknown>

/** What one request costs, and on what that depended. */
export type Quote = {
  readonly priceMsat: Msat
  /** 32 hex digits; `undefined` when the price depended on nothing. */
  readonly scope: string | undefined
}

/** Tells what a request costs; `undefined` when it is free. `method` is upper case, GET for HEAD. */
export type Pricer = (
  headers: Headers,
  method: string,
  target: CanonicalTarget,
) => Quote | Promise<Quote | undefined>

type Headers = { headerLines(name: string): readonly string[] }
type PricedRequest = {
  readonly headers: Headers
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
  const fixed: Quote = { priceMsat: readPrice(price), scope: undefined }
  return () => fixed
}

async function quote(price: PriceFunction, request: PricedRequest): Promise<Quote | undefined> {
  const looked: Looked = { facts: new Map(), ambiguous: undefined }
  const amount = await ask(price, request, looked)
  // Also when the function caught what was thrown at it: its answer was a guess.
  if (looked.ambiguous !== undefined) {
    throw new L402Error('REQUEST_AMBIGUOUS', { reason: looked.ambiguous })
  }
  if (amount instanceof L402Error) throw amount
  return amount === null ? undefined : { priceMsat: amount, scope: digest(looked.facts) }
}

async function ask(
  price: PriceFunction,
  request: PricedRequest,
  looked: Looked,
): Promise<Msat | null | L402Error> {
  try {
    const answer = price(observe(request, looked))
    const isLater = typeof answer === 'object' && answer !== null
    const amount = isLater ? await inTime(Promise.resolve(answer)) : answer
    return amount === null ? null : readPrice(amount)
  } catch (error) {
    return new L402Error('REQUEST_UNPRICED', {}, error)
  }
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
  ambiguous: string | undefined
}

function observe(request: PricedRequest, looked: Looked): PriceInput {
  const see = <T extends string | undefined>(kind: string, name: string, value: T): T => {
    looked.facts.set(`${kind} ${name}`, value)
    return value
  }
  const refuse = (reason: string): never => {
    looked.ambiguous = reason
    throw new RangeError(reason)
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
      const lines = request.headers.headerLines(name.toLowerCase())
      if (lines.length > 1) return refuse('header twice')
      return see('header', name.toLowerCase(), lines[0])
    },
  }
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
