import type { Network } from '../../invoice/index.ts'

const networks: ReadonlySet<unknown> = new Set<Network>([
  'bitcoin',
  'testnet',
  'signet',
  'regtest',
  'simnet',
])
const maxMs = 3_600_000

/** What every adapter may be told. */
export type WalletOptions = {
  /** Default `bitcoin`. */
  readonly network?: Network
  /** How long an answer is waited for, in ms. Default 10 000. */
  readonly timeoutMs?: number
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

/** @throws {RangeError} that names the option, and not its value. */
export function readWalletOptions(options: WalletOptions): Required<WalletOptions> {
  const { now = systemSeconds } = options
  if (typeof now !== 'function') throw new RangeError('now: expected a function')
  return {
    network: requireNetwork(options.network),
    timeoutMs: requireMs('timeoutMs', options.timeoutMs, 10_000),
    now: () => Math.floor(now()),
  }
}

function systemSeconds(): number {
  return Date.now() / 1000
}

/** @throws {RangeError} for what is no network. */
export function requireNetwork(network: Network | undefined): Network {
  if (network === undefined) return 'bitcoin'
  if (!networks.has(network)) throw new RangeError('network: expected a network, such as bitcoin')
  return network
}

/** @throws {RangeError} for what is no number of milliseconds from 1 to an hour. */
export function requireMs(option: string, ms: number | undefined, whenLeftOut: number): number {
  if (ms === undefined) return whenLeftOut
  if (!Number.isInteger(ms) || ms < 1 || ms > maxMs) {
    throw new RangeError(`${option}: expected 1 to ${maxMs}`)
  }
  return ms
}

/** A secret that goes into a header as it is. @throws {RangeError} for what no header can hold. */
export function requireHeaderText(option: string, text: string): string {
  if (typeof text !== 'string' || !/^[\x21-\x7e]{1,1024}$/.test(text)) {
    throw new RangeError(`${option}: expected letters, digits and signs, without spaces`)
  }
  return text
}
