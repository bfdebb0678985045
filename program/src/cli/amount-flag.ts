import type { Msat } from 'satway'
import { isL402Error, parseAmount } from 'satway'
import { UsageMistake } from './failure.ts'

/**
 * Reads an amount from the command line: `100sat`, `1500msat`, `0.0001BTC`, or a bare number of sat.
 *
 * @throws {UsageMistake} for anything else.
 */
export function readAmountFlag(flag: string, text: string): Msat {
  // More digits than the library reads: whatever the unit, that is more than there is.
  if (/^0*[1-9]\d{20}/.test(text)) throw new UsageMistake(`--${flag}: more than 21 million BTC`)
  try {
    return parseAmount(/^\d+$/.test(text) ? `${text} sat` : text)
  } catch (error) {
    if (!isL402Error(error)) throw error
    const reason = String(error.details['reason'])
    const wrong = reason.startsWith('expected')
      ? 'expected an amount like 100 or 100sat, 1500msat, 0.0001BTC'
      : reason
    throw new UsageMistake(`--${flag}: ${wrong}`)
  }
}
