import { encodeHex } from '../bytes/index.ts'
import { isL402Error, L402Error } from '../errors.ts'
import type { Preimage } from '../invoice/index.ts'
import { provesPayment } from '../invoice/index.ts'
import type { Credential, Terms } from '../l402/index.ts'
import {
  decodeIdentifier,
  formatCredential,
  parseCredential,
  parseMetadataCredential,
  readTerms,
} from '../l402/index.ts'
import type { Macaroon, VerifiedCaveats } from '../macaroon/index.ts'
import { decodeToken, verify } from '../macaroon/index.ts'
import type { KeyRing } from './key-ring.ts'
import { RecentMap } from './recent-map.ts'

/** A token whose signature and payment were checked. What it allows is asked for every request. */
export type PaidToken = {
  /** 32 bytes in hex. */
  readonly paymentHash: string
  /** 32 bytes in hex. */
  readonly tokenId: string
  /** The end of the purchase, whatever a holder added. */
  readonly soldUntilSeconds: number
  /** What it allows, or why its caveats are refused whatever the request. */
  readonly terms: Terms | L402Error
}

const none: readonly string[] = []

const maxCachedEntries = 10_000
const maxCachedBytes = 32 * 1024 * 1024
/** How many credentials that were used once are told from those that come again. A power of two. */
const seenSlots = 16_384

type Headers = { headerLines(name: string): readonly string[] }
type CheckOptions = {
  readonly service: string
  readonly keys: KeyRing
  readonly unknownCaveats: 'refuse' | 'skip'
  /** Told of each payment when a credential is verified, so at most as often as there are requests. */
  readonly paid: (paymentHash: string) => void
}

/**
 * Reads and verifies the credential of a request, and remembers what it found under the exact text:
 * signature and payment of a credential never change. Time, revocation, uses and price do, and are
 * no part of this.
 *
 * Remembered is what comes a second time. Clients that narrow their token for every request send
 * each text once, and keeping those would cost more than verifying them.
 */
export class CredentialCheck {
  readonly #options: CheckOptions
  readonly #known = new RecentMap<readonly PaidToken[]>(maxCachedEntries, maxCachedBytes)
  /** The start of a signature, in the slot that it names. */
  readonly #seen = new Uint32Array(seenSlots)

  constructor(options: CheckOptions) {
    this.#options = options
  }

  /**
   * The tokens of a request, all of them authentic and paid by the one preimage.
   *
   * @returns `undefined` when the request has no L402 credential.
   * @throws {L402Error} CREDENTIAL_MALFORMED, CREDENTIAL_CONFLICT; MACAROON_*, IDENTIFIER_MALFORMED,
   *   PREIMAGE_MISMATCH and CREDENTIAL_REFUSED (an unknown key), which no client is told apart.
   * @spec server.md R-SRV-19 to R-SRV-22
   */
  check(request: Headers): readonly PaidToken[] | undefined {
    const lines = request.headerLines('authorization')
    const metadata = metadataLines(request)
    if (lines.length === 0 && metadata.length === 0) return undefined

    // A header value has no line end, so that no two requests have one text.
    const text =
      lines.length === 1 && metadata.length === 0
        ? lines[0]!
        : [...lines, '', ...metadata].join('\n')
    const known = this.#known.get(text)
    if (known !== undefined) return known

    const credential = readCredential(lines, metadata)
    if (credential === undefined) return undefined
    const macaroons = credential.tokens.map(decodeToken)
    const tokens = macaroons.map((macaroon) => this.#verify(macaroon, credential.preimage))
    if (this.#cameBefore(macaroons[0]!)) this.#known.set(text, tokens, 1024 + 4 * text.length)
    this.#options.paid(tokens[0]!.paymentHash)
    return tokens
  }

  #cameBefore({ signature }: Macaroon): boolean {
    const mark = new DataView(signature.buffer, signature.byteOffset).getUint32(0)
    const slot = mark % seenSlots
    if (this.#seen[slot] === mark) return true
    this.#seen[slot] = mark
    return false
  }

  /** Cheap checks first: junk that nobody paid for costs one hash. */
  #verify(macaroon: Macaroon, preimage: Preimage): PaidToken {
    const { service, keys, unknownCaveats } = this.#options
    const { paymentHash, tokenId } = decodeIdentifier(macaroon.identifier)
    if (!provesPayment(preimage, paymentHash)) throw new L402Error('PREIMAGE_MISMATCH')
    const rootKey = keys.rootKey(macaroon.identifier)
    if (rootKey === undefined) throw new L402Error('CREDENTIAL_REFUSED', { reason: 'unknown key' })
    const caveats = verify(macaroon, rootKey)

    const terms = understand(() =>
      readTerms(caveats, { service, paymentHash, preimage, unknownCaveats }),
    )
    return {
      paymentHash: encodeHex(paymentHash),
      tokenId: encodeHex(tokenId),
      soldUntilSeconds: soldUntil(caveats, service),
      terms,
    }
  }
}

/** Lines of the headers that can carry a credential besides `Authorization`, as gRPC clients do. */
function metadataLines(request: Headers): readonly string[] {
  const mapped = request.headerLines('grpc-metadata-macaroon')
  const plain = request.headerLines('macaroon')
  return mapped.length === 0 && plain.length === 0 ? none : [...mapped, ...plain]
}

/**
 * Metadata counts only where there is no credential in `Authorization`, or the very same one. A
 * macaroon without a preimage is meant for somebody else, such as a node behind this server.
 */
function readCredential(
  lines: readonly string[],
  metadata: readonly string[],
): Credential | undefined {
  const found = metadata.flatMap((value) => {
    const credential = readMetadata(value)
    if (credential === undefined) return []
    const { tokens, preimage } = credential
    return [formatCredential({ token: tokens[0]!, preimage })]
  })
  return parseCredential([...lines, ...found])
}

function readMetadata(value: string): Credential | undefined {
  try {
    return parseMetadataCredential(value)
  } catch (error) {
    if (isL402Error(error, 'CREDENTIAL_MALFORMED')) return undefined
    throw error
  }
}

function understand(read: () => Terms): Terms | L402Error {
  try {
    return read()
  } catch (error) {
    if (isL402Error(error)) return error
    throw error
  }
}

/** The expiry that was sold is the first one: whoever holds a token can only add caveats behind it. */
function soldUntil(caveats: VerifiedCaveats, service: string): number {
  const start = `${service}_valid_until=`
  const sold = caveats.find(({ text }) => text.startsWith(start))
  return sold === undefined ? 0 : Number(sold.text.slice(start.length))
}
