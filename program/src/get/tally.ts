import type { Step } from '../agent/index.ts'

/** What a report does not say: what this very call did. */
export type Tally = {
  watch(step: Step): void
  /** Whether this call made a payment, and not an earlier one. */
  paid(): boolean
  /** Whether the last request went out with a token. */
  usedToken(): boolean
}

export function createTally(): Tally {
  let paid = false
  let usedToken = false
  return {
    watch: (step) => {
      if (step.kind === 'paying') paid = true
      if (step.kind === 'request') usedToken = step.credential
    },
    paid: () => paid,
    usedToken: () => usedToken,
  }
}
