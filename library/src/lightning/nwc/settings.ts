import { decodeHex } from '../../bytes/index.ts'
import type { Network } from '../../invoice/index.ts'
import { isThisMachine, readWalletOptions, requireMs } from '../adapter/index.ts'
import { isPublicKey, publicKeyOf } from '../nostr/index.ts'
import type { NwcOptions } from './nwc.ts'

/** Options that were checked. */
export type Settings = {
  /** 64 hex digits in lower case, as is {@link clientPubkey}. */
  readonly walletPubkey: string
  readonly clientPubkey: string
  readonly secretKey: Uint8Array
  readonly relays: readonly string[]
  readonly network: Network
  readonly timeoutMs: number
  readonly orderTimeoutMs: number
  /** How long each step before an order may take, in ms: nothing is ordered in the last moment. */
  readonly askMs: number
  readonly pollMs: number
  readonly now: () => number
}

const maxRelays = 8
const hexKey = /^[0-9a-f]{64}$/i

/** @throws {RangeError} that names the option and not its value, which may be a secret. */
export function readOptions(options: NwcOptions): Settings {
  const common = readWalletOptions(options)
  const walletPubkey = String(options.walletPubkey).toLowerCase()
  if (!isPublicKey(walletPubkey)) {
    throw new RangeError('walletPubkey: expected a public key of 64 hex digits')
  }
  if (!hexKey.test(String(options.secret))) {
    throw new RangeError('secret: expected a secret key of 64 hex digits')
  }
  const secretKey = decodeHex(String(options.secret).toLowerCase())
  const clientPubkey = publicKeyOf(secretKey)
  if (clientPubkey === undefined) {
    throw new RangeError('secret: expected a secret key of secp256k1')
  }
  const { timeoutMs } = common
  const orderTimeoutMs = requireMs('orderTimeoutMs', options.orderTimeoutMs, 75_000)
  return {
    walletPubkey,
    clientPubkey,
    secretKey,
    relays: readRelays(options.relays),
    ...common,
    orderTimeoutMs,
    askMs: Math.max(1, Math.min(timeoutMs, Math.floor(orderTimeoutMs / 3))),
    pollMs: requireMs('pollMs', options.pollMs, 3000),
  }
}

function readRelays(relays: readonly string[]): readonly string[] {
  const isList = Array.isArray(relays) && relays.length > 0
  const different = new Set(isList ? relays.map(readRelay) : [])
  if (different.size >= 1 && different.size <= maxRelays) return [...different]
  throw new RangeError(`relays: expected 1 to ${maxRelays} URLs`)
}

function readRelay(text: unknown): string {
  const url = URL.parse(String(text))
  const isNear = url !== null && isThisMachine(url)
  const isSafe = url?.protocol === 'wss:' || (url?.protocol === 'ws:' && isNear)
  if (url === null || !isSafe) throw new RangeError('relays: expected wss, or ws on this machine')
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new RangeError('relays: expected no user name, no password and no #')
  }
  return String(text)
}
