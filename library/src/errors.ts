/**
 * What each code means. The table is the registry: spec/errors.md and a test are compared with it.
 *
 * The prefix tells whose turn it is. `BYTES_ … PREIMAGE_`: a peer sent something wrong. `ACCESS_`:
 * an authentic token does not open this request. `BUDGET_ POLICY_`: our own rules refused.
 * `PAYMENT_ NODE_`: the Lightning network's answer. A caller's own mistake is a `TypeError` or a
 * `RangeError`, and CONFIG_INVALID where many of them are reported together.
 */
export const codes = {
  BYTES_LENGTH: 'A byte string has the wrong length.',
  BYTES_HEX: 'The text is not hexadecimal.',
  BYTES_BASE64: 'The text is not base64.',
  BYTES_UTF8: 'The bytes are not UTF-8.',

  AMOUNT_MALFORMED: 'The text is not an amount of money.',

  INVOICE_MALFORMED: 'The text is not a well-formed BOLT 11 invoice.',
  INVOICE_CHECKSUM: 'The checksum of the invoice is wrong: it was mistyped or cut.',
  INVOICE_AMOUNT: 'The amount of the invoice is missing, zero, finer than 1 msat or absurd.',
  INVOICE_SIGNATURE: 'The signature of the invoice does not verify.',
  INVOICE_FEATURE: 'The invoice requires a feature that is not known here.',
  INVOICE_NETWORK: 'The invoice is for another network.',
  INVOICE_EXPIRED: 'The invoice has expired or is about to.',

  MACAROON_MALFORMED: 'The bytes are not a well-formed macaroon.',
  MACAROON_TOO_LARGE: 'The macaroon exceeds a size or caveat limit.',
  MACAROON_SIGNATURE: 'The macaroon was not minted with this root key, or was altered.',
  MACAROON_DISCHARGE: 'A third-party caveat has no valid discharge.',

  IDENTIFIER_MALFORMED: 'The identifier of the macaroon is not an L402 identifier of version 0.',
  CHALLENGE_MALFORMED: 'The WWW-Authenticate header carries no well-formed L402 challenge.',
  CHALLENGE_UNSUPPORTED: 'The challenge is of a version that is not supported.',
  CHALLENGE_MISMATCH: 'The token of the challenge commits to another payment than its invoice.',
  CREDENTIAL_MALFORMED: 'The Authorization header is not a well-formed L402 credential.',
  CREDENTIAL_CONFLICT: 'The request carries two different L402 credentials.',
  CREDENTIAL_REFUSED: 'The credential is not valid here.',
  PREIMAGE_MISMATCH: 'The preimage does not hash to the payment hash.',

  CAVEAT_MALFORMED: 'A caveat is not of the form its condition requires.',
  CAVEAT_UNKNOWN: 'A caveat carries a condition that is not known here.',
  CAVEAT_WIDENS: 'A caveat allows more than an earlier caveat of the same condition.',
  CAVEAT_NOT_MET: 'A caveat forbids this request.',

  ACCESS_PAYMENT_REQUIRED: 'Pay the invoice of the challenge to use this resource.',
  ACCESS_EXPIRED: 'The time that was paid for is over.',
  ACCESS_USED_UP: 'The uses that were paid for are used up.',
  ACCESS_OTHER_RESOURCE: 'The token was bought for something else.',
  ACCESS_UNDERPAID: 'The token was bought for less than the price of this request.',
  ACCESS_REVOKED: 'The token was revoked.',

  REQUEST_AMBIGUOUS: 'The request target can be read in more than one way.',
  REQUEST_MALFORMED: 'The request is not of the form that is asked for.',
  REQUEST_METHOD: 'The method is not served.',
  REQUEST_NOT_FOUND: 'Nothing is offered under this path.',
  REQUEST_UNPRICED: 'The price of this request cannot be told at the moment; nothing was charged.',
  REQUEST_RATE_LIMITED: 'Too many requests were made; wait before asking again.',
  REQUEST_OVERLOADED: 'The service cannot issue challenges at the moment; nothing was charged.',
  REQUEST_HOST: 'The host is not served here.',
  REQUEST_BLOCKED: 'Requests from this address are not served.',
  REQUEST_TOO_LARGE: 'The body of the request is longer than is accepted.',
  REQUEST_HEAD: 'The head of the request is longer than is accepted.',
  REQUEST_TIMEOUT: 'The request did not arrive in time.',

  UPSTREAM_UNAVAILABLE: 'The service behind cannot be reached, or did not answer properly.',
  UPSTREAM_TIMEOUT: 'The service behind did not answer in time.',
  UPSTREAM_OVERLOADED: 'The service behind has as many requests as it takes.',

  BUDGET_EXCEEDED: 'Paying would take the spender past a limit.',
  POLICY_REFUSED: 'The payment policy forbids this payment.',

  PAYMENT_FAILED: 'A payment failed for good; no money moved.',
  PAYMENT_UNKNOWN: 'A payment was started and its outcome is not known yet. Do not pay again.',
  PAYMENT_NOT_DELIVERED: 'The payment settled, but the server did not accept the credential.',
  NODE_UNAVAILABLE: 'The Lightning node or wallet cannot be reached, or did not answer properly.',
  STORE_UNAVAILABLE: 'A store that the decision depends on cannot be reached.',
  JOURNAL_UNUSABLE: 'The journal of payments is damaged, foreign, or sealed with another key.',

  CONFIG_INVALID: 'The configuration has mistakes.',
} as const

export type Code = keyof typeof codes

/** Safe to log and to send to a peer: sizes, names and limits; never a token, key or preimage. */
export type Details = Readonly<Record<string, string | number | boolean>>

/**
 * The one error class of this library. Branch on {@link L402Error.code}, never on the message.
 *
 * The message is made of the code, its sentence and the details, and therefore never carries a
 * token, a key or a preimage: errors end in logs, in HTTP bodies and in agents' prompts.
 */
export class L402Error extends Error {
  override readonly name = 'L402Error'
  readonly isL402Error: true = true
  readonly code: Code
  readonly details: Details

  constructor(code: Code, details: Details = {}, cause?: unknown) {
    super(message(code, details), cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}

/**
 * Whether a value is an {@link L402Error}, and, if `code` is given, of that code.
 *
 * Works across two installed copies of this package, where `instanceof` does not.
 */
export function isL402Error(value: unknown, code?: Code): value is L402Error {
  if (!(value instanceof Error) || !('isL402Error' in value)) return false
  return code === undefined || ('code' in value && value.code === code)
}

function message(code: Code, details: Details): string {
  const facts = Object.entries(details).map(([name, value]) => `${name}: ${value}`)
  return facts.length === 0 ? codes[code] : `${codes[code]} (${facts.join(', ')})`
}
