import { formatMsat } from 'satway'
import type { PaywallEvents } from 'satway/server'
import type { DemoEvent } from './events.ts'

/** What the paywall sees, in words: for whoever watches while somebody else buys. */
export function activityOf(tell: (event: DemoEvent) => void): PaywallEvents {
  const say = (what: string): void => tell({ event: 'activity', what })
  return {
    challenge: ({ amountMsat, reused, code }) => {
      const again = reused ? ', the same as before' : ''
      const why = code === 'ACCESS_PAYMENT_REQUIRED' ? '' : ` (${code})`
      say(`402: a challenge over ${formatMsat(amountMsat)}${again}${why}`)
    },
    settled: ({ amountMsat, paymentHash }) => {
      say(`paid: ${formatMsat(amountMsat)}, payment ${paymentHash.slice(0, 16)}…`)
    },
    admitted: ({ capability, receipt }) => {
      if (receipt === undefined) return
      say(`served: ${capability}, bought with payment ${receipt.paymentHash.slice(0, 16)}…`)
    },
    refused: ({ status, cause }) => {
      if (status !== 402) say(`refused: ${status} (${cause})`)
    },
    failure: ({ part, code }) => say(`failed: ${part} (${code})`),
  }
}
