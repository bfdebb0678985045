import type { Msat } from '../amount/index.ts'
import type { L402Error } from '../errors.ts'
import { isL402Error } from '../errors.ts'
import { outcomeOf } from './outcome.ts'
import type { Parts } from './parts.ts'
import type { Note } from './receipts.ts'
import { quietly } from './storing.ts'
import type { StoredToken } from './token-store.ts'

/** What was asked for: a URL without its query, or a bare invoice. */
export type Asked = { readonly method: string; readonly origin: string; readonly path: string }

type Noting = Pick<Parts, 'receipts' | 'now'>

/**
 * Notes that something was not paid because a check, a limit or somebody who was asked said no.
 * Other errors are not noted.
 *
 * @spec client.md R-RCT-1
 */
export async function noteRefused(parts: Noting, asked: Asked, error: unknown): Promise<void> {
  if (!isL402Error(error) || outcomeOf(error) !== 'refused') return
  await note(parts, {
    kind: 'refused',
    atSeconds: parts.now(),
    ...asked,
    code: error.code,
    reason: reasonOf(error),
    amountMsat: amountOf(error),
    paymentHash: textOf(error, 'paymentHash'),
  })
}

/**
 * Notes what became of something that was bought.
 *
 * @param status - `undefined`: no answer came.
 * @spec client.md R-RCT-2
 */
export async function noteAnswered(
  parts: Noting,
  { origin, paymentHash }: StoredToken,
  isDelivered: boolean,
  status: number | undefined,
): Promise<void> {
  const kind = isDelivered ? 'delivered' : 'not-delivered'
  await note(parts, { kind, atSeconds: parts.now(), origin, paymentHash, status })
}

/** `details.reason` of a refusal, `details.limit` of a limit. */
export function reasonOf(error: L402Error): string | undefined {
  return textOf(error, 'reason') ?? textOf(error, 'limit')
}

/** An amount among the details of an error, which are digits there. */
export function amountOf(
  error: L402Error,
  name: 'amountMsat' | 'feeMsat' = 'amountMsat',
): Msat | undefined {
  const digits = textOf(error, name)
  return digits !== undefined && /^\d+$/.test(digits) ? (BigInt(digits) as Msat) : undefined
}

export function textOf({ details }: L402Error, name: string): string | undefined {
  const value = details[name]
  return typeof value === 'string' ? value : undefined
}

/** A note that fails changes nothing. */
async function note({ receipts }: Noting, one: Note): Promise<void> {
  if (receipts === undefined) return
  await quietly((async () => receipts.note(one))())
}
