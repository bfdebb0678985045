import { formatMsat, msat } from 'satway'
import { printable } from '../cli/printable.ts'
import type { Screen } from '../cli/screen.ts'
import { pad, padStart } from '../cli/screen.ts'
import type { ResumableList } from '../schema/index.ts'

type Resumable = ResumableList['payments'][number]

/**
 * A few lines each: what it was for, and the hash to go on with it.
 *
 * @param view - `walletTells`: whether the wallet can be asked what became of a payment.
 * @spec agent.md R-GET-22
 */
export function renderResumable(
  screen: Screen,
  { payments }: ResumableList,
  { nowSeconds, walletTells }: { readonly nowSeconds: number; readonly walletTells: boolean },
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
  const isHopeless = ({ outcome, startedAt }: Resumable): boolean =>
    outcome === 'unknown' && nowSeconds - Date.parse(startedAt) / 1000 > daySeconds
  const advice = ['To go on with one, without paying: satway resume PAYMENT_HASH']
  if (!walletTells && payments.some(isHopeless)) advice.push(...toRelease)
  return `${blocks.join('\n')}\n${advice.map((line) => `${screen.dim(line)}\n`).join('')}`
}

const daySeconds = 86_400
const toRelease = [
  'This wallet cannot be asked about payments. Look into it yourself; for one that is',
  'older than a day and was not paid: satway tokens abandon PAYMENT_HASH --release',
]

function ageOf(seconds: number): string {
  for (const [length, name] of [
    [daySeconds, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
  ] as const) {
    const count = Math.floor(seconds / length)
    if (count >= 1) return `${count} ${name}${count === 1 ? '' : 's'} ago`
  }
  return 'just now'
}
