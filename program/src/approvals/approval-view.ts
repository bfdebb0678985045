import type { Approval } from 'satway/journal'
import { formatMoment } from '../desk/index.ts'
import type { ApprovalView } from '../schema/index.ts'

/** A question to the operator, as programs see it. */
export function viewApproval(approval: Approval): ApprovalView {
  const { id, state, proposal, createdAtSeconds, expiresAtSeconds } = approval
  const { askedBecause, origin, method, url, amountMsat, maxFeeMsat } = proposal
  return {
    id,
    state,
    askedBecause,
    origin,
    method,
    url,
    amountMsat: `${amountMsat}`,
    maxFeeMsat: `${maxFeeMsat}`,
    payee: proposal.payee,
    description: proposal.description,
    capability: proposal.capability ?? null,
    bodySha256: proposal.bodySha256 ?? null,
    bodyBytes: proposal.bodyBytes ?? null,
    createdAt: formatMoment(createdAtSeconds),
    expiresAt: formatMoment(expiresAtSeconds),
  }
}

/** Where it is asked, in a few letters: the host, or the payee of a bare invoice. */
export function hostAsked({ proposal }: Approval): string {
  const { origin, url } = proposal
  if (origin.startsWith('lightning:')) return `${origin.slice(0, 22)}…`
  return URL.parse(url)?.host ?? origin
}
