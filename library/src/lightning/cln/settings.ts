import type { Network } from '../../invoice/index.ts'
import { readWalletOptions, requireBaseUrl, requireMs } from '../adapter/index.ts'
import type { ClnOptions } from './cln.ts'
import type { Rune } from './rune.ts'
import { readRune } from './rune.ts'

/** Where the node is, and with what. */
export type Place =
  | {
      readonly via: 'clnrest'
      readonly url: string
      readonly rune: string
      readonly restrictions: Rune
      readonly certificate: string | undefined
    }
  | { readonly via: 'socket'; readonly path: string }

/** Options that were checked. */
export type Settings = {
  readonly place: Place
  readonly network: Network
  readonly timeoutMs: number
  readonly orderTimeoutMs: number
  /** Whole seconds since 1970. */
  readonly now: () => number
}

/** The address of a Unix socket holds no more, its end included. */
const maxPathBytes = 107

/** @throws {RangeError} that names the option and not its value, which may be a secret. */
export function readOptions(options: ClnOptions): Settings {
  return {
    ...readWalletOptions(options),
    place: readPlace(options),
    orderTimeoutMs: requireMs('orderTimeoutMs', options.orderTimeoutMs, 75_000),
  }
}

function readPlace(options: ClnOptions): Place {
  const { url, socketPath, certificate } = options
  if ((url === undefined) === (socketPath === undefined)) {
    throw new RangeError('url, socketPath: expected one of them')
  }
  if (socketPath !== undefined) return { via: 'socket', path: readPath(socketPath, options) }
  const rune = typeof options.rune === 'string' ? options.rune.trim() : ''
  const restrictions = readRune(rune)
  if (rune === '' || restrictions === undefined) {
    throw new RangeError('rune: expected one as lightning-cli createrune prints it')
  }
  return {
    via: 'clnrest',
    url: requireBaseUrl('url', String(url)),
    rune,
    restrictions,
    certificate,
  }
}

function readPath(path: string, { rune, certificate }: ClnOptions): string {
  if (rune !== undefined || certificate !== undefined) {
    throw new RangeError('rune, certificate: not for a socket, which asks for neither')
  }
  const isPath = typeof path === 'string' && path !== '' && !path.includes('\0')
  if (!isPath || Buffer.byteLength(path) > maxPathBytes) {
    throw new RangeError(`socketPath: expected a path of at most ${maxPathBytes} bytes`)
  }
  return path
}
