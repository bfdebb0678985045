import { msat } from '../../library/src/amount/index.ts'
import type { Proposal } from '../../library/src/client/index.ts'

/** A purchase that somebody is asked about. */
export function proposalOf(more: Partial<Proposal> = {}): Proposal {
  return {
    askedBecause: 'amount',
    origin: 'https://a.example',
    method: 'GET',
    url: 'https://a.example/v1/image?size=small',
    amountMsat: msat(100_000n),
    maxFeeMsat: msat(5000n),
    payee: `02${'ab'.repeat(32)}`,
    paymentHash: 'cd'.repeat(32),
    description: 'an image',
    capability: 'image',
    bodySha256: undefined,
    bodyBytes: undefined,
    ...more,
  }
}
