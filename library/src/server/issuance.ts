import { IssuanceGate } from './issuance-gate.ts'
import { IssuanceLimit } from './issuance-limit.ts'
import type { IssuanceOptions } from './paywall.ts'

const defaults = {
  burst: 60,
  perMinute: 60,
  globalBurst: 1000,
  globalPerMinute: 1000,
  concurrent: 32,
  queue: 200,
  timeoutMs: 10_000,
} as const

/** The limits of issuance, with the counts they have reached. */
export class Issuance {
  /** @internal */
  readonly limit: IssuanceLimit
  /** @internal */
  readonly gate: IssuanceGate

  /** @param options - Checked. */
  constructor(options: IssuanceOptions) {
    const all = { ...defaults, ...options }
    this.limit = new IssuanceLimit(all)
    this.gate = new IssuanceGate(all)
  }
}
