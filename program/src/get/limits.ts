import type { CallLimitOptions } from 'satway/client'
import { readAmountFlag } from '../cli/amount-flag.ts'
import type { Given } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'

/** As many as the library follows. */
const mostRedirects = 20

/**
 * What this call may cost and where it may go: each of these narrows the policy.
 *
 * `--max-cost` bounds the price alone, and `--max-fee` what the route takes on top.
 *
 * @throws {UsageMistake} for what is no amount or no number.
 */
export function readLimits(given: Given): CallLimitOptions {
  const maxCost = given.text('max-cost')
  const maxFee = given.text('max-fee')
  const redirects = given.text('max-redirects')
  return {
    ...(maxCost !== undefined && { expectedPriceMsat: readAmountFlag('max-cost', maxCost) }),
    ...(maxFee !== undefined && { maxFeeMsat: readAmountFlag('max-fee', maxFee) }),
    ...(redirects !== undefined && { maxRedirects: readRedirects(redirects) }),
    pay: !given.has('no-pay'),
    replaceAuthorization: given.has('replace-authorization'),
    untrustedUrl: given.has('public-only') || readSwitch('SATWAY_PUBLIC_ONLY'),
  }
}

/** @throws {UsageMistake} */
export function readSeconds(flag: string, text: string): number {
  const seconds = Number(text)
  if (/^\d{1,5}(\.\d{1,3})?$/.test(text) && seconds > 0 && seconds <= 86_400) return seconds
  throw new UsageMistake(`--${flag}: expected seconds, more than 0 and at most 86400`)
}

function readRedirects(text: string): number {
  if (/^\d{1,2}$/.test(text) && Number(text) <= mostRedirects) return Number(text)
  throw new UsageMistake(`--max-redirects: expected a number from 0 to ${mostRedirects}`)
}

/** A switch in the environment that is neither on nor off must not count as off. */
function readSwitch(name: string): boolean {
  const value = process.env[name] ?? ''
  if (value === '1' || value === 'true') return true
  if (value === '' || value === '0' || value === 'false') return false
  throw new UsageMistake(`${name}: expected 1 or 0`)
}
