import type { Network } from '../../invoice/index.ts'
import type { HeldPlace, SecretPlace } from './secret-place.ts'
import { placeOf } from './secret-place.ts'
import { didYouMean, UriMistake } from './uri-mistake.ts'
import { readHttpUri } from './uri-of-http.ts'
import { readNwcUri } from './uri-of-nwc.ts'
import {
  readBtcpayUri,
  readClnUri,
  readLndconnectUri,
  readLndUri,
  readServerUri,
} from './uri-of-server.ts'
import { readOptions } from './uri-options.ts'

export type WalletKind =
  | 'lnd'
  | 'cln'
  | 'phoenixd'
  | 'nwc'
  | 'lnbits'
  | 'btcpay'
  | 'charge'
  | 'lnurl'
  | 'http'
  | 'devnet'

/** A wallet that answers over HTTP and asks for a credential. */
export type ServerWalletUri<Kind extends WalletKind> = {
  readonly kind: Kind
  readonly network: Network
  /** `https://host:port`, or http on this machine; with a path where it has one, without a slash at its end. */
  readonly url: string
  /** Of its macaroon, rune, password, key or token. */
  readonly secret: SecretPlace
  /** Of its certificate, in PEM. `undefined`: what the system trusts. */
  readonly certificate: SecretPlace | undefined
}

/** A node of lnd. */
export type LndWalletUri = ServerWalletUri<'lnd'> & {
  /** Whether invoices tell the way through channels that are not public. */
  readonly privateChannels: boolean
}

/** A wallet without a URL of its own that anybody would ask. */
type Elsewhere<Kind extends WalletKind, Secret extends SecretPlace | undefined> = {
  readonly kind: Kind
  readonly network: Network
  readonly url: undefined
  readonly secret: Secret
}

/** A wallet that takes `POST /payinvoice`. */
export type HttpWalletUri = {
  readonly kind: 'http'
  readonly network: Network
  /** Without the options that are ours. */
  readonly url: string
  /** Of its token, which is sent as a bearer. */
  readonly secret: SecretPlace | undefined
  /** Where payments are looked up, with `{hash}` in it; of the same server. */
  readonly lookupUrl: string | undefined
  /** What else the adapter is told, by its own names. */
  readonly fields: Readonly<
    Partial<
      Record<'invoiceField' | 'maxFeeField' | 'preimagePath' | 'paidPath' | 'feePath', string>
    >
  >
}

/** A wallet as somebody named it. Nothing of it was opened or read. */
export type WalletUri =
  | LndWalletUri
  | ServerWalletUri<'phoenixd' | 'lnbits' | 'charge'>
  | (ServerWalletUri<'cln'> & { readonly socketPath: undefined })
  | (Elsewhere<'cln', undefined> & { readonly socketPath: string })
  | (ServerWalletUri<'btcpay'> & { readonly storeId: string })
  | (Elsewhere<'nwc', SecretPlace> & {
      /** 64 hex digits, in lower case. */
      readonly walletPubkey: string
      readonly relays: readonly string[]
    })
  | (Elsewhere<'lnurl', undefined> & {
      /** `alice@example.com`, `lnurl1…` or an https URL. */
      readonly address: string
    })
  | HttpWalletUri
  | (Elsewhere<'devnet', undefined> & {
      /** The file by which a process of the embedded network is reached. */
      readonly file: string
    })

/** A place that holds the whole URI of a wallet, secrets included. */
export type WalletReference = {
  readonly kind: 'reference'
  readonly place: HeldPlace
}

const maxLength = 8192

/** What each scheme begins, and how it goes on. */
const readers: Readonly<Record<string, (text: string) => WalletUri | WalletReference>> = {
  lnd: readLndUri,
  lndconnect: readLndconnectUri,
  cln: readClnUri,
  phoenixd: (text) => readServerUri(text, 'phoenixd'),
  'nostr+walletconnect': readNwcUri,
  nostrwalletconnect: readNwcUri,
  lnbits: (text) => readServerUri(text, 'lnbits'),
  btcpay: readBtcpayUri,
  charge: (text) => readServerUri(text, 'charge'),
  lnurl: readLnurlUri,
  http: readHttpUri,
  https: readHttpUri,
  devnet: readDevnetUri,
  file: readReference,
  env: readReference,
}

