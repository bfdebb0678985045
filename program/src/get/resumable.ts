import { formatMsat, msat } from 'satway'
import type { PaymentEntry } from 'satway/client'
import type { Journal } from 'satway/journal'
import { printable } from '../cli/printable.ts'
import type { Screen } from '../cli/screen.ts'
import { pad, padStart } from '../cli/screen.ts'
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
  for (const { paymentHash, standing } of await tokens.list()) {
    if (standing !== 'owed') continue
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

/** Two lines each: what it was for, and the hash to go on with it. */
export function renderResumable(
  screen: Screen,
  { payments }: ResumableList,
  nowSeconds: number,
): string {
  if (payments.length === 0) return 'Nothing is open: every payment has ended, and was delivered.\n'
  const blocks = payments.map((payment) => {
    const { outcome, amountMsat, method, hasBody, paymentHash, startedAt } = payment
    const state = outcome === 'unknown' ? 'unknown end' : 'not delivered'
    const amount = formatMsat(msat(BigInt(amountMsat)))
    const age = ageOf(nowSeconds - Date.parse(startedAt) / 1000)
    // Its query may be a secret, and a terminal is looked at by others.
    const [address = ''] = payment.url.split('?', 1)
    const body = hasBody ? ', with a body' : ''
    const paint = outcome === 'unknown' ? screen.warn : screen.bad
    return (
      `${paint(pad(state, 13))}  ${padStart(amount, 12)}  ${padStart(age, 14)}\n` +
      `  ${method} ${printable(address)}${body}\n` +
      `  ${paymentHash}\n`
    )
  })
  const advice = 'To go on with one, without paying: satway resume PAYMENT_HASH\n'
  return `${blocks.join('\n')}\n${screen.dim(advice.trimEnd())}\n`
}

function ageOf(seconds: number): string {
  for (const [length, name] of [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
  ] as const) {
    const count = Math.floor(seconds / length)
    if (count >= 1) return `${count} ${name}${count === 1 ? '' : 's'} ago`
  }
  return 'just now'
}
