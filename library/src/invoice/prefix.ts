import type { Msat } from '../amount/index.ts'
import { maxMsat } from '../amount/index.ts'
import { L402Error } from '../errors.ts'
import type { Network } from './invoice.ts'
import { malformed } from './refusal.ts'

/** What stands after `ln` for each network. R-INV-5 */
const currencies: Readonly<Record<Network, string>> = {
  bitcoin: 'bc',
  testnet: 'tb',
  signet: 'tbs',
  regtest: 'bcrt',
  simnet: 'sb',
}

const networks: ReadonlyMap<string, Network> = new Map(
  (Object.keys(currencies) as Network[]).map((network) => [currencies[network], network]),
)

/** The multipliers, largest first, with what one of them is worth in tenths of a msat. */
const multipliers: readonly (readonly [letter: string, tenthsOfMsat: bigint])[] = [
  ['', 1_000_000_000_000n],
  ['m', 1_000_000_000n],
  ['u', 1_000_000n],
  ['n', 1_000n],
  ['p', 1n],
]

const tenthsOfMultiplier: ReadonlyMap<string, bigint> = new Map(multipliers)

/** Longest amount, in digits: 21 million BTC written with the smallest multiplier. */
const maxDigits = 20

/** The network and the amount of an invoice, as its human-readable part says them. */
export type Prefix = { readonly network: Network; readonly amountMsat: Msat | undefined }

/**
 * Reads the human-readable part of an invoice, for example `lnbc2500u`.
 *
 * @throws {L402Error} INVOICE_MALFORMED when it does not begin with `ln`, or ends in something that
 *   is no amount; INVOICE_NETWORK for a network that is not known; INVOICE_AMOUNT for an amount
 *   that begins with 0, is finer than 1 msat or exceeds 21 million BTC.
 * @spec invoice.md R-INV-5, R-INV-6, R-INV-7
 */
export function parsePrefix(text: string): Prefix {
  const match = /^ln([a-z]+)(?:(\d+)([munp]?))?$/.exec(text)
  if (match === null) throw malformed('human-readable part')
  const [, currency = '', digits, multiplier = ''] = match
  const network = networks.get(currency)
  if (network === undefined) {
    throw new L402Error('INVOICE_NETWORK', { currency: currency.slice(0, 64) })
  }
  if (digits === undefined) return { network, amountMsat: undefined }

  if (digits.startsWith('0')) throw refusedAmount('leading zero')
  if (digits.length > maxDigits) throw refusedAmount('more than 21 million BTC')
  const tenths = BigInt(digits) * tenthsOfMultiplier.get(multiplier)!
  if (tenths % 10n !== 0n) throw refusedAmount('finer than 1 msat')
  const amountMsat = tenths / 10n
  if (amountMsat > maxMsat) throw refusedAmount('more than 21 million BTC')
  return { network, amountMsat: amountMsat as Msat }
}

/**
 * Writes the human-readable part, with the largest multiplier that needs no fraction. The inverse
 * of {@link parsePrefix}.
 *
 * @throws {TypeError} for an unknown network and an amount that is not a bigint.
 * @throws {RangeError} for an amount that is not between 1 msat and 21 million BTC.
 * @spec invoice.md R-INV-25
 */
export function formatPrefix({ network, amountMsat }: Prefix): string {
  const currency = Object.hasOwn(currencies, network) ? currencies[network] : undefined
  if (currency === undefined) throw new TypeError('network: expected one of the five networks')
  if (amountMsat === undefined) return `ln${currency}`

  if (typeof amountMsat !== 'bigint') throw new TypeError('amountMsat: expected a bigint')
  if (amountMsat <= 0n || amountMsat > maxMsat) {
    throw new RangeError('amountMsat: expected 1 msat to 21 million BTC')
  }
  const tenths = amountMsat * 10n
  const [letter, unit] = multipliers.find(([, size]) => tenths % size === 0n)!
  return `ln${currency}${tenths / unit}${letter}`
}

function refusedAmount(reason: string): L402Error {
  return new L402Error('INVOICE_AMOUNT', { reason })
}
