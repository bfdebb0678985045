import { decodeHex, decodeUtf8, encodeBase64, encodeHex, equalBytes } from '../bytes/index.ts'
import { isL402Error, L402Error } from '../errors.ts'
import type { Preimage } from '../invoice/index.ts'
import { preimage } from '../invoice/index.ts'
import type { Caveat, Macaroon } from '../macaroon/index.ts'
import { decodeMacaroon } from '../macaroon/index.ts'
import type { ParsedCaveat } from './caveat.ts'
import { parseCaveat } from './caveat.ts'
import { readCredentialLine } from './credential-reader.ts'

/** `LSAT` is the name before 2023. */
export type Scheme = 'L402' | 'LSAT'

/** Token and proof of payment, as a request carries them. Nothing in here has been verified yet. */
export type Credential = {
  /** The schemes it came under: two when a client sends both spellings. */
  readonly schemes: readonly Scheme[]
  /** One to five tokens, as written. */
  readonly tokens: readonly string[]
  readonly preimage: Preimage
}

/** Longest credential that is read, in characters over all lines: Node's limit for all headers. */
export const maxCredentialLength = 16_384
const maxTokens = 5

/** What nearly every client sends: one line, one token. */
const usual = /^L402 ([A-Za-z0-9+/=_.~-]+):([0-9A-Fa-f]{64})$/
const usualSchemes: readonly Scheme[] = ['L402']

const tokenText = /^[A-Za-z0-9+/=_.~-]+$/
const preimageText = /^[0-9A-Fa-f]{64}$/

/**
 * Writes the value of an `Authorization` header.
 *
 * @param credential - `token` verbatim as the challenge had it, `scheme` as the challenge had it.
 * @throws {RangeError} for a token that the grammar cannot carry.
 * @spec l402.md R-CRED-1
 */
export function formatCredential(credential: {
  readonly token: string
  readonly preimage: Preimage
  readonly scheme?: Scheme
}): string {
  const { token, scheme = 'L402' } = credential
  if (!tokenText.test(token)) throw new RangeError('formatCredential: expected a base64 token')
  return `${scheme} ${token}:${encodeHex(credential.preimage)}`
}

/**
 * Reads the credential of a request. Strict, and never "the first wins": every L402 or LSAT
 * credential in the request must be well formed, and all of them must be the same one.
 *
 * @param lines - Every `Authorization` line, joined or not; at most 16 384 characters together.
 * @returns `undefined` when there is no L402 or LSAT credential. Other schemes are passed over.
 * @throws {L402Error} CREDENTIAL_MALFORMED, with `reason`; CREDENTIAL_CONFLICT for two different ones.
 * @spec l402.md R-CRED-2, R-CRED-3, R-CRED-4, R-CRED-5, R-CRED-6
 */
export function parseCredential(lines: readonly string[]): Credential | undefined {
  let length = 0
  for (const line of lines) length += line.length
  if (length > maxCredentialLength) throw malformed('too long')

  const match = lines.length === 1 ? usual.exec(lines[0]!) : null
  if (match === null) return readAll(lines)
  return { schemes: usualSchemes, tokens: [match[1]!], preimage: readPreimage(match[2]!) }
}

function readAll(lines: readonly string[]): Credential | undefined {
  const found = lines
    .flatMap(readCredentialLine)
    .map(({ scheme, text }) => ({ scheme, ...readOne(withoutBlanks(text)) }))
  const first = found[0]
  if (first === undefined) return undefined
  if (!found.every((other) => isSame(first, other))) throw conflict()
  // L402's spelling is kept where there is one: it is the newer client's.
  const { tokens, preimage } = found.find(({ scheme }) => scheme === 'L402') ?? first
  return { schemes: [...new Set(found.map(({ scheme }) => scheme))], tokens, preimage }
}

