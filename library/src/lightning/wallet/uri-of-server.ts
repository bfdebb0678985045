import { decodeBase64Any } from '../../bytes/index.ts'
import { placeOf } from './secret-place.ts'
import { readPrefix, readServer, splitUri } from './uri-address.ts'
import { UriMistake } from './uri-mistake.ts'
import type { UriOptions } from './uri-options.ts'
import { decodeUriPart, readOptions } from './uri-options.ts'
import type { LndWalletUri, ServerWalletUri, WalletKind, WalletUri } from './wallet-uri.ts'

/** How the wallets differ that answer over HTTP. */
type Manner = {
  /** Where no port is named. `undefined`: that of http or https. */
  readonly port: number | undefined
  /** Whether it speaks TLS also to this machine, unless told otherwise. */
  readonly isSecured: boolean
  /** What its credential is called. */
  readonly secret: string
  readonly example: string
}

const manners = {
  lnd: {
    port: 8080,
    isSecured: true,
    secret: 'macaroon',
    example: 'lnd://HOST:8080?macaroon=file:/path&cert=file:/path',
  },
  cln: {
    port: 3010,
    isSecured: true,
    secret: 'rune',
    example: 'cln://HOST:3010?rune=file:/path&cert=file:/path, or cln:///path/to/lightning-rpc',
  },
  phoenixd: {
    port: 9740,
    isSecured: false,
    secret: 'password',
    example: 'phoenixd://127.0.0.1:9740?password=file:/path',
  },
  lnbits: {
    port: undefined,
    isSecured: false,
    secret: 'key',
    example: 'lnbits://HOST?key=file:/path',
  },
  btcpay: {
    port: undefined,
    isSecured: false,
    secret: 'key',
    example: 'btcpay://HOST/STOREID?key=file:/path',
  },
  charge: {
    port: 9112,
    isSecured: false,
    secret: 'token',
    example: 'charge://127.0.0.1:9112?token=file:/path',
  },
} as const satisfies Record<string, Manner>

/** What a URI says of a server: everything but the kind. */
type Named = Omit<ServerWalletUri<WalletKind>, 'kind'>

/** `phoenixd://…`, `lnbits://…`, `charge://…`. */
export function readServerUri(
  text: string,
  kind: 'phoenixd' | 'lnbits' | 'charge',
): ServerWalletUri<'phoenixd' | 'lnbits' | 'charge'> {
  const { path, authority, query } = splitUri(text, manners[kind].example)
  const options = readOptions(query, optionNames(manners[kind]))
  return { kind, ...readNamed(authority, options, manners[kind], readPrefix(path)) }
}

/** `lnd://…`. */
export function readLndUri(text: string): LndWalletUri {
  const { path, authority, query } = splitUri(text, manners.lnd.example)
  const options = readOptions(query, [...optionNames(manners.lnd), 'private'])
  const named = readNamed(authority, options, manners.lnd, readPrefix(path))
  return { kind: 'lnd', ...named, privateChannels: options.flag('private') ?? false }
}

/** `cln://…`, and `cln:///…` for the Unix socket. */
export function readClnUri(text: string): WalletUri {
  const { authority, path, query } = splitUri(text, manners.cln.example)
  if (authority !== '' || path === '') {
    const options = readOptions(query, optionNames(manners.cln))
    const named = readNamed(authority, options, manners.cln, readPrefix(path))
    return { kind: 'cln', ...named, socketPath: undefined }
  }
  const socketPath = decodeUriPart(path)
  if (!/^\/[^/]/.test(socketPath)) throw new UriMistake(`expected ${manners.cln.example}`)
  const options = readOptions(query, optionNames(manners.cln))
  for (const name of ['rune', 'cert', 'tls']) {
    if (options.text(name) === undefined) continue
    throw new UriMistake(`?${name}: a socket needs none: take it out`)
  }
  const network = options.network()
  return { kind: 'cln', network, url: undefined, secret: undefined, socketPath }
}

/** `btcpay://HOST/STOREID`; what stands before the store is where BTCPay is. */
export function readBtcpayUri(text: string): Extract<WalletUri, { readonly kind: 'btcpay' }> {
  const { path, authority, query } = splitUri(text, manners.btcpay.example)
  const whole = readPrefix(path)
  const at = whole.lastIndexOf('/')
  const storeId = whole.slice(at + 1)
  if (at === -1 || !/^[A-Za-z0-9]{1,64}$/.test(storeId)) {
    throw new UriMistake(`names no store: expected ${manners.btcpay.example}`)
  }
  const options = readOptions(query, optionNames(manners.btcpay))
  const named = readNamed(authority, options, manners.btcpay, whole.slice(0, at))
  return { kind: 'btcpay', ...named, storeId }
}

/** `lndconnect://HOST:PORT?cert=…&macaroon=…`, both in base64url: everything is in the URI. */
export function readLndconnectUri(text: string): LndWalletUri {
  const example = 'lndconnect://HOST:PORT?macaroon=…&cert=…'
  const { authority, path, query } = splitUri(text, example)
  if (path !== '' && path !== '/') throw new UriMistake(`expected ${example}`)
  const { host, port } = readServer(authority, example)
  const options = readOptions(query, ['macaroon', 'cert', 'network', 'private'])
  const macaroon = options.text('macaroon')
  if (macaroon === undefined) throw new UriMistake('lacks macaroon=')
  const secret = base64(macaroon) === undefined ? undefined : placeOf(macaroon)
  if (secret === undefined) throw new UriMistake('?macaroon: expected base64url')
  const der = options.text('cert')
  const bytes = der === undefined ? undefined : base64(der)
  if (der !== undefined && bytes === undefined) throw new UriMistake('?cert: expected base64url')
  return {
    kind: 'lnd',
    network: options.network(),
    url: urlOf('https', host, port ?? manners.lnd.port, ''),
    secret,
    certificate: bytes && { from: 'uri', text: pemOf(bytes) },
    privateChannels: options.flag('private') ?? false,
  }
}

function optionNames({ secret }: Manner): readonly string[] {
  return [secret, 'cert', 'network', 'tls']
}

function readNamed(authority: string, options: UriOptions, manner: Manner, prefix: string): Named {
  const { host, port, isNear } = readServer(authority, manner.example)
  const secret = options.secret(manner.secret)
  if (secret === undefined) throw new UriMistake(`lacks ${manner.secret}=file:/path`)
  const certificate = options.certificate('cert')
  const isTls = readTls(options, manner, isNear)
  const scheme = isTls ? 'https' : 'http'
  const url = urlOf(scheme, host, port ?? manner.port, prefix)
  return { network: options.network(), url, secret, certificate }
}

function readTls(options: UriOptions, { isSecured }: Manner, isNear: boolean): boolean {
  const hasCertificate = options.text('cert') !== undefined
  const isTls = options.flag('tls') ?? (isSecured || !isNear || hasCertificate)
  if (isTls) return true
  if (!isNear) {
    throw new UriMistake('?tls=off: only on this machine; elsewhere the credential would be read')
  }
  if (hasCertificate) throw new UriMistake('?cert: there is none to check with tls=off')
  return false
}

function urlOf(
  scheme: 'http' | 'https',
  host: string,
  port: number | undefined,
  prefix: string,
): string {
  return `${scheme}://${host}${port === undefined ? '' : `:${port}`}${prefix}`
}

function base64(text: string): Uint8Array | undefined {
  try {
    return decodeBase64Any(text)
  } catch {
    return undefined
  }
}

function pemOf(der: Uint8Array): string {
  const lines = btoa(String.fromCharCode(...der)).match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