const schemes = Object.keys(readers)
const expected =
  'expected a wallet URI: lnd://, cln://, phoenixd://, nostr+walletconnect://, lnbits://, btcpay://, charge://, lnurl:, https:// or devnet: and how it goes on, or file:/path where it stands'

/**
 * Reads a wallet URI. Total.
 *
 * @param text - At most 8192 characters.
 * @returns the wallet, the place where its URI stands, or what is wrong: one sentence that repeats no
 *   part which may be a secret.
 * @spec wallets.md R-WAL-1 to R-WAL-9
 * @example
 * parseWalletUri('lnd://127.0.0.1?macaroon=file:/run/pay.macaroon&cert=file:/run/tls.cert')
 */
export function parseWalletUri(
  text: string,
): WalletUri | WalletReference | { readonly problem: string } {
  if (text.length > maxLength) return { problem: `is longer than ${maxLength} characters` }
  if (/[\0-\x1f\x7f]/.test(text)) {
    return { problem: 'holds a line break or another control character' }
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) return { problem: withoutScheme(text) }
  const read = Object.hasOwn(readers, scheme) ? readers[scheme] : undefined
  if (read === undefined) return { problem: `${expected}${didYouMean(scheme, schemes)}` }
  try {
    return read(text)
  } catch (error) {
    if (error instanceof UriMistake) return { problem: error.message }
    throw error
  }
}

function withoutScheme(text: string): string {
  if (/^[^/\s?@]+@[^/\s?@]+$/.test(text)) {
    return 'is no wallet URI; before a Lightning Address write lnurl:'
  }
  if (/^(?:\/|~\/)/.test(text)) {
    return 'is no wallet URI; before a file that holds one write file:, and before the wallet file of a demo devnet:'
  }
  return expected
}

/** An address, the bech32 text of a URL, or the URL itself, which may have a query of its own. */
function readLnurlUri(text: string): WalletUri {
  const [, address = '', query] = /^lnurl:([^?#]*)(?:\?(.*))?$/is.exec(text) ?? []
  const isUrl = /^https?:\/\//i.test(address)
  const isAddress = /^[a-z0-9._+-]{1,64}@[a-z0-9.-]{1,253}(?::\d{1,5})?$/i.test(address)
  if (!isUrl && !isAddress && !/^lnurl1[02-9ac-hj-np-z]{6,}$/i.test(address)) {
    throw new UriMistake('expected lnurl:NAME@HOST, or lnurl: and an lnurl1… or https URL')
  }
  const parts = query?.split('&') ?? []
  const own = isUrl ? parts.filter((part) => part.startsWith('network=')) : parts
  const others = isUrl ? parts.filter((part) => !part.startsWith('network=')) : []
  const options = readOptions(own.join('&'), ['network'])
  if (isUrl && URL.parse(address) === null) throw new UriMistake('is no well-formed URL')
  return {
    kind: 'lnurl',
    network: options.network(),
    url: undefined,
    secret: undefined,
    address: others.length === 0 ? address : `${address}?${others.join('&')}`,
  }
}

function readDevnetUri(text: string): WalletUri {
  const file = text.slice('devnet:'.length)
  if (file === '') throw new UriMistake('names no file after devnet:')
  return { kind: 'devnet', network: 'regtest', url: undefined, secret: undefined, file }
}

function readReference(text: string): WalletReference {
  const place = placeOf(text)
  if (place !== undefined && place.from !== 'uri') return { kind: 'reference', place }
  throw new UriMistake('expected file:/path or env:NAME, and there the URI of a wallet')
}
