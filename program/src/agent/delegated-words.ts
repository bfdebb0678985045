import { isL402Error } from 'satway'
import { exitCodes } from '../cli/exit-codes.ts'
import type { Refusal } from './asked.ts'
import type { Explained } from './failures.ts'

type Cause = { readonly origin: string | undefined } & (
  | { readonly error: unknown }
  | { readonly status: number }
)

/**
 * Why a call of somebody who was given a token, and no wallet, was not answered. `undefined`: for a
 * reason that has nothing to do with that.
 *
 * @param delegatedTo - The origin that the token is for.
 * @param cause - What was thrown, or the status of the answer; and the origin that was asked.
 * @param refusal - What the server last said to the token.
 * @spec agent.md R-AGT-28
 */
export function explainDelegated(
  delegatedTo: string,
  cause: Cause,
  refusal: Refusal | undefined,
): Explained | undefined {
  const asked = isUnpaid(cause) ? originOf(cause) : undefined
  if (asked === undefined) return undefined
  const [code, reason] = 'error' in cause ? ['POLICY_REFUSED', 'no-payer'] : ['HTTP_STATUS', null]
  const message = asked === delegatedTo ? notCovered(cause, refusal) : elsewhere(delegatedTo, asked)
  const advice = 'Nothing was paid. Ask whoever gave you the token.'
  return { exitCode: exitCodes.refused, error: { code, reason, message, advice } as const }
}

const refusals: ReadonlySet<number> = new Set([401, 402, 403])

/** Whether there was something to pay, or the server let nobody in. */
function isUnpaid(cause: Cause): boolean {
  if ('status' in cause) return refusals.has(cause.status)
  if (!isL402Error(cause.error)) return false
  const { code, details } = cause.error
  return code === 'BUDGET_EXCEEDED' || details['reason'] === 'no-payer'
}

/** A redirect may have led elsewhere: the error knows. */
function originOf(cause: Cause): string | undefined {
  const known = 'error' in cause && isL402Error(cause.error) ? cause.error.details['origin'] : ''
  return typeof known === 'string' && known !== '' ? known : cause.origin
}

function notCovered(cause: Cause, refusal: Refusal | undefined): string {
  const status = refusal?.status ?? ('status' in cause ? cause.status : 402)
  const code = refusal?.code === undefined ? '' : ` ${refusal.code}`
  return `What was delegated does not cover this, or is used up. The server answered ${status}${code}.`
}

function elsewhere(delegatedTo: string, asked: string): string {
  return `What was delegated is for ${delegatedTo}, and not for ${asked}, which wants to be paid.`
}
