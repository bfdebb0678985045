import type { Msat } from 'satway'
import { isL402Error, parseAmount } from 'satway'
import { UsageMistake } from '../cli/failure.ts'

/**
 * Reads an amount from the command line: `100sat`, `1500msat`, or a bare number of sat.
 *
 * @throws {UsageMistake} for anything else.
 */
export function readAmountFlag(flag: string, text: string): Msat {
  try {
    return parseAmount(/^\d+$/.test(text) ? `${text} sat` : text)
  } catch (error) {
    if (!isL402Error(error)) throw error
    throw new UsageMistake(`--${flag}: expected an amount like 100, 100sat or 1500msat`)
  }
}
