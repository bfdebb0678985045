import type { PaymentEntry } from 'satway/client'
import type { Journal } from 'satway/journal'
import type { ResumableList } from '../schema/index.ts'

type Resumable = ResumableList['payments'][number]

/** What has no end, and what was paid for and did not come. Latest first. */
export async function findResumable({
  ledger,
  tokens,
}: Pick<Journal, 'ledger' | 'tokens'>): Promise<ResumableList> {
  const found = new Map<string, readonly [PaymentEntry, Resumable['outcome']]>()
  for (const entry of await ledger.unfinished()) {
    if (entry.abandoned || entry.token === undefined) continue
    const outcome = entry.state === 'settled' ? 'paid_not_delivered' : 'unknown'
    found.set(entry.paymentHash, [entry, outcome])
  }
  for (const { paymentHash } of await tokens.latest({ standing: 'owed' })) {
    const entry = await ledger.find(paymentHash)
    if (entry !== undefined) found.set(paymentHash, [entry, 'paid_not_delivered'])
  }
  const payments = [...found.values()]
    .sort(([one], [other]) => other.createdAtSeconds - one.createdAtSeconds)
    .map(([entry, outcome]) => viewOf(entry, outcome))
  return { payments }
}

function viewOf(entry: PaymentEntry, outcome: Resumable['outcome']): Resumable {
  const { paymentHash, origin, method, url, hasBody, amountMsat, feeMsat, maxFeeMsat } = entry
  return {
    paymentHash,
    outcome,
    origin,
    method,
    url,
    hasBody,
    amountMsat: String(amountMsat),
    feeMsat: feeMsat === undefined ? null : String(feeMsat),
    maxFeeMsat: String(maxFeeMsat),
    startedAt: new Date(entry.createdAtSeconds * 1000).toISOString(),
  }
}
