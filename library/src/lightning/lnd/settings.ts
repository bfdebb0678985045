import type { Network } from '../../invoice/index.ts'
import type { Macaroon } from '../../macaroon/index.ts'
import { readWalletOptions, requireBaseUrl, requireMs } from '../adapter/index.ts'
import type { LndOptions } from './lnd.ts'
import { readMacaroon } from './macaroon-bytes.ts'

const maxLagSeconds = 86_400

/** Options that were checked. */
export type Settings = {
  readonly url: string
  readonly network: Network
  readonly macaroon: Macaroon
  readonly certificate: string | undefined
  readonly usesPrivateChannels: boolean
  readonly timeoutMs: number
  readonly orderTimeoutMs: number
  readonly orderLagSeconds: number
  readonly now: () => number
}

/** @throws {RangeError} that names the option and not its value, which may be a secret. */
export function readOptions(options: LndOptions): Settings {
  return {
    ...readWalletOptions(options),
    url: requireBaseUrl('url', options.url),
    macaroon: readMacaroon(options.macaroon),
    certificate: options.certificate,
    usesPrivateChannels: options.privateChannels === true,
    orderTimeoutMs: requireMs('orderTimeoutMs', options.orderTimeoutMs, 75_000),
    orderLagSeconds: requireLag(options.orderLagSeconds ?? 120),
  }
}

function requireLag(seconds: number): number {
  if (seconds >= 0 && seconds <= maxLagSeconds) return seconds
  throw new RangeError(`orderLagSeconds: expected 0 to ${maxLagSeconds}`)
}
