import { isWithheld } from 'satway/server'
import { expected } from './units.ts'

/** What belongs to one connection, or is made for each request by whoever sends it. */
const ownHeaders =
  /^(?:connection|content-length|expect|http2-settings|keep-alive|proxy|proxy-.*|te|trailer|transfer-encoding|upgrade)$/

/**
 * Reads a header for the upstream.
 *
 * @throws {Expectation} without the value, which may be a secret.
 * @spec gateway.md R-CONF-13
 */
export function readHeader(name: string, value: unknown): readonly [string, string] {
  if (!isToken(name)) expected('the name of a header: letters, digits and -')
  const plain = plainHeader(name)
  if (plain === 'host') expected('another header; the upstream is told its own host, or keep_host')
  if (ownHeaders.test(plain)) expected('a header that does not belong to the connection itself')
  if (plain.startsWith('satway-')) {
    expected('another name: Satway-… is what the gateway says itself')
  }
  if (plain.startsWith('x-forwarded-')) {
    expected('another name: X-Forwarded-… is what the gateway says of the client')
  }
  if (typeof value !== 'string') expected('text; put it in quotes')
  if (value === '') expected('a value')
  if (value.length > 8192) expected('at most 8192 characters')
  if (/[\r\n]/.test(value)) expected('a value of one line')
  if (!/^[\t\x20-\x7e]*$/.test(value)) expected('a value of printable ASCII characters')
  if (value.trim() !== value) expected('a value without white space before or after it')
  return [name, value]
}

/** A name as an upstream may read it: CGI makes one variable of `X-Key` and `x_key`. */
export function plainHeader(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}

/** What a price may never depend on, for it differs with each request or is a credential. */
const neverPriced = ['authorization', 'proxy-authorization', 'cookie', 'connection']

/** Reads the name of a header that a pricer is told. @returns Lower case. */
export function readPricedHeader(value: unknown): string {
  if (typeof value !== 'string' || !isToken(value)) expected('the name of a header, such as x-size')
  const name = value.toLowerCase()
  if (neverPriced.includes(name)) expected('a header that is no credential')
  if (isWithheld(name, '')) expected('a header that the gateway lets through')
  return name
}

function isToken(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/.test(name)
}
