import type { Msat } from 'satway'
import { maxMsat, msat, parseAmount } from 'satway'
import type { PolicyOptions } from 'satway/client'
import type { Given } from '../cli/command.ts'
import { readAmountFlag } from './amount-flag.ts'

/** What one call may cost, as the command line says. */
export type Spending = {
  /** The most that the invoice may ask for. */
  readonly maxCostMsat: Msat
  /** Price and fee together. */
  readonly policy: PolicyOptions
}

/**
 * Reads `--max-cost`, which bounds the price alone, and `--max-fee`, which bounds what the route
 * takes on top.
 *
 * @throws {UsageMistake} for what is no amount.
 */
export function readSpending(given: Given): Spending {
  const maxCostMsat = readAmountFlag('max-cost', given.text('max-cost') ?? '100 sat')
  const text = given.text('max-fee')
  if (text !== undefined) {
    const maxFeeMsat = readAmountFlag('max-fee', text)
    return { maxCostMsat, policy: { ...both(maxCostMsat, maxFeeMsat), maxFeeMsat } }
  }
  // The client's own limit on fees applies, which depends on the price. This one lies above it for
  // every price that is allowed.
  return { maxCostMsat, policy: both(maxCostMsat, usualFee(maxCostMsat)) }
}

function both(
  maxCostMsat: Msat,
  maxFeeMsat: bigint,
): Pick<PolicyOptions, 'maxPaymentMsat' | 'maxTotalMsat'> {
  const sum = maxCostMsat + maxFeeMsat
  const mostMsat = sum > maxMsat ? maxMsat : msat(sum)
  return { maxPaymentMsat: mostMsat, maxTotalMsat: mostMsat }
}

/** The larger of 5 sat and 1 %: R-PAY-17. */
function usualFee(priceMsat: Msat): bigint {
  const onePercent = (priceMsat + 99n) / 100n
  const least = parseAmount('5 sat')
  return onePercent > least ? onePercent : least
}
