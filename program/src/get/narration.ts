import { formatMsat, msat } from 'satway'
import type { Step } from '../agent/index.ts'
import { printable } from '../cli/printable.ts'
import type { Screen } from '../cli/screen.ts'
import { whyAsked } from '../cli/wording.ts'

/** `--verbose`: every step as it happens, with the seconds since the start. No secrets. */
export function createNarrator(
  screen: Screen,
  now: () => number = () => performance.now(),
): (step: Step) => void {
  const startedAt = now()
  return (step) => {
    const seconds = ((now() - startedAt) / 1000).toFixed(3).padStart(8)
    screen.write(`${screen.dim(`* ${seconds} s  ${printable(describe(step))}`)}\n`)
  }
}

function describe(step: Step): string {
  switch (step.kind) {
    case 'request': {
      const proof = step.credential ? ', with a token that was paid for' : ''
      return `${step.method} ${step.url}${proof}`
    }
    case 'answer':
      return step.status === undefined ? 'no answer came' : `answered with status ${step.status}`
    case 'price':
      return `asks for ${amountIn(step.amountMsat)}, payment hash ${step.paymentHash.slice(0, 12)}…`
    case 'asking':
      return `asks whether to pay ${amountIn(step.costMsat)}: ${whyAsked[step.askedBecause]}`
    case 'waiting':
      return `waits up to ${step.seconds} s for an answer to question ${step.approvalId}`
    case 'answered':
      return `the answer is ${step.answer === 'pending' ? 'not there yet' : step.answer}`
    case 'paying':
      return `allowed; the wallet pays, at most ${amountIn(step.maxFeeMsat)} for the route`
    case 'payment':
      return step.status === 'unknown'
        ? 'nobody knows yet how the payment ends'
        : `payment ${step.status}`
    default:
      return step satisfies never
  }
}

function amountIn(digits: string): string {
  return formatMsat(msat(BigInt(digits)))
}
