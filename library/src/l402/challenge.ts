import type { RawChallenge } from './challenge-reader.ts'
import { readChallengeLine } from './challenge-reader.ts'
import type { Scheme } from './credential.ts'

/** What a 402 response asks for. */
export type Challenge = {
  readonly scheme: Scheme
  /** The unpaid token, verbatim. Opaque to a client; echoed as it is. */
  readonly token: string
  /** Under which parameter the token came. */
  readonly tokenParam: 'token' | 'macaroon' | 'both'
  /** The BOLT 11 invoice, without a `lightning:` prefix. Not checked in any way. */
  readonly invoice: string
  readonly version: string | undefined
  /** Whether `version` is absent or "0". Never pay when it is false. */
  readonly supported: boolean
  /** Parameters nobody here interprets. Names in lower case. */
  readonly extra: Readonly<Record<string, string>>
}

/** One L402 or LSAT challenge of a response, or why it cannot be used. */
export type ChallengeReading = Challenge | { readonly scheme: Scheme; readonly error: string }

/** Longest header line that is read, in characters: what Node allows for all headers together. */
export const maxChallengeLineLength = 16_384

const schemes: ReadonlyMap<string, Scheme> = new Map([
  ['l402', 'L402'],
  ['lsat', 'LSAT'],
])

const tokenText = /^[A-Za-z0-9+/=_.~-]+$/
const invoiceText = /^[A-Za-z0-9]+$/
const interpreted: readonly string[] = ['token', 'macaroon', 'invoice', 'version']

/**
 * Writes one challenge line, in the one form that every known client parser understands. Under the
 * older name `LSAT` it has the two parameters that existed then.
 *
 * @throws {RangeError} when token or invoice has characters that would need to be escaped.
 * @spec l402.md R-CHAL-1, R-CHAL-2
 */
export function formatChallenge(challenge: {
  readonly token: string
  readonly invoice: string
  readonly scheme?: Scheme
}): string {
  const { token, invoice, scheme = 'L402' } = challenge
  if (!tokenText.test(token)) throw new RangeError('formatChallenge: expected a base64 token')
  if (!invoiceText.test(invoice)) throw new RangeError('formatChallenge: expected an invoice')
  const classic = `${scheme} macaroon="${token}", invoice="${invoice}"`
  return scheme === 'LSAT' ? classic : `${classic}, version="0", token="${token}"`
}

/**
 * Reads all L402 and LSAT challenges of a response, in order. Challenges of other schemes are passed
 * over. What cannot be paid without guessing is an entry with `error`.
 *
 * Total: never throws. Nothing is verified: decode the invoice before anything is paid.
 *
 * @param lines - The `WWW-Authenticate` lines, joined or not. A line of more than 16 384 characters
 *   is not read.
 * @spec l402.md R-CHAL-3, R-CHAL-4, R-CHAL-5, R-CHAL-6, R-CHAL-7
 */
export function parseChallenges(lines: readonly string[]): readonly ChallengeReading[] {
  return lines.flatMap(readLine)
}

function readLine(line: string): readonly ChallengeReading[] {
  if (line.length > maxChallengeLineLength) return readStart(line)
  const readings: ChallengeReading[] = []
  for (const raw of readChallengeLine(line)) {
    const scheme = schemes.get(raw.scheme)
    if (scheme !== undefined) readings.push(understand(scheme, raw))
  }
  return readings
}

/** Of a line that is too long: whether it was meant for us. */
function readStart(line: string): readonly ChallengeReading[] {
  const start = /^[ \t,]*(l402|lsat)[ \t]/i.exec(line.slice(0, 64))
  const scheme = start === null ? undefined : schemes.get(start[1]!.toLowerCase())
  return scheme === undefined ? [] : [{ scheme, error: 'line too long' }]
}

function understand(scheme: Scheme, raw: RawChallenge): ChallengeReading {
  const { parameters } = raw
  const asToken = parameters.get('token')
  const asMacaroon = parameters.get('macaroon')
  const token = asToken ?? asMacaroon
  const invoice = parameters.get('invoice')?.replace(/^lightning:/i, '')
  const version = parameters.get('version')

  if (raw.error !== undefined) return { scheme, error: raw.error }
  if (!token) return { scheme, error: 'no token' }
  if (token !== (asMacaroon ?? token)) return { scheme, error: 'token and macaroon differ' }
  if (!tokenText.test(token)) return { scheme, error: 'bad token characters' }
  if (!invoice) return { scheme, error: 'no invoice' }
  if (!invoiceText.test(invoice)) return { scheme, error: 'bad invoice characters' }
  return {
    scheme,
    token,
    tokenParam: asToken === undefined ? 'macaroon' : asMacaroon === undefined ? 'token' : 'both',
    invoice,
    version,
    supported: version === undefined || version === '0',
    extra: Object.fromEntries([...parameters].filter(([name]) => !interpreted.includes(name))),
  }
}
