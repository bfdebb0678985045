import { readAmountFlag } from '../cli/amount-flag.ts'
import type { Given } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import { readDuration, readMoment } from '../desk/index.ts'
import type { Restrictions } from './conditions.ts'

/**
 * The restrictions that a command line asks for. What their values may be is checked where they are
 * made into conditions; here is what only a command line knows: units, and lengths of time.
 *
 * @throws {UsageMistake}
 */
export function readRestrictions(given: Given, nowSeconds: number): Restrictions {
  const [uses, spend, expires] = [given.text('uses'), given.text('spend'), given.text('expires')]
  const [path, methods, ip] = [given.text('path'), given.text('method'), given.text('ip')]
  const name = given.text('name')
  return {
    ...(uses !== undefined && { uses: readUses(uses) }),
    ...(spend !== undefined && { spendSat: readWholeSat(spend) }),
    ...(expires !== undefined && { expiresAtSeconds: readExpiry(expires, nowSeconds) }),
    ...(path !== undefined && { path }),
    ...(methods !== undefined && { methods: methods.toUpperCase() }),
    ...(ip !== undefined && { ip }),
    ...(name !== undefined && { name }),
    caveats: given.texts('caveat'),
  }
}

function readUses(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageMistake('--uses: expected a whole number from 1 to 999999999')
}

/**
 * Whole sat, as an amount of the command line.
 *
 * @throws {UsageMistake} for less than 1 sat and for parts of one: the condition cannot say them.
 */
export function readWholeSat(text: string): bigint {
  const amountMsat = readAmountFlag('spend', text)
  if (amountMsat >= 1000n && amountMsat % 1000n === 0n) return amountMsat / 1000n
  throw new UsageMistake('--spend: expected whole sat, 1 or more')
}

/**
 * Seconds since 1970, from a length of time or a moment.
 *
 * @throws {UsageMistake}
 */
export function readExpiry(text: string, nowSeconds: number): number {
  const duration = readDuration(text)
  const moment = duration === undefined ? readMoment(text) : nowSeconds + duration
  if (moment !== undefined) return moment
  throw new UsageMistake('--expires: expected 30m, 1h, 2d, or a moment like 2026-03-01T12:00:00Z')
}
