import { decodeUtf8, encodeUtf8 } from '../../bytes/index.ts'
import { isL402Error, L402Error } from '../../errors.ts'
import type { Wallet } from '../index.ts'
import type { HeldPlace, SecretPlace, SecretUse } from './secret-place.ts'
import { unusable } from './secret-place.ts'
import type { WalletReference, WalletUri } from './wallet-uri.ts'
import { parseWalletUri } from './wallet-uri.ts'

export type OpenWalletOptions = {
  /**
   * Reads what a `file:` or `env:` place holds, as it is there: a macaroon may be binary. Default: the
   * file, of mode 0600 or stricter unless it is a certificate, or the variable of this process.
   */
  readonly readSecret?: (place: HeldPlace, use: SecretUse) => Uint8Array | Promise<Uint8Array>
  /** For wallets that are plain HTTP (`http(s)://…/payinvoice`). Default: the platform's. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** How long the end of a payment is waited for, in ms. Default: as the adapter says, 60 to 75 s. */
  readonly orderTimeoutMs?: number
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

type ReadSecret = NonNullable<OpenWalletOptions['readSecret']>

/** Loaded when it is needed: who brings a reader of his own needs no files here. */
const readPlace: ReadSecret = async (place, use) => {
  const { readSecretPlace } = await import('./read-secret.ts')
  return await readSecretPlace(place, use)
}

/**
 * Opens the wallet that a URI names. Nothing is connected before the first call; the adapter alone is
 * loaded. Only the wallet file of the embedded network is read at once.
 *
 * @throws {L402Error} CONFIG_INVALID with `details.reason`, which says what to mend and repeats no
 *   secret; NODE_UNAVAILABLE for a wallet file of the embedded network that is not there.
 * @spec wallets.md R-WAL-10, R-WAL-11
 * @example
 * const wallet = await openWallet('phoenixd://127.0.0.1?password=file:/run/secrets/phoenixd')
 */
export async function openWallet(
  uri: string | WalletUri | WalletReference,
  options: OpenWalletOptions = {},
): Promise<Wallet> {
  const named = await resolveWalletUri(uri, options)
  try {
    return await openNamed(named, options)
  } catch (error) {
    // An adapter names the option and never its value.
    if (!(error instanceof RangeError)) throw error
    throw new L402Error('CONFIG_INVALID', { reason: `${named.kind}: ${error.message}` })
  }
}

/**
 * Reads a URI, and where it says where the URI stands, reads that: once, not again and again.
 *
 * @throws {L402Error} CONFIG_INVALID with `details.reason`.
 * @spec wallets.md R-WAL-9
 */
export async function resolveWalletUri(
  uri: string | WalletUri | WalletReference,
  { readSecret = readPlace }: Pick<OpenWalletOptions, 'readSecret'> = {},
): Promise<WalletUri> {
  const named = typeof uri === 'string' ? parseWalletUri(uri) : uri
  if ('problem' in named) throw wrong(`the wallet URI ${named.problem}`)
  if (named.kind !== 'reference') return named
  const { place } = named
  const inner = parseWalletUri(textIn(await readSecret(place, 'wallet URI'), place, 'wallet URI'))
  if ('problem' in inner) throw unusable(place, 'wallet URI', inner.problem)
  if (inner.kind !== 'reference') return inner
  throw unusable(place, 'wallet URI', 'names another place: write the URI itself there')
}

async function openNamed(uri: WalletUri, options: OpenWalletOptions): Promise<Wallet> {
  const { readSecret = readPlace, orderTimeoutMs, now } = options
  const { network } = uri
  const common = {
    network,
    ...(orderTimeoutMs !== undefined && { orderTimeoutMs }),
    ...(now !== undefined && { now }),
  }
  const readAt = async (place: SecretPlace): Promise<Uint8Array> =>
    place.from === 'uri' ? encodeUtf8(place.text) : await readSecret(place, 'credential')
  const secret = async (place: SecretPlace): Promise<string> => lineIn(await readAt(place), place)
  const pinned = (place: SecretPlace | undefined): Promise<{ readonly certificate?: string }> =>
    certificateIn(place, readSecret)

  switch (uri.kind) {
    case 'lnd': {
      const { createLnd } = await import('../lnd/index.ts')
      const bytes = await readAt(uri.secret)
      const pin = await pinned(uri.certificate)
      const { url, privateChannels } = uri
      return createLnd({ ...common, url, macaroon: bytes, privateChannels, ...pin })
    }
    case 'cln': {
      const { createCln } = await import('../cln/index.ts')
      if (uri.socketPath !== undefined) {
        return createCln({ ...common, socketPath: uri.socketPath })
      }
      const rune = await secret(uri.secret)
      return createCln({ ...common, url: uri.url, rune, ...(await pinned(uri.certificate)) })
    }
    case 'phoenixd': {
      const { createPhoenixd } = await import('../phoenixd/index.ts')
      const password = await secret(uri.secret)
      const pin = await pinned(uri.certificate)
      return createPhoenixd({ ...common, url: uri.url, password, ...pin })
    }
    case 'nwc': {
      const { createNwc } = await import('../nwc/index.ts')
      const { walletPubkey, relays } = uri
      return createNwc({ ...common, walletPubkey, relays, secret: await secret(uri.secret) })
    }
    case 'lnbits': {
      const { createLnbits } = await import('../lnbits/index.ts')
      const key = await secret(uri.secret)
      return createLnbits({ ...common, url: uri.url, key, ...(await pinned(uri.certificate)) })
    }
    case 'btcpay': {
      const { createBtcpay } = await import('../btcpay/index.ts')
      const { url, storeId } = uri
      const key = await secret(uri.secret)
      return createBtcpay({ ...common, url, storeId, key, ...(await pinned(uri.certificate)) })
    }
    case 'charge': {
      const { createCharge } = await import('../charge/index.ts')
      const { orderTimeoutMs: _, ...rest } = common
      const token = await secret(uri.secret)
      return createCharge({ ...rest, url: uri.url, token, ...(await pinned(uri.certificate)) })
    }
    case 'lnurl': {
      const { createLnurl } = await import('../lnurl/index.ts')
      const { orderTimeoutMs: _, ...rest } = common
      return createLnurl({ ...rest, address: uri.address })
    }
    case 'http': {
      const { openHttp } = await import('./wallet-of-http.ts')
      const { fetch } = options
      const token = uri.secret && (await secret(uri.secret))
      return openHttp(uri, token, { fetch, orderTimeoutMs })
    }
    case 'devnet': {
      const { openDevnetFile } = await import('./wallet-of-devnet.ts')
      return await openDevnetFile(uri.file)
    }
    default:
      return uri satisfies never
  }
}

async function certificateIn(
  place: SecretPlace | undefined,
  readSecret: ReadSecret,
): Promise<{ readonly certificate?: string }> {
  if (place === undefined) return {}
  if (place.from === 'uri') return { certificate: place.text }
  const text = textIn(await readSecret(place, 'certificate'), place, 'certificate')
  if (text.includes('-----BEGIN CERTIFICATE-----')) return { certificate: text }
  throw unusable(place, 'certificate', 'holds no certificate in PEM')
}

/** A credential that is text: one line without spaces. It becomes part of a header. */
function lineIn(bytes: Uint8Array, place: SecretPlace): string {
  const text = textIn(bytes, place, 'credential')
  if (/^(?:[a-z][a-z0-9+.-]*:\/\/|nostr\+?walletconnect:)/i.test(text)) {
    const what =
      'holds a URI and no credential; a file with the whole URI of a wallet is named alone'
    throw unusable(place, 'credential', `${what}: file:/path`)
  }
  if (text.length <= maxLineLength && /^[\x21-\x7e]+$/.test(text)) return text
  throw unusable(place, 'credential', 'holds no credential: one line, no spaces')
}

const maxLineLength = 4096

/** Without a line end, and without the mark that some editors put first. */
function textIn(bytes: Uint8Array, place: SecretPlace, use: SecretUse): string {
  try {
    return decodeUtf8(bytes)
      .replace(/^\ufeff/, '')
      .trim()
  } catch (error) {
    if (!isL402Error(error)) throw error
    throw unusable(place, use, 'is no text')
  }
}

function wrong(reason: string): L402Error {
  return new L402Error('CONFIG_INVALID', { reason })
}