/**
 * Reads a macaroon that carries its own proof of payment, as `Macaroon` and `Grpc-Metadata-Macaroon`
 * headers and gRPC metadata (`macaroon`, `token`) do.
 *
 * @param value - Hex of a V2 or V1 macaroon with a `preimage=<64 hex digits>` caveat; at most 16 384
 *   characters.
 * @returns The macaroon as its one token, in standard base64.
 * @throws {L402Error} CREDENTIAL_MALFORMED, with `reason`; CREDENTIAL_CONFLICT for two different
 *   preimages.
 * @spec l402.md R-CRED-7
 */
export function parseMetadataCredential(value: string): Credential {
  if (value.length > maxCredentialLength) throw malformed('too long')
  const bytes = readHex(value)
  const proofs = preimagesOf(readMacaroon(bytes))
  const [first] = proofs
  if (first === undefined) throw malformed('no preimage')
  if (!proofs.every((other) => equalBytes(first, other))) throw conflict()
  return { schemes: usualSchemes, tokens: [encodeBase64(bytes)], preimage: first }
}

type Proof = Pick<Credential, 'tokens' | 'preimage'>

function readOne(text: string): Proof {
  if (text === '') throw malformed('empty credential')
  const colon = text.indexOf(':')
  if (colon === -1) throw malformed('no colon')

  const secret = readPreimage(withoutBlanks(text.slice(colon + 1)))
  const tokens = text.slice(0, colon).split(',').map(withoutBlanks)
  if (tokens.includes('')) throw malformed('empty token')
  if (tokens.length > maxTokens) throw malformed('too many tokens')
  if (!tokens.every((token) => tokenText.test(token))) throw malformed('bad token characters')
  return { tokens, preimage: secret }
}

function readPreimage(text: string): Preimage {
  if (!preimageText.test(text)) throw malformed('preimage must be 64 hex digits')
  return preimage(decodeHex(text))
}

/** The same tokens in the same order, whatever their base64 looks like, and the same preimage. */
function isSame(a: Proof, b: Proof): boolean {
  if (a.tokens.length !== b.tokens.length || !equalBytes(a.preimage, b.preimage)) return false
  return a.tokens.every((token, i) => inOneSpelling(token) === inOneSpelling(b.tokens[i]!))
}

function inOneSpelling(token: string): string {
  return token
    .replace(/-/g, '+')
    .replace(/_/g, '/')
    .replace(/={1,2}$/, '')
}

function readHex(text: string): Uint8Array {
  try {
    return decodeHex(text)
  } catch (cause) {
    throw malformed('not hexadecimal', cause)
  }
}

function readMacaroon(bytes: Uint8Array): Macaroon {
  try {
    return decodeMacaroon(bytes)
  } catch (cause) {
    if (!isL402Error(cause)) throw cause
    throw malformed('not a macaroon', cause)
  }
}

function preimagesOf(macaroon: Macaroon): readonly Preimage[] {
  return macaroon.unverifiedCaveats
    .map(readCaveat)
    .filter((caveat) => caveat?.condition === 'preimage' && caveat.operator === '=')
    .map((caveat) => readPreimage(caveat!.value))
}

/** Whatever is not a caveat of ours is for `verify` and `readTerms` to judge. */
function readCaveat(caveat: Caveat): ParsedCaveat | undefined {
  if (caveat.verificationId !== undefined) return undefined
  try {
    return parseCaveat(decodeUtf8(caveat.identifier))
  } catch (cause) {
    if (!isL402Error(cause)) throw cause
    return undefined
  }
}

/** Without spaces and tabs at both ends. A loop: `/[ \t]+$/` is quadratic on a run of blanks. */
function withoutBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function conflict(): L402Error {
  return new L402Error('CREDENTIAL_CONFLICT', { reason: 'conflicting credentials' })
}

function malformed(reason: string, cause?: unknown): L402Error {
  return new L402Error('CREDENTIAL_MALFORMED', { reason }, cause)
}
