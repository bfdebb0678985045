import { formatMsat, msat } from 'satway'
import type { PlacedService } from './cross-check.ts'
import type { Finding } from './mistakes.ts'

/** What a wallet cannot say in an invoice. Plain JSON: workers are told it too. */
export type InvoiceLimits = {
  /** `phoenixd`. */
  readonly wallet: string
  /** Amounts are multiples of it: digits. */
  readonly amountStepMsat: string
  readonly maxDescriptionBytes: number
}

/**
 * Prices and descriptions that the wallet cannot say in an invoice: nothing could be sold at them.
 *
 * @spec gateway.md R-GWW-5
 */
export function findUnsayable(
  services: readonly PlacedService[],
  { wallet, amountStepMsat, maxDescriptionBytes }: InvoiceLimits,
): readonly Finding[] {
  const step = BigInt(amountStepMsat)
  return services.flatMap(({ path, routes }) =>
    [...routes].flatMap(([key, { sale }]): readonly Finding[] => {
      if (sale === undefined) return []
      const { price, description = '' } = sale
      const place = [...path, 'routes', key]
      const length = Buffer.byteLength(description)
      return [
        ...(price.kind === 'fixed' && price.amountMsat % step !== 0n
          ? [{ path: [...place, 'price'], message: notWhole(wallet, price.amountMsat, step) }]
          : []),
        ...(length > maxDescriptionBytes
          ? [
              {
                path: [...place, 'description'],
                message: `${wallet} takes at most ${maxDescriptionBytes} bytes, and this has ${length}`,
              },
            ]
          : []),
      ]
    }),
  )
}

function notWhole(wallet: string, amountMsat: bigint, step: bigint): string {
  const less = amountMsat - (amountMsat % step)
  const near = [...(less > 0n ? [less] : []), less + step].map((one) => formatMsat(msat(one)))
  const unit = step === 1000n ? 'whole sat only' : `multiples of ${step} msat only`
  return `${wallet} makes invoices of ${unit}: write ${near.join(' or ')}`
}
