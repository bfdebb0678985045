import type { L402Error } from '../errors.ts'
import type { Hop } from './call.ts'
import { bareHostname } from './host.ts'
import { unknownPayment } from './intent.ts'
import type { Aim } from './ledger.ts'
import { buysTheSame, isOpen } from './ledger.ts'
import { orAborted } from './locks.ts'
import type { Parts } from './parts.ts'
import { tokenIdOf } from './stored-token.ts'
import { storing } from './storing.ts'

/** What is left of earlier purchases at a host. */
export type Earlier = {
  /** One of what is wanted now, of which nobody can tell how it ends. */
  readonly stillOpen: L402Error | undefined
  /** Ids of tokens whose payments were found to have settled. */
  readonly settled: ReadonlySet<string>
  /** How many payments at the host for other things nobody knows the end of. */
  readonly unknown: number
}

/**
 * Finds out about payments that an earlier call, an earlier life of the process, or another process
 * left without an end, as far as they bought what is wanted now.
 *
 * @param most - With as many of unknown end, those for other things are asked about, too.
 * @spec client.md R-PAY-33, R-PAY-45, R-PAY-84
 */
export async function settleEarlier(
  { ledger, payments, payer }: Parts,
  { url }: Hop,
  aim: Aim,
  most: number,
  signal: AbortSignal | undefined,
): Promise<Earlier> {
  const host = bareHostname(url)
  const everywhere = await orAborted(
    storing(() => ledger.unfinished()),
    signal,
  )
  const unfinished = everywhere.filter((entry) => entry.host === host)
  const isUnknown = (entry: (typeof unfinished)[number]): boolean =>
    entry.state === 'unknown' && !entry.abandoned
  const areMany = unfinished.filter(isUnknown).length >= most

  let stillOpen: L402Error | undefined
  let unknown = 0
  const settled = new Set<string>()
  for (const entry of unfinished) {
    const isWanted = entry.origin === url.origin && buysTheSame(entry, aim)
    if (isOpen(entry) && !isWanted && !(areMany && isUnknown(entry))) {
      if (isUnknown(entry)) unknown++
      continue
    }
    const found = isWanted
      ? await payments.settle(entry, signal)
      : await orAborted(payments.resolve(entry), signal)
    const now = found.entry
    if (now.state === 'settled' && now.token !== undefined && !found.byOther) {
      settled.add(tokenIdOf(now.origin, now.token, now.paymentHash))
    }
    if (!isOpen(now) || now.abandoned) continue
    if (isWanted) stillOpen ??= unknownPayment(now, payer)
    else unknown++
  }
  return { stillOpen, settled, unknown }
}
