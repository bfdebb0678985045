import { isThisMachine, splitUri } from './uri-address.ts'
import { UriMistake } from './uri-mistake.ts'
import { readOptions } from './uri-options.ts'
import type { WalletUri } from './wallet-uri.ts'

const example = 'nostr+walletconnect://PUBKEY?relay=wss://…&secret=file:/path'
const maxRelays = 8

/** `nostr+walletconnect://…`, also without its slashes. */
export function readNwcUri(text: string): Extract<WalletUri, { readonly kind: 'nwc' }> {
  const { authority, path, query } = splitUri(text.replace(/^([a-z+]+:)(?!\/\/)/i, '$1//'), example)
  if (!/^[0-9a-f]{64}$/i.test(authority) || (path !== '' && path !== '/')) {
    throw new UriMistake(`expected ${example}, with a public key of 64 hex digits`)
  }
  const options = readOptions(query, ['relay', 'secret', 'lud16', 'network'], 'relay')
  const relays = [...new Set(options.all('relay').map(readRelay))]
  if (relays.length === 0) throw new UriMistake('lacks relay=wss://…')
  if (relays.length > maxRelays) throw new UriMistake(`has more than ${maxRelays} relays`)
  const secret = options.secret('secret')
  if (secret === undefined) throw new UriMistake('lacks secret=file:/path')
  if (secret.from === 'uri' && !/^[0-9a-f]{64}$/i.test(secret.text)) {
    throw new UriMistake('?secret: expected file:/path or env:NAME, or 64 hex digits')
  }
  return {
    kind: 'nwc',
    network: options.network(),
    url: undefined,
    secret,
    walletPubkey: authority.toLowerCase(),
    relays,
  }
}

function readRelay(text: string): string {
  const url = URL.parse(text)
  const isSocket = url?.protocol === 'wss:' || url?.protocol === 'ws:'
  if (url === null || !isSocket) throw new UriMistake('?relay: expected wss://HOST')
  if (url.protocol === 'ws:' && !isThisMachine(url.hostname)) {
    throw new UriMistake('?relay: is not encrypted: use wss, or ws on this machine')
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new UriMistake('?relay: expected wss://HOST, without a name, a password or #')
  }
  return text
}
